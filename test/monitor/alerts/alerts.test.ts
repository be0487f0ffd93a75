import { days, hours, minutes, type SojournEvent, seconds } from 'sojourn'
import {
  type Alert,
  type AlertChannel,
  type AlertRule,
  type AlertsOptions,
  alertRules,
  alerts,
  email,
} from 'sojourn/monitor/alerts'
import { fakeClock } from 'sojourn/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Groups } from '../../../src/monitor/alerts/groups.ts'
import { RateLimit } from '../../../src/monitor/alerts/rate-limit.ts'
import { type ResolvedRule, resolveRules } from '../../../src/monitor/alerts/rules.ts'
import { setUp, thrownBy } from '../../core/support.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }
const REUSED = { type: 'session.reused', generation: 1, outcome: 'revoked' } as const

function watched(options: Partial<AlertsOptions> = {}) {
  const service = setUp()
  const sent: Alert[] = []
  const channels = { ops: email((alert) => sent.push(alert)) }
  const alarm = alerts(service.sessions, { channels, ...options })
  onTestFinished(() => alarm.close({ timeout: 0 }))
  const emit = async (event: Parameters<typeof service.sessions.events.emit>[0], times = 1) => {
    for (let i = 0; i < times; i++) service.sessions.events.emit(event)
    await alarm.drained()
  }
  return { ...service, alarm, sent, emit }
}

const oneRule = (rule: Partial<AlertRule> = {}): AlertRule[] => [{ name: 'rule', on: 'session.reused', ...rule }]

describe('grouping', () => {
  it('tells the first at once, and those after it as one when the window is over', async () => {
    const { emit, sent, clock } = watched()

    await emit({ ...REUSED, subject: 'ada' })
    const atOnce = sent.length
    await emit({ ...REUSED, subject: 'ada' }, 30)
    const within = sent.length
    clock.advance(minutes(5))
    await expect.poll(() => sent.length, PATIENCE).toBe(2)

    expect([atOnce, within]).toEqual([1, 1])
    expect(sent.map(({ count, isFollowUp }) => [count, isFollowUp])).toEqual([
      [1, false],
      [30, true],
    ])
  })

  it('says nothing when nothing came after, and begins anew', async () => {
    const { emit, sent, clock } = watched()

    await emit({ ...REUSED, subject: 'ada' })
    clock.advance(minutes(6))
    await emit({ ...REUSED, subject: 'ada' })

    expect(sent.map(({ isFollowUp }) => isFollowUp)).toEqual([false, false])
  })

  it('keeps people apart', async () => {
    const { emit, sent } = watched()

    await emit({ ...REUSED, subject: 'ada' })
    await emit({ ...REUSED, subject: 'bob' })
    await emit({ ...REUSED, subject: undefined })
    await emit({ ...REUSED, subject: 'undefined' })
    await emit({ ...REUSED, subject: 'null' })

    expect(sent.map(({ subject }) => subject)).toEqual(['ada', 'bob', undefined, 'undefined', 'null'])
  })

  it('waits for as many as the rule wants, and forgets fewer', async () => {
    const { emit, sent, clock } = watched()
    const forged = { type: 'token.refused', state: 'forged' } as const

    await emit(forged, 19)
    clock.advance(minutes(1))
    await emit(forged, 19)
    const before = sent.length
    await emit(forged)

    expect(before).toBe(0)
    expect(sent).toMatchObject([{ rule: 'forged-tokens', count: 20, subject: undefined }])
  })

  it('a clock that goes back a year does not hold follow-ups for a year', async () => {
    const { emit, sent, clock } = watched()

    await emit({ ...REUSED, subject: 'ada' })
    clock.advance(-days(365))
    await emit({ ...REUSED, subject: 'ada' })

    expect(sent).toHaveLength(2)
  })

  it('an attacker at ten thousand accounts is bounded in memory: what is more is one story, of the rule', () => {
    const told: (string | undefined)[] = []
    const [rule] = resolveRules(oneRule(), new Set(['ops'])) as [ResolvedRule]
    const groups = new Groups(fakeClock(), (_, { subject }) => told.push(subject))
    onTestFinished(() => groups.flush())

    for (let i = 0; i < 10_500; i++) groups.add(rule, { ...REUSED, at: 0, subject: `person ${i}` })

    expect([told.length, told.at(-2), told.at(-1)]).toEqual([10_001, 'person 9999', undefined])
  })
})

describe('limits', () => {
  it('a clock that goes back a year does not hold alerts back for a year', () => {
    const clock = fakeClock()
    const limit = new RateLimit(clock, 1)

    limit.admit()
    clock.advance(-days(365))

    expect([limit.admit(), limit.admit()]).toEqual([0, undefined])
  })

  it('a rule has so many alerts an hour; the next says how many were held back', async () => {
    const { emit, sent, clock } = watched({ rules: oneRule({ mostPerHour: 3 }) })

    for (const subject of ['a', 'b', 'c', 'd', 'e']) await emit({ ...REUSED, subject })
    clock.advance(hours(1))
    await emit({ ...REUSED, subject: 'f' })

    expect(sent.map(({ subject, heldBack }) => [subject, heldBack])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
      ['f', 2],
    ])
  })

  it('noise of one rule does not hold back another', async () => {
    const rules = [...oneRule({ mostPerHour: 1 }), { name: 'store', on: 'store.circuit-opened' } as const]
    const { emit, sent } = watched({ rules })

    for (const subject of ['a', 'b', 'c']) await emit({ ...REUSED, subject })
    await emit({ type: 'store.circuit-opened', failures: 5, pause: 1000 })

    expect(sent.map(({ rule }) => rule)).toEqual(['rule', 'store'])
  })

  it('a channel has so many an hour; more are counted as lost', async () => {
    const { emit, sent, alarm } = watched({ mostPerHour: 2 })

    for (const subject of ['a', 'b', 'c']) await emit({ ...REUSED, subject })

    expect(sent).toHaveLength(2)
    expect(alarm.status()).toMatchObject({ ops: { dropped: 1 } })
  })

  it('what finds no room is reported when it closes', async () => {
    const send = () => new Promise<never>(() => {})
    const { sessions, alarm, seen } = watched({ channels: { ops: { send } }, mostWaiting: 10 })

    for (let i = 0; i < 15; i++) sessions.events.emit({ ...REUSED, subject: `person ${i}` })
    await expect.poll(() => alarm.status().ops?.dropped, PATIENCE).toBe(5)
    await alarm.close({ timeout: 10 })

    expect(await seen('monitor.dropped')).toMatchObject([{ consumer: 'alerts.ops', count: 15 }])
  })
})

describe('channels', () => {
  it('one that hangs holds up no other', async () => {
    const sent: Alert[] = []
    const hanging: AlertChannel = { send: () => new Promise(() => {}) }
    const { sessions } = watched({ channels: { hangs: hanging, works: email((alert) => sent.push(alert)) } })

    for (const subject of ['a', 'b', 'c']) sessions.events.emit({ ...REUSED, subject })

    await expect.poll(() => sent.length, PATIENCE).toBe(3)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('mail server says: ada@example.org unknown')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('mail that %s is tried again', async (_, failing) => {
    let tries = 0
    const channel = email(() => (++tries < 3 ? failing() : undefined))
    const { sessions, clock, seen } = watched({ channels: { mail: channel } })

    sessions.events.emit({ ...REUSED, subject: 'ada' })

    await expect
      .poll(async () => {
        clock.advance(seconds(2))
        return seen('alert.sent')
      }, PATIENCE)
      .toMatchObject([{ channel: 'mail', attempts: 3 }])
  })

  it('what an own channel answers that is no outcome is a failure, and its words reach no event', async () => {
    const send = async () => ({ kind: 'failed', reason: 'ada@example.org: 550 unknown\r\n', isOver: 'alert' })
    const { emit, seen } = watched({ channels: { own: { send } as AlertChannel } })

    await emit({ ...REUSED, subject: 'ada' })

    expect(await seen('alert.failed')).toMatchObject([{ reason: 'failed' }])
  })

  it('a rule goes to the channels it names', async () => {
    const sent: string[] = []
    const channels = { ops: email(() => sent.push('ops')), mail: email(() => sent.push('mail')) }
    const { emit } = watched({ channels, rules: oneRule({ channels: ['mail'] }) })

    await emit({ ...REUSED, subject: 'ada' })

    expect(sent).toEqual(['mail'])
  })

  it('what a channel could not send is told by the others', async () => {
    const sent: Alert[] = []
    const gone: AlertChannel = { send: async () => ({ kind: 'failed', reason: 'status-410', isOver: 'channel' }) }
    const { emit, alarm } = watched({ channels: { gone, works: email((alert) => sent.push(alert)) } })

    await emit({ ...REUSED, subject: 'ada' })
    await expect.poll(() => sent.map(({ event }) => event), PATIENCE).toEqual(['session.reused', 'alert.failed'])

    expect(alarm.status()).toMatchObject({ gone: { dropped: 0, isGone: true } })
  })

  it('one that never comes back is given up on, and the next has its turn', async () => {
    const sent: Alert[] = []
    const send: AlertChannel['send'] = async (alert) => {
      if (alert.subject === 'ada') return new Promise(() => {})
      sent.push(alert)
      return { kind: 'sent' }
    }
    const { sessions, clock, seen } = watched({ channels: { own: { send, timeout: 50 } } })

    sessions.events.emit({ ...REUSED, subject: 'ada' })
    sessions.events.emit({ ...REUSED, subject: 'bob' })
    await expect.poll(() => sent.length, PATIENCE).toBe(1)

    await expect
      .poll(async () => {
        clock.advance(minutes(30))
        return seen('alert.failed')
      }, PATIENCE)
      .toMatchObject([{ channel: 'own', reason: 'timeout' }])
  })

  it('closing sends what is gathered', async () => {
    const { sessions, sent, alarm } = watched()

    for (let i = 0; i < 5; i++) sessions.events.emit({ ...REUSED, subject: 'ada' })
    await alarm.close()

    expect(sent.map(({ count }) => count)).toEqual([1, 4])
  })
})

describe('rules', () => {
  it.each([
    ['stolen-token', { ...REUSED }],
    ['stolen-token', { type: 'refresh-token.reused', clientId: 'app', familyId: 'f', generation: 1, outcome: 'session-revoked' }],
    ['token-in-other-hands', { type: 'refresh-token.refused', clientId: 'app', reason: 'other-key' }],
    ['another-client', { type: 'traits.drifted', grade: 'revoke', isShadow: false, changes: [], reason: 'Another browser.' }],
    [
      'anomaly',
      {
        type: 'anomaly.detected',
        signal: 'impossible-travel',
        score: 0.9,
        action: 'revoke',
        isShadow: false,
        features: [],
        reason: 'Too fast.',
      },
    ],
    ['copied-passkey', { type: 'factor.suspected', kind: 'passkey', factorId: 'f' }],
    ['disowned-sign-in', { type: 'sign-in.disowned', count: 1 }],
    ['guessing', { type: 'throttle.reached', kind: 'totp', lane: 'account', retryAfter: 1 }],
    ['sign-out-elsewhere', { type: 'delivery.given-up', clientId: 'app', reason: 'timeout', attempts: 9 }],
    ['damaged-record', { type: 'session.quarantined', part: 'record' }],
    ['store-away', { type: 'store.circuit-opened', failures: 5, pause: 1000 }],
    ['events-lost', { type: 'monitor.dropped', consumer: 'audit', count: 3 }],
  ] as const)('%s hears of its event', async (rule, event) => {
    const { emit, sent } = watched()

    await emit(event as Parameters<typeof emit>[0])

    expect(sent).toMatchObject([{ rule, sentence: expect.stringMatching(/\.$/) }])
  })

  it.each([
    ['a token that is only unknown', { type: 'token.refused', state: 'unknown' }],
    [
      'a client that changed a little',
      { type: 'traits.drifted', grade: 'note', isShadow: false, changes: [], reason: 'An update.' },
    ],
    [
      'what is only watched',
      { type: 'traits.drifted', grade: 'revoke', isShadow: true, changes: [], reason: 'Another browser.' },
    ],
    ['a refresh token that expired', { type: 'refresh-token.refused', clientId: 'app', reason: 'expired' }],
    [
      'an anomaly that is only noted',
      {
        type: 'anomaly.detected',
        signal: 'new-device',
        score: 0.1,
        action: 'note',
        isShadow: false,
        features: [],
        reason: 'New.',
      },
    ],
    ['a sign-in', { type: 'session.started', subject: 'ada', methods: ['pwd'] }],
  ] as const)('nobody is alerted of %s', async (_, event) => {
    const { emit, sent } = watched()

    await emit(event as Parameters<typeof emit>[0], 100)

    expect(sent).toEqual([])
  })

  it('a filter that throws counts as yes', async () => {
    const when = () => {
      throw new Error('a bug of the application')
    }
    const { emit, sent } = watched({ rules: oneRule({ when }) })

    await emit({ ...REUSED, subject: 'ada' })

    expect(sent).toHaveLength(1)
  })

  it('an alert holds the subject and the session, machine words, and nothing else of an event', async () => {
    const { emit, sent } = watched({ rules: [{ name: 'ended', on: 'session.revoked' }] })
    const reason = 'ada@example.org asked by phone, +49 30 1234'

    await emit({ type: 'session.revoked', subject: 'ada', sessionId: 'S', actor: 'root-librarian', reason } as never)

    expect(JSON.stringify({ ...sent[0], sentence: '' })).not.toMatch(/example|1234|librarian/)
    expect(sent[0]).toMatchObject({ subject: 'ada', sessionId: 'S', reason: undefined })
  })

  it.each<[string, unknown]>([
    ['no channel', { channels: {} }],
    ['a channel without send', { channels: { ops: {} } }],
    ['a channel with a strange name', { channels: { 'O P S': email(() => {}) } }],
    ['no rule', { rules: [] }],
    ['two rules of one name', { rules: [...oneRule(), ...oneRule()] }],
    ['an event there is not', { rules: oneRule({ on: 'session.stolen' as SojournEvent['type'] }) }],
    ['a rule about alerts', { rules: oneRule({ on: 'alert.sent' }) }],
    ['a channel there is not', { rules: oneRule({ channels: ['phone'] }) }],
    ['a window of a month', { rules: oneRule({ groupWithin: days(30) }) }],
    ['no alert an hour', { rules: oneRule({ mostPerHour: 0 }) }],
    ['an option there is not', { chanels: {} }],
    ['a rule with a typing error', { rules: [{ ...oneRule()[0], atleast: 3 }] }],
  ])('%s is refused at start-up', (_, options) => {
    const { sessions } = setUp()
    const good = { channels: { ops: email(() => {}) } }

    expect(thrownBy(() => alerts(sessions, { ...good, ...(options as object) })).code).toBe('ERR_CONFIG_INVALID')
  })

  it('the ones to start with can be spread and added to', async () => {
    const { emit, sent } = watched({
      rules: [...alertRules, { name: 'new-factor', on: 'factor.added', says: 'Somebody added a factor.' }],
    })

    await emit({ type: 'factor.added', kind: 'totp', factorId: 'f', subject: 'ada' })

    expect(sent).toMatchObject([{ rule: 'new-factor', level: 'info', sentence: 'Somebody added a factor.' }])
  })
})
