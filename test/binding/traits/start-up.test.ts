// What the checks need is there, or start-up says so; and sessions that travel in their cookies keep their fingerprint with them.
import { createSessions } from 'sojourn'
import { nodeSession } from 'sojourn/node'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { presets, type TraitOptions, traitChecks } from 'sojourn/traits'
import { describe, expect, it } from 'vitest'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { codeOf, thrownBy } from '../../core/support.ts'
import { testKey } from '../../http/support/keys.ts'
import { AGENTS, HINTS } from './agents.ts'
import { guarded } from './harness.ts'

const chrome = { agent: AGENTS.chromeWindows, hints: HINTS.chromeWindows, address: '198.51.100.7' }
const elsewhere = { ...chrome, address: '203.0.113.9' }
const firefox = { agent: AGENTS.firefoxLinux, address: '198.51.100.7' }

const start = (store: Parameters<typeof createSessions>[0]['store'], options?: TraitOptions) =>
  nodeSession(createSessions({ store, keys: testKey() }), { guards: [traitChecks(options)] })

describe('start-up', () => {
  it.each([
    ['no object', 'strict'],
    ['an unknown policy', { policy: { ip: 'revoke' } }],
    ['a shadow that is neither', { shadow: 'yes' }],
    ['databases that are none', { geo: 'GeoLite2.mmdb' }],
    ['a database that is not there', { geo: { asn: '/nowhere.mmdb' } }],
  ])('%s is refused, with where to read', (_, options) => {
    const { code, message } = thrownBy(() => traitChecks(options as never)) as Error & { code?: unknown }

    expect([code, message]).toEqual(['ERR_CONFIG_INVALID', expect.stringContaining('docs/guide/traits.md')])
  })

  it('one guard serves several adapters of one service, and not those of two', () => {
    const guard = traitChecks()
    const [one, other] = [1, 2].map(() => createSessions({ store: memoryStore(), keys: testKey() }))
    nodeSession(one!, { guards: [guard] })
    nodeSession(one!, { guards: [guard] })

    expect(thrownBy(() => nodeSession(other!, { guards: [guard] }))).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  it('sealed cookies without a ledger cannot end a session: a policy that does is refused, and others are not', () => {
    const { message } = thrownBy(() => start(cookieStore()))
    expect(message).toContain('give cookieStore a ledger')

    start(cookieStore(), { policy: presets.lenient })
    start(cookieStore(), { shadow: true })
    start(cookieStore({ ledger: memoryStore() }))
  })
})

describe('sealed cookies', () => {
  const sealed = (options: TraitOptions) => guarded(options, { store: faultyStore(cookieStore({ ledger: memoryStore() })) })

  it('what changed is written into the cookie, once', async () => {
    const { signIn, visit, drifts } = sealed({ policy: { network: 'note' } })
    const first = await visit(await signIn(chrome), elsewhere)
    const second = await visit(first.token, elsewhere)

    expect([first.kind, second.kind, (await drifts()).length]).toEqual(['set', 'none', 1])
  })

  it('the old cookie is graded each time it comes: nothing of it was changed', async () => {
    const { signIn, visit } = sealed({ policy: { network: 'step-up' } })
    const stolen = await signIn(chrome)
    for (let i = 0; i < 3; i++) expect((await visit(stolen, elsewhere)).session.meets()).toBe(false)
  })

  it('a step-up is lifted by a new proof, as with any store', async () => {
    const { signIn, visit, clock } = sealed({ policy: { network: 'step-up' } })
    const token = await signIn(chrome)
    clock.advance(1000)
    const proved = await visit(token, elsewhere, (session) => session.elevate({ method: 'pwd' }))

    expect((await visit(proved.token, elsewhere)).session.meets()).toBe(true)
  })

  it('another browser ends it, for every copy of the cookie', async () => {
    const { signIn, visit } = sealed({})
    const token = await signIn(chrome)

    expect((await visit(token, firefox)).session.state).toBe('revoked')
    expect((await visit(token, chrome)).session.state).toBe('revoked')
  })

  it('a full cookie: what cannot be noted is not let in where it matters', async () => {
    for (const [grade, state] of [
      ['note', 'active'],
      ['rotate', 'active'],
      ['step-up', 'unproven'],
    ] as const) {
      const maxLength = 1500
      const { signIn, visit } = guarded(
        { policy: { network: grade } },
        { store: faultyStore(cookieStore({ ledger: memoryStore(), maxLength, deflate: false })) },
      )
      let { token } = await visit(await signIn(chrome), chrome)
      // Filled to the last character.
      const fill = (length: number) =>
        visit(token, chrome, (session) =>
          session.update((data) => {
            data.text = 'x'.repeat(length)
          }),
        ).catch(() => undefined)
      let filled = await fill(900)
      for (let length = 900; filled === undefined; length--) filled = await fill(length)
      token = filled.token
      expect(await codeOf(visit(token, elsewhere))).toBe(undefined)
      expect((await visit(token, elsewhere)).session.state).toBe(state)
    }
  })
})
