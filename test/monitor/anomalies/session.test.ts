import { describe, expect, it } from 'vitest'
import { nodeSession } from '../../../src/adapters/node.ts'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { KEY, OLDER_KEY } from '../../core/support.ts'
import { CHROME, detecting, FAR, FIREFOX, FIREFOX_OLDER, HOME, MOBILE } from './harness.ts'

const home = { agent: FIREFOX, address: HOME }

describe('in a session', () => {
  it('a client that stays as it is causes no event and no write', async () => {
    const service = detecting()
    const token = await service.signIn(home)
    await service.visit(token, home)
    const before = service.store.calls.length

    await service.visit(token, home)

    expect(service.store.calls.slice(before)).toEqual(['read'])
    expect(await service.seen('anomaly.detected')).toEqual([])
  })

  it('another browser has to prove who it is', async () => {
    const service = detecting()
    const token = await service.signIn(home)

    const { session } = await service.visit(token, { agent: CHROME, address: HOME })

    expect(session.meets()).toBe(false)
    expect(session.subject).toBe('ada')
    expect(await service.found('agent-changed')).toMatchObject([{ action: 'step-up', sessionId: session.id }])
  })

  it('an earlier version of the same browser does, too; a later one does not', async () => {
    const service = detecting()
    const first = await service.signIn({ agent: FIREFOX_OLDER, address: HOME })
    const later = await service.visit(first, home)

    const earlier = await service.visit(later.token, { agent: FIREFOX_OLDER, address: HOME })

    expect(later.session.meets()).toBe(true)
    expect(earlier.session.meets()).toBe(false)
  })

  it('a worker that sends no user agent is nobody else', async () => {
    const service = detecting()
    const token = await service.signIn(home)

    const { session } = await service.visit(token, { address: HOME })

    expect(session.meets()).toBe(true)
  })

  it('to and fro between two countries within minutes is two people', async () => {
    const service = detecting()
    const token = await service.signIn(home)
    await service.visit(token, home)
    service.clock.advance(minutes(1))
    await service.visit(token, { agent: FIREFOX, address: FAR })
    service.clock.advance(minutes(1))

    const { session } = await service.visit(token, home)

    expect(session.meets()).toBe(false)
    expect(await service.found('parallel-use')).toHaveLength(1)
  })

  it('a phone that leaves its home network and comes back is left alone', async () => {
    const service = detecting()
    const token = await service.signIn(home)
    for (const address of [MOBILE, HOME, MOBILE, HOME]) {
      service.clock.advance(seconds(30))
      await service.visit(token, { agent: FIREFOX, address })
    }

    const { session } = await service.visit(token, home)

    expect(session.meets()).toBe(true)
    expect(await service.found('parallel-use')).toEqual([])
  })

  it('with revoke the session ends in the very request; with rotate its token is replaced', async () => {
    const ending = detecting({ policy: { 'agent-changed': { action: 'revoke' } } })
    const replacing = detecting({ policy: { 'agent-changed': { action: 'rotate' } } })
    const [ended, replaced] = [await ending.signIn(home), await replacing.signIn(home)]

    const end = await ending.visit(ended, { agent: CHROME, address: HOME })
    const rotation = await replacing.visit(replaced, { agent: CHROME, address: HOME })

    expect(end.session).toMatchObject({ state: 'revoked', stateReason: 'anomaly', subject: undefined })
    expect(rotation.token).not.toBe(replaced)
    expect(rotation.session.meets()).toBe(true)
  })

  it('in shadow mode nothing happens', async () => {
    const service = detecting({ shadow: true, policy: { 'agent-changed': { action: 'revoke' } } })
    const token = await service.signIn(home)

    const { session } = await service.visit(token, { agent: CHROME, address: HOME })

    expect(session.meets()).toBe(true)
    expect(await service.found('agent-changed')).toMatchObject([{ action: 'revoke', isShadow: true }])
  })

  it('two who take turns are told of once in a minute, not with every request', async () => {
    const service = detecting({ shadow: true })
    const token = await service.signIn(home)

    for (let i = 0; i < 10; i++) await service.visit(token, { agent: i % 2 === 0 ? CHROME : FIREFOX, address: HOME })

    expect(await service.found('agent-changed')).toHaveLength(1)
  })

  it('a key that is replaced makes nobody another', async () => {
    const before = detecting({}, { keys: OLDER_KEY })
    const token = await before.signIn(home)
    const between = detecting({}, { keys: [KEY, OLDER_KEY], store: before.store, clock: before.clock })

    const { session } = await between.visit(token, home)

    expect(session.meets()).toBe(true)
    expect(await between.seen('anomaly.detected')).toEqual([])
  })

  it('a visitor without a subject is not looked at', async () => {
    const service = detecting()

    expect(service.anomalies.notesAtStart({ facts: { header: () => FIREFOX }, clientAddress: HOME }, undefined)).toBeUndefined()
  })

  it('what is kept with the session names neither address nor browser', async () => {
    const service = detecting()
    const token = await service.signIn(home)

    const kept = Buffer.concat((await service.store.list('ada')).map(({ body }) => Buffer.from(body))).toString('latin1')

    expect(token).toBeDefined()
    for (const value of [HOME, '192.0.2', 'Firefox', 'Linux', '64500']) expect(kept).not.toContain(value)
  })
})

describe('as a guard', () => {
  it('adapters take it, and refuse it for another service', () => {
    const service = detecting()
    const other = detecting()

    expect(() => nodeSession(service.sessions, { guards: [service.anomalies] })).not.toThrow()
    expect(() => nodeSession(other.sessions, { guards: [service.anomalies] })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }),
    )
  })
})
