/**
 * 100,000 queued notifications drained: every session of a site has ended while its applications were away, and now they are back. Receivers are in a process of their
 * own; one of them hangs, and must hold up none of the others. A child process; argv: package folder, data folder, notifications.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { generateKeyPair, SignJWT } from 'jose'
import type { Outbox } from 'sojourn/oidc'
import { nextMessage, startNode, stop } from '../children.ts'
import { loadEntry } from '../package.ts'
import { newKey } from '../sample.ts'

export interface DrainRow {
  readonly outbox: string
  readonly entries: number
  readonly seconds: number
  /** Microseconds. */
  readonly cpuEach: number
  readonly heapMb: number
}

const RECEIVERS = Array.from({ length: 10 }, (_, index) => `client-${index}`)
const HANGING = 'hanging'

const [packageFolder, dataFolder, given] = process.argv.slice(2) as [string, string, string]
if (packageFolder === 'receive') receive()
else {
  process.send!([await drain(Number(given))])
  process.on('disconnect', () => process.exit(0))
}

async function drain(entries: number): Promise<DrainRow> {
  const { createSessions } = await loadEntry(packageFolder, 'core')
  const { memoryStore } = await loadEntry(packageFolder, 'memory')
  const { createHub } = await loadEntry(packageFolder, 'oidc')
  const { sqliteOutbox } = await loadEntry(packageFolder, 'outboxSqlite')
  const outbox = sqliteOutbox(join(dataFolder, 'outbox.db'))
  const receivers = startNode(1, import.meta.filename, ['receive'])
  const port = await nextMessage<number>(receivers)
  const sessions = createSessions({ store: memoryStore(), keys: newKey() })
  const { privateKey } = await generateKeyPair('ES256')
  const signer = {
    issuer: 'https://shop.example',
    sign: (claims: object, typ: string) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ }).sign(privateKey),
  }
  const clients = [...RECEIVERS, HANGING].map((id) => ({ id, logoutUri: `http://127.0.0.1:${port}/${id}` }))
  const hub = createHub(sessions, { signer, outbox, clients, dangerouslyAllowHttp: true })
  await fill(outbox, entries, RECEIVERS)
  await fill(outbox, 100, [HANGING])
  globalThis.gc?.()

  let [succeeded, heapPeak] = [0, process.memoryUsage().heapUsed]
  const done = new Promise<void>((resolve) => {
    sessions.events.on('delivery.succeeded', () => {
      succeeded++
      if (succeeded % 1000 === 0) heapPeak = Math.max(heapPeak, process.memoryUsage().heapUsed)
      if (succeeded === entries) resolve()
    })
  })
  const [startedAt, cpuAtStart] = [performance.now(), process.cpuUsage()]
  hub.start()
  await done
  const { user, system } = process.cpuUsage(cpuAtStart)
  const seconds = (performance.now() - startedAt) / 1000
  await hub.close()
  await outbox.close()
  await stop(receivers)
  return { outbox: outbox.name, entries, seconds, cpuEach: (user + system) / entries, heapMb: heapPeak / 1e6 }
}

/** As the hub itself does it: each entry is watched, and then its session ends. */
async function fill(outbox: Outbox, entries: number, ids: readonly string[]): Promise<void> {
  const now = Date.now()
  const add = async (index: number) => {
    const sessionId = Buffer.from(`${ids[0]}-${index}`.padEnd(16, '.').slice(0, 16)).toString('base64url')
    await outbox.watch({ sessionId, clientId: ids[index % ids.length]!, sid: sessionId, subject: `reader-${index}`, nextAt: now })
    await outbox.end(sessionId, { endedAt: now, reason: 'logout', nextAt: now })
  }
  for (let from = 0; from < entries; from += 100) {
    await Promise.all(Array.from({ length: Math.min(100, entries - from) }, (_, index) => add(from + index)))
  }
}

function receive(): void {
  const server = createServer((request, response) => {
    request.resume()
    if (request.url !== `/${HANGING}`) request.on('end', () => response.writeHead(200).end())
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}
