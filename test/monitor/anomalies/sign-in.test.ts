import { describe, expect, it } from 'vitest'
import { days, hours, minutes } from '../../../src/core/duration.ts'
import { CHROME, detecting, FAR, FIREFOX, FIREFOX_OLDER, HOME, NEIGHBOUR } from './harness.ts'

type Detecting = ReturnType<typeof detecting>

/** Someone who signs in from home, every day for a month. */
async function month(service: Detecting, subject = 'ada') {
  for (let day = 0; day < 30; day++) {
    await service.signIn({ agent: FIREFOX, address: HOME }, subject)
    service.clock.advance(days(1))
  }
}

const namesOf = (signals: readonly { name: string }[]) => signals.map(({ name }) => name)

describe('assess', () => {
  it('a person of whom nothing is known has no score, and nothing is asked of them', async () => {
    const { anomalies } = detecting()

    const assessment = await anomalies.assess({ subject: 'ada', address: FAR, userAgent: CHROME })

    expect(assessment).toMatchObject({ score: undefined, signals: [], action: undefined })
  })

  it('the person at home is far less suspicious than a stranger with another browser on the other side of the world', async () => {
    const service = detecting()
    await month(service)

    const own = await service.anomalies.assess({ subject: 'ada', address: HOME, userAgent: FIREFOX })
    const other = await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: CHROME })

    expect(own.score).toBeLessThan(0.001)
    expect(other.score).toBeGreaterThan(0.3)
    expect(namesOf(other.signals)).toEqual(expect.arrayContaining(['unusual-sign-in', 'new-device', 'new-network']))
  })

  it('says why: each part with what it adds, and a sentence without any value', async () => {
    const service = detecting()
    await month(service)

    const { features, signals } = await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: CHROME })

    expect(
      features
        .slice(0, 2)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['country', 'system'])
    const said = JSON.stringify(signals)
    for (const value of [FAR, '203.0', 'NZ', 'Windows', 'Chrome', 'ada', '64502']) expect(said).not.toContain(value)
  })

  it('an earlier version of the same browser from a neighbour counts against it', async () => {
    const service = detecting()
    await month(service)

    const same = await service.anomalies.assess({ subject: 'ada', address: NEIGHBOUR, userAgent: FIREFOX })
    const older = await service.anomalies.assess({ subject: 'ada', address: NEIGHBOUR, userAgent: FIREFOX_OLDER })

    expect(older.score).toBeGreaterThan(same.score! * 3)
  })

  it('asking teaches nothing: a stranger who tries ten times is as strange as at first', async () => {
    const service = detecting()
    await month(service)
    const attempt = { subject: 'ada', address: FAR, userAgent: CHROME }

    const first = await service.anomalies.assess(attempt)
    for (let i = 0; i < 10; i++) await service.anomalies.assess(attempt)
    const last = await service.anomalies.assess(attempt)

    expect(last.score).toBe(first.score)
  })

  it('two sign-ins an hour apart on two sides of the world ask for a second factor', async () => {
    const service = detecting()
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(hours(1))

    const { action, signals } = await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: FIREFOX })

    expect(namesOf(signals)).toContain('impossible-travel')
    expect(action).toBe('step-up')
  })

  it('an address that tries many accounts is named, whoever they are', async () => {
    const { anomalies } = detecting({ mostAccounts: 3 })

    for (const subject of ['a', 'b', 'c', 'c', 'c']) {
      const { signals } = await anomalies.assess({ subject, address: HOME, userAgent: FIREFOX })
      expect(signals).toEqual([])
    }
    const { signals } = await anomalies.assess({ subject: 'd', address: HOME, userAgent: FIREFOX })

    expect(namesOf(signals)).toEqual(['shared-address'])
  })

  it.each([
    ['no address and no agent', {}],
    ['garbage', { address: '999.1.2.3', userAgent: '\u0000\uffff' }],
    ['an address of 1 MB', { address: '1'.repeat(1e6), userAgent: 'x'.repeat(1e6) }],
    ['other types', { address: 5 as never, userAgent: {} as never, roundTrip: 'soon' as never }],
    ['a round trip that is none', { address: HOME, userAgent: FIREFOX, roundTrip: Number.NaN }],
    ['an address with a zone', { address: 'fe80::1%eth0', userAgent: FIREFOX }],
    ['a subject of Object.prototype', { subject: '__proto__', address: HOME, userAgent: FIREFOX }],
  ])('%s: an answer, and no fault', async (_, attempt) => {
    const { anomalies } = detecting()

    const assessment = await anomalies.assess({ subject: 'ada', address: undefined, userAgent: undefined, ...attempt })

    expect(assessment.action).toBeUndefined()
  })

  it.each(['', 'x'.repeat(2000), undefined, 5])('%s is no subject', async (subject) => {
    const { anomalies } = detecting()

    await expect(anomalies.assess({ subject: subject as string, address: HOME, userAgent: FIREFOX })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
    })
  })

  it('a ledger that is away is said to be away', async () => {
    const service = detecting()
    const broken = detecting({
      ledger: {
        ...service.store,
        ledger: {
          ...service.store.ledger,
          get: () => Promise.reject(new Error('gone')),
          claim: () => Promise.reject(new Error('gone')),
        },
      } as never,
    })

    await expect(broken.anomalies.assess({ subject: 'ada', address: HOME, userAgent: FIREFOX })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })
})

describe('the guard', () => {
  it('a sign-in that nobody asked about is judged after its start: what was proved counts no more', async () => {
    const service = detecting()
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(minutes(30))

    const token = await service.signIn({ agent: FIREFOX, address: FAR })

    const session = await service.sessions.read(token)
    expect(session.doubtedAt).toBeDefined()
    expect(session.meets()).toBe(false)
    expect(await service.found('impossible-travel')).toMatchObject([
      { action: 'step-up', isShadow: false, sessionId: session.id, subject: 'ada' },
    ])
  })

  it('in shadow mode it says so and does nothing', async () => {
    const service = detecting({ shadow: true })
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(minutes(30))

    const token = await service.signIn({ agent: FIREFOX, address: FAR })

    expect((await service.sessions.read(token)).meets()).toBe(true)
    expect(await service.found('impossible-travel')).toMatchObject([{ action: 'step-up', isShadow: true }])
  })

  it('with the action revoke the session ends', async () => {
    const service = detecting({ policy: { 'impossible-travel': { action: 'revoke' } } })
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(minutes(30))

    const token = await service.signIn({ agent: FIREFOX, address: FAR })

    expect(await service.sessions.read(token)).toMatchObject({ state: 'revoked', stateReason: 'anomaly' })
  })

  it('what was asked about is told once, and the application is left to act', async () => {
    const service = detecting()
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(minutes(30))

    await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: FIREFOX })
    const token = await service.signIn({ agent: FIREFOX, address: FAR })

    expect(await service.found('impossible-travel')).toHaveLength(1)
    expect((await service.sessions.read(token)).meets()).toBe(true)
  })

  it('a sign-in in doubt is learnt when its person has proved more, and not before', async () => {
    const service = detecting()
    await month(service)
    await service.signIn({ agent: FIREFOX, address: HOME })
    service.clock.advance(minutes(30))
    const stranger = { agent: CHROME, address: FAR }
    const assess = async () => (await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: CHROME })).score!

    const token = await service.signIn(stranger)
    await service.visit(token, stranger)
    const unproved = await assess()
    const proved = await service.visit(token, stranger, (session) => session.elevate({ method: 'otp' }))
    await service.visit(proved.token, stranger)
    const after = await assess()

    expect(after).toBeLessThan(unproved / 2)
  })

  it('a session that a second factor is due for teaches nothing until that has come', async () => {
    const service = detecting()
    await month(service)
    const before = await service.anomalies.assess({ subject: 'ada', address: NEIGHBOUR, userAgent: CHROME })

    await service.signIn({ agent: CHROME, address: NEIGHBOUR }, 'ada', { due: 'aal2' })
    const after = await service.anomalies.assess({ subject: 'ada', address: NEIGHBOUR, userAgent: CHROME })

    expect(after.score).toBe(before.score)
  })

  it('six sessions within ten minutes are a burst', async () => {
    const service = detecting()

    for (let i = 0; i < 7; i++) {
      await service.signIn({ agent: FIREFOX, address: HOME })
      service.clock.advance(minutes(1))
    }

    expect(await service.found('session-burst')).not.toHaveLength(0)
  })

  it('whoever comes at nine every morning is unusual at three at night', async () => {
    const service = detecting()
    await month(service)
    service.clock.advance(hours(12))

    await service.signIn({ agent: FIREFOX, address: HOME })

    expect(await service.found('unusual-hours')).toMatchObject([{ action: 'note' }])
  })

  it('forgets a person', async () => {
    const service = detecting()
    await month(service)

    expect(await service.anomalies.forget('ada')).toBe(true)
    expect(await service.anomalies.forget('ada')).toBe(false)
    expect((await service.anomalies.assess({ subject: 'ada', address: FAR, userAgent: CHROME })).score).toBeUndefined()
  })
})
