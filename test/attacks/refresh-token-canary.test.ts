// The attacker has: everything that is written down about refresh tokens: events, errors, warnings, answers to refusals, the whole store, and what printing shows.
// The attacker does: searches all of it for a token's secret, in every spelling, and for the keys that tokens are made with.
// The attacker must not obtain: any of them. A token is in the one answer that gives it, and nowhere else.
import { format, inspect } from 'node:util'
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { serviceOf } from '../../src/core/service.ts'
import { KEY } from '../core/support.ts'
import { edited, PARTS, refreshSite } from '../tokens/refresh/support.ts'

const deep = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: true } as const

const spellings = (secret: Buffer): string[] => [
  secret.toString('base64url').slice(0, 20),
  secret.toString('base64url').slice(-20),
  secret.toString('base64').slice(0, 20),
  secret.toString('hex').slice(0, 24),
  [...secret.subarray(0, 8)].join(', '),
  [...secret.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  secret.toString('latin1').slice(0, 12),
]
function needlesOf(refreshToken: string): string[] {
  const bytes = Buffer.from(refreshToken.slice(5), 'base64url')
  return [refreshToken.slice(32, 60), ...spellings(bytes.subarray(20, 52)), ...spellings(bytes.subarray(20))]
}
const keyNeedles = ['refresh-token', 'refresh-rotation'].flatMap((purpose) =>
  spellings(createKeyring(KEY).newest.derive(purpose)),
)
const found = (text: string, tokens: Iterable<string>) =>
  [...[...tokens].flatMap(needlesOf), ...keyNeedles].filter((needle) => text.includes(needle))
const shown = (value: unknown) => [inspect(value, deep), format('%s %o %j', value, value, value)].join('\n')

it('the search finds what it looks for', async () => {
  const { refreshToken } = await refreshSite().app()
  const secret = Buffer.from(refreshToken.slice(5), 'base64url').subarray(20, 52)

  expect([found(refreshToken, [refreshToken]), found(shown({ secret }), [refreshToken])].map((all) => all.length > 0)).toEqual([
    true,
    true,
  ])
})

it('a whole life of a family, with everything going wrong, writes down no secret', async () => {
  const output: string[] = []
  const warned = (warning: Error) => output.push(shown(warning))
  process.on('warning', warned)
  const site = refreshSite()
  const tokens = new Set<string>()
  const step = async (work: () => Promise<unknown>) => {
    try {
      const result = await work()
      if (result instanceof Response) {
        for (const [name, value] of result.headers) output.push(`${name}: ${value}`)
        const text = await result.text()
        // The one place where a token belongs.
        if (result.status !== 200) output.push(text)
        else tokens.add((JSON.parse(text) as { refresh_token: string }).refresh_token)
      } else output.push(shown(result))
    } catch (error) {
      output.push(shown(error))
    }
  }
  const { refreshToken, session, sessionId } = await site.app()
  tokens.add(refreshToken)
  const latest = () => [...tokens].at(-1)!

  await step(() => site.postToken(refreshToken))
  await step(() => site.postToken(refreshToken))
  await step(() => site.postToken(latest(), { client_id: 'other' }))
  await step(() => site.postToken(latest(), { scope: 'admin' }))
  await step(() => site.postToken(edited(latest(), PARTS.tag)))
  await step(() => site.post({ refresh_token: latest() }, { query: `?refresh_token=${latest()}` }))
  await step(() => site.postToken(latest(), { grant_type: latest() }))
  await step(() => site.postToken(latest(), { scope: latest() }))
  await step(() => site.grant(session, { clientId: latest() }))
  await step(() => site.grant(session, { scope: [latest()] }))
  await step(async () => site.refreshTokens.inspect(latest()))
  for (const operation of ['read', 'update'] as const) {
    site.store.setFaults({ [operation]: { kind: 'error', error: new Error('connection lost') } })
    await step(() => site.postToken(latest()))
    await step(() => site.refresh(latest()))
    site.store.setFaults({})
  }
  await step(() => site.postToken(latest()))
  await step(async () => serviceOf(site.sessions).calls.read(sessionId))
  await step(async () => site.notesOf(sessionId))
  await step(async () => site.tokens)
  await step(async () => site.refreshTokens)
  await step(async () => site.store)
  const found_ = await serviceOf(site.sessions).calls.read(sessionId)
  const body = found_?.kind === 'record' ? Buffer.from(found_.record.body) : Buffer.alloc(0)
  output.push(body.toString('latin1'), body.toString('hex'))
  site.clock.advance(seconds(40))
  await step(() => site.postToken(refreshToken))
  site.clock.advance(minutes(40))
  await step(() => site.postToken(latest()))
  const events = await site.seen()
  process.off('warning', warned)

  expect([tokens.size >= 3, events.length > 8, output.length > 60]).toEqual([true, true, true])
  expect(found([...output, ...events.map(shown)].join('\n'), tokens)).toEqual([])
})
