/**
 * From the end of a session to its refusal at services that follow the feed: one issuer on core 0, the services in one process on core 1, over HTTP on
 * loopback. A child process; argv: package folder, rounds, numbers of services.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ask, startNode, stop } from '../children.ts'
import { loadEntry } from '../package.ts'
import { newKey } from '../sample.ts'
import { AUDIENCE, type Question } from './words.ts'

export interface FeedRow {
  readonly services: number
  /** Milliseconds from the call that ends the session, at the issuer, to the first verification that refuses. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly count: number
}

const [packageFolder, rounds, numbers] = process.argv.slice(2) as [string, string, string]
const { createSessions } = await loadEntry(packageFolder, 'core')
const { memoryStore } = await loadEntry(packageFolder, 'memory')
const { createTokens } = await loadEntry(packageFolder, 'tokens')

const sessions = createSessions({ store: memoryStore(), keys: newKey() })
const server = createServer((request, response) => {
  if (!tokens.node(request, response)) response.writeHead(404).end()
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
const clientSecret = newKey()
const tokens = createTokens(sessions, {
  issuer,
  audience: AUDIENCE,
  clients: [{ id: 'service', authentication: { clientSecret }, may: ['feed', 'introspect'] }],
  dangerouslyAllowHttp: true,
})

const rows: FeedRow[] = []
for (const services of numbers.split(',').map(Number)) {
  const child = startNode(1, new URL('services.ts', import.meta.url).pathname, [packageFolder])
  await ask(child, { kind: 'open', services, issuer, clientSecret } satisfies Question)
  const delays: number[] = []
  for (let round = 0; round < Number(rounds); round++) {
    const session = await sessions.signIn({ subject: `user-${round}`, method: 'pwd' })
    const { accessToken: token } = await tokens.mint(session)
    await ask(child, { kind: 'watch', token } satisfies Question)
    const refusals = ask<readonly number[]>(child, { kind: 'refused' } satisfies Question)
    // Until they wait for it.
    await new Promise((resolve) => setTimeout(resolve, 20))
    const endedAt = performance.timeOrigin + performance.now()
    await sessions.revoke(session.id!)
    const instants = await refusals
    delays.push(...instants.map((instant) => instant - endedAt))
  }
  await ask(child, { kind: 'close' } satisfies Question)
  await stop(child)
  delays.sort((a, b) => a - b)
  const at = (share: number) => delays[Math.min(delays.length - 1, Math.floor(share * delays.length))]!
  rows.push({ services, p50: at(0.5), p99: at(0.99), max: delays.at(-1)!, count: delays.length })
}
await tokens.close()
server.closeAllConnections()
server.close()
process.send!(rows)
process.on('disconnect', () => process.exit(0))
