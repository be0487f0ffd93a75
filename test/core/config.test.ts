import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { resolveConfig, type SessionsOptions } from '../../src/core/config.ts'
import { days, hours, minutes, seconds } from '../../src/core/duration.ts'
import { createSessions } from '../../src/core/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { KEY, policyOf, thrownBy } from './support.ts'

const store = memoryStore()
const SECRET = 'hunter2-hunter2-hunter2'
const misused = (options: object) => thrownBy(() => createSessions({ store, keys: KEY, ...options } as SessionsOptions))
const withoutCapabilities = {
  ...memoryStore(),
  create() {},
  read() {},
  update() {},
  revoke() {},
  revokeSubject() {},
  list() {},
  purge() {},
}

describe('createSessions refuses misuse at start-up', () => {
  it.each<[string, object, RegExp]>([
    [
      'no store',
      { store: undefined },
      /store is undefined; expected a store with create, read.*sqliteStore\('sessions\.db'\).*docs\/stores/,
    ],
    ['a store that is a path', { store: 'sessions.db' }, /store is a value of type string; expected a store/],
    [
      'a store that lacks operations',
      { store: { read() {} } },
      /expected a store with create, update, revoke, revokeSubject, list, purge/,
    ],
    [
      'a store without capabilities',
      { store: { ...withoutCapabilities, capabilities: undefined } },
      /store.*capabilities.*docs\/stores/,
    ],
    [
      'a policy that is a word',
      { policy: 'moderate' },
      /policy is a value of type string; expected an object such as `policies\.moderate`/,
    ],
    ['a policy that is null', { policy: null }, /policy is null; expected an object/],
    [
      'an idle timeout in minutes',
      { policy: { idleTimeout: 30 } },
      /policy\.idleTimeout is 30; expected .* milliseconds; write it with seconds\(\), minutes\(\).*docs\/guide\/policy\.md/,
    ],
    ['an idle timeout in seconds', { policy: { idleTimeout: 1800 } }, /policy\.idleTimeout is 1800; expected .*milliseconds/],
    [
      'an absolute timeout in hours',
      { policy: { absoluteTimeout: 12 } },
      /policy\.absoluteTimeout is 12; expected .*milliseconds/,
    ],
    [
      'an absolute timeout in seconds',
      { policy: { absoluteTimeout: 43_200 } },
      /policy\.absoluteTimeout is 43200; expected .*milliseconds/,
    ],
    [
      'an absolute timeout in microseconds',
      { policy: { absoluteTimeout: hours(12) * 1000 } },
      /policy\.absoluteTimeout is 43200000000/,
    ],
    ['rotateAfter in minutes', { policy: { rotateAfter: 15 } }, /policy\.rotateAfter is 15; expected .*from 60000/],
    ['a grace in seconds', { policy: { rotationGrace: 30 } }, /policy\.rotationGrace is 30; expected .*from 1000 to 300000/],
    ['a grace of an hour', { policy: { rotationGrace: hours(1) } }, /policy\.rotationGrace is 3600000/],
    [
      'an idle timeout over the absolute one',
      { policy: { idleTimeout: hours(2), absoluteTimeout: hours(1) } },
      /policy\.idleTimeout is 7200000; expected .*to 3600000/,
    ],
    [
      'rotating faster than the grace allows',
      { policy: { rotateAfter: seconds(30) } },
      /policy\.rotateAfter is 30000; expected .*from 60000/,
    ],
    ['a text as duration', { policy: { idleTimeout: '30m' } }, /policy\.idleTimeout is a value of type string/],
    ['NaN as duration', { policy: { idleTimeout: Number.NaN } }, /policy\.idleTimeout is NaN/],
    ['Infinity as duration', { policy: { absoluteTimeout: Number.POSITIVE_INFINITY } }, /policy\.absoluteTimeout is Infinity/],
    ['a negative duration', { policy: { idleTimeout: -1 } }, /policy\.idleTimeout is -1/],
    ['null as duration', { policy: { idleTimeout: null } }, /policy\.idleTimeout is null/],
    ['a fraction of a millisecond', { policy: { idleTimeout: 1000.5 } }, /policy\.idleTimeout is 1000\.5/],
    [
      'no such preset',
      { policy: { preset: 'paranoid' } },
      /policy\.preset is .*expected one of low, moderate, high, aal1, aal2, aal3/,
    ],
    ['`__proto__` as preset', { policy: { preset: '__proto__' } }, /policy\.preset/],
    ['no such onReuse', { policy: { onReuse: 'ignore' } }, /policy\.onReuse is .*expected one of revoke, refuse/],
    [
      'a limit of none',
      { policy: { limit: { max: 0, onExceeded: 'reject' } } },
      /policy\.limit\.max is 0; expected .*from 1 to 10000/,
    ],
    ['a limit that is a number', { policy: { limit: 5 } }, /policy\.limit is 5; expected an object/],
    ['a limit that is null', { policy: { limit: null } }, /policy\.limit is null; expected an object/],
    [
      'a limit without a rule',
      { policy: { limit: { max: 3 } } },
      /policy\.limit\.onExceeded is undefined; expected one of reject, evict-oldest, allow/,
    ],
    ['a store timeout in seconds', { storeTimeout: 2 }, /storeTimeout is 2; expected .*from 10 to 60000 milliseconds/],
    ['a purge interval in seconds', { purgeInterval: 300 }, /purgeInterval is 300; expected .*milliseconds/],
    ['too much data', { maxDataBytes: 2_000_000 }, /maxDataBytes is 2000000; expected .*from 1 to 1048576 bytes/],
    ['no data at all', { maxDataBytes: 0 }, /maxDataBytes is 0/],
    ['a clock that is a number', { clock: 5 }, /clock is 5; expected a function/],
    ['a random source that is a value', { random: new Uint8Array(8) }, /random is a value of type object; expected a function/],
    ['a policyFor that is no function', { policyFor: { admin: {} } }, /policyFor is a value of type object; expected a function/],
    ['a migrate that is no function', { migrate: 'v2' }, /migrate is a value of type string; expected a function/],
    ['an onEvent that is no function', { onEvent: console }, /onEvent is a value of type object; expected a function/],
  ])('%s', (_case, options, message) => {
    const error = misused(options)

    expect(error.code).toBe('ERR_CONFIG_INVALID')
    expect(error.message).toMatch(message)
  })

  it.each([undefined, null, 42, 'options'])('options that are %j', (options) => {
    expect(thrownBy(() => createSessions(options as never)).code).toBe('ERR_CONFIG_INVALID')
  })

  it('a limit the store cannot enforce', () => {
    const uncounted = Object.create(store, { capabilities: { value: { ...store.capabilities, limitsSubjects: false } } })

    expect(misused({ store: uncounted, policy: { limit: { max: 3, onExceeded: 'reject' } } }).message).toMatch(
      /store 'memory' cannot count.*onExceeded: 'allow'/,
    )
  })

  it.each([
    'store',
    'keys',
    'data',
    'dataVersion',
    'policy',
    'clock',
    'random',
    'storeTimeout',
    'maxDataBytes',
    'policyFor',
    'migrate',
    'onEvent',
  ])('a secret given as %s by mistake is not repeated in the error', (option) => {
    expect(inspect(misused({ [option]: SECRET }), { depth: 5 })).not.toContain('hunter2')
  })

  it.each(['idleTimeout', 'absoluteTimeout', 'rotateAfter', 'rotationGrace', 'onReuse', 'limit', 'preset'])(
    'a secret given as policy.%s by mistake is not repeated in the error',
    (option) => {
      expect(inspect(misused({ policy: { [option]: SECRET } }), { depth: 5 })).not.toContain('hunter2')
    },
  )
})

describe('resolveConfig', () => {
  it('the defaults are 30 minutes idle, 12 hours absolute, renewal after 15 minutes, 30 seconds of grace, revoke on reuse', () => {
    expect(policyOf()).toEqual({
      idleTimeout: minutes(30),
      absoluteTimeout: hours(12),
      rotateAfter: minutes(15),
      rotationGrace: seconds(30),
      onReuse: 'revoke',
      limit: undefined,
    })
  })

  it('no configuration is without limits', () => {
    const policy = policyOf({ idleTimeout: undefined, absoluteTimeout: undefined } as never)

    expect([Number.isFinite(policy.idleTimeout), Number.isFinite(policy.absoluteTimeout)]).toEqual([true, true])
  })

  it('an absolute timeout shorter than the default idle one shortens that too', () => {
    expect(policyOf({ absoluteTimeout: minutes(10) }).idleTimeout).toBe(minutes(10))
  })

  it.each([seconds(1), minutes(1), days(366)])('a timeout of %i ms is accepted', (absoluteTimeout) => {
    expect(policyOf({ absoluteTimeout }).absoluteTimeout).toBe(absoluteTimeout)
  })

  it('purging in passing can be turned off', () => {
    expect(resolveConfig({ store, keys: KEY, purgeInterval: 0 }).purgeInterval).toBe(0)
  })
})

describe('policyFor', () => {
  const base = { idleTimeout: minutes(30), absoluteTimeout: hours(8) }
  const asked = (policyFor: NonNullable<SessionsOptions['policyFor']>, policy: SessionsOptions['policy'] = base) =>
    resolveConfig({ store, keys: KEY, policy, policyFor }).policyOf?.({ subject: 'ada', facts: [], isPersistent: false })

  it('a stricter value holds for the session', () => {
    expect(asked(() => ({ idleTimeout: minutes(5) }))).toMatchObject({ idleTimeout: minutes(5), absoluteTimeout: hours(8) })
  })

  it('undefined leaves the policy as it is', () => {
    expect(asked(() => undefined)).toMatchObject(base)
  })

  it('a shorter absolute timeout shortens the idle one with it', () => {
    expect(asked(() => ({ absoluteTimeout: minutes(10) }))?.idleTimeout).toBe(minutes(10))
  })

  it('a looser value without a justification is refused', () => {
    expect(thrownBy(() => asked(() => ({ idleTimeout: hours(1) }))).code).toBe('ERR_POLICY_UNJUSTIFIED')
  })

  it('a looser value with a justification holds', () => {
    expect(asked(() => ({ idleTimeout: hours(1) }), { ...base, justification: 'kiosk' })?.idleTimeout).toBe(hours(1))
  })

  it('no justification lifts the 12 hours of aal3, not for single sessions either', () => {
    const policy = { preset: 'aal3', idleTimeout: minutes(15), absoluteTimeout: hours(12), justification: 'night shift' } as const

    expect(thrownBy(() => asked(() => ({ absoluteTimeout: hours(13) }), policy)).code).toBe('ERR_POLICY_UNJUSTIFIED')
  })

  it('a value in the wrong unit is refused', () => {
    expect(thrownBy(() => asked(() => ({ idleTimeout: 300 }))).message).toMatch(/policyFor\(\)\.idleTimeout is 300; expected/)
  })

  it.each([async () => ({ idleTimeout: minutes(5) }), () => 'strict', () => 300, () => null])(
    'an answer that is no policy is refused, never taken for "no change" (case %#)',
    (policyFor) => {
      expect(thrownBy(() => asked(policyFor as never)).code).toBe('ERR_CONFIG_INVALID')
    },
  )
})
