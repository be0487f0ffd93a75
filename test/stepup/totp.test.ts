// Time-based codes: enrolment, confirmation, what counts and what it does to the session.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { policies } from '../../src/core/policies.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { codeOf as errorOf, FOREIGN_KEY, KEY, OLDER_KEY, thrownBy } from '../core/support.ts'
import { appOf, codes, factorsWith, wrongCode } from './codes-support.ts'

const WRONG = { ok: false, reason: 'wrong', retryAfter: undefined }

it('an enrolment shows a URI, a key of 160 bits to type, and a picture of the URI', async () => {
  const { totp, signIn, clock } = codes({ issuer: 'Sojourn Books' })
  const { uri, secret, svg, deadline } = await totp.begin(await signIn(), { account: 'ada@example.org' })

  expect(secret).toMatch(/^[A-Z2-7]{32}$/)
  expect(uri).toBe(
    `otpauth://totp/Sojourn%20Books:ada%40example.org?issuer=Sojourn%20Books&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
  )
  expect(svg).toMatch(/^<svg .*<\/svg>$/)
  expect(deadline).toBe(clock() + minutes(10))
})

it('every enrolment has a secret of its own, from the random source of the service', async () => {
  const drawn: number[] = []
  const random = (size: number) => {
    drawn.push(size)
    return Buffer.alloc(size, drawn.length)
  }
  const { totp, signIn } = codes({ random })
  const session = await signIn()
  const one = await totp.begin(session, { account: 'ada' })
  const two = await totp.begin(session, { account: 'ada' })

  expect(one.secret).not.toBe(two.secret)
  expect(drawn.filter((size) => size === 20)).toHaveLength(2)
})

it('nothing counts before it is confirmed', async () => {
  const { totp, signIn, factors, clock } = codes()
  const session = await signIn()
  const { uri } = await totp.begin(session, { account: 'ada' })

  expect(await factors.list('ada')).toEqual([])
  expect(await totp.verify(session, appOf(uri)(clock()))).toEqual(WRONG)
})

it('a code of the app confirms it, and counts as proof: the session is aal2 with a new token', async () => {
  const { totp, signIn, factors, clock, seen, sessions, next } = codes()
  const session = await signIn()
  const { uri } = await totp.begin(session, { account: 'ada' })
  const outcome = await totp.confirm(session, appOf(uri)(clock()), { name: 'My phone' })
  const [factor] = await factors.list('ada')

  expect(outcome).toEqual({ ok: true, factorId: factor!.id })
  expect(factor).toMatchObject({ kind: 'totp', name: 'My phone', createdAt: clock(), lastUsedAt: clock(), handle: undefined })
  expect([session.acr, (await next(session)).acr]).toEqual(['aal2', 'aal2'])
  expect(await seen('factor.added')).toMatchObject([
    { kind: 'totp', factorId: factor!.id, subject: 'ada', sessionId: session.id },
  ])
  expect(await sessions.list('ada')).toHaveLength(1)
})

it('a wrong code confirms nothing, and the right one still does', async () => {
  const { totp, signIn, factors, clock } = codes()
  const session = await signIn()
  const app = appOf((await totp.begin(session, { account: 'ada' })).uri)

  expect(await totp.confirm(session, wrongCode(app, clock()))).toEqual(WRONG)
  expect(await totp.confirm(session, 'x')).toEqual(WRONG)
  expect(await factors.list('ada')).toEqual([])
  expect((await totp.confirm(session, app(clock()))).ok).toBe(true)
})

it('an enrolment may be confirmed for ten minutes, and not one millisecond longer', async () => {
  const { totp, signIn, clock } = codes()
  const session = await signIn()
  const { uri, deadline } = await totp.begin(session, { account: 'ada' })
  const late = await signIn()
  const other = await totp.begin(late, { account: 'ada' })
  clock.set(deadline + 1)
  expect(await totp.confirm(session, appOf(uri)(clock()))).toMatchObject({ ok: false, reason: 'expired' })
  clock.set(deadline)

  expect((await totp.confirm(late, appOf(other.uri)(clock()))).ok).toBe(true)
})

it('a second enrolment replaces the first', async () => {
  const { totp, signIn, clock } = codes()
  const session = await signIn()
  const first = appOf((await totp.begin(session, { account: 'ada' })).uri)
  const second = appOf((await totp.begin(session, { account: 'ada' })).uri)

  expect(await totp.confirm(session, first(clock()))).toEqual(WRONG)
  expect((await totp.confirm(session, second(clock()))).ok).toBe(true)
})

it('an enrolment belongs to its session: another one of the same person cannot end it', async () => {
  const { totp, signIn, clock } = codes()
  const { uri } = await totp.begin(await signIn(), { account: 'ada' })

  expect(await totp.confirm(await signIn(), appOf(uri)(clock()))).toMatchObject({ reason: 'expired' })
})

it('of two confirmations at once, one adds the factor', async () => {
  const { totp, signIn, factors, clock } = codes()
  const session = await signIn()
  const code = appOf((await totp.begin(session, { account: 'ada' })).uri)(clock())
  const outcomes = await Promise.all([totp.confirm(session, code), totp.confirm(session, code)])

  expect(outcomes.map(({ ok }) => ok).toSorted()).toEqual([false, true])
  expect(await factors.list('ada')).toHaveLength(1)
})

it('a factor that was removed does not come back by confirming again', async () => {
  const { totp, signIn, factors, clock, next } = codes()
  const session = await signIn()
  const app = appOf((await totp.begin(session, { account: 'ada' })).uri)
  await totp.confirm(session, app(clock()))
  const [factor] = await factors.list('ada')
  await factors.remove('ada', factor!.id)
  clock.advance(seconds(30))

  expect(await totp.confirm(await next(session), app(clock()))).toMatchObject({ reason: 'expired' })
  expect(await factors.list('ada')).toEqual([])
})

it('a code proves: otp is on the session, the token is another, and the use is kept and told', async () => {
  const { totp, enrolled, signIn, clock, factors, seen, throttle, next } = codes()
  const { code, factorId } = await enrolled()
  const session = await signIn()
  clock.advance(minutes(1))
  const outcome = await totp.verify(session, code())
  const after = await next(session)

  expect(outcome).toEqual({ ok: true, factorId })
  expect(after.facts.find(({ method }) => method === 'otp')).toEqual({ method: 'otp', at: clock(), strength: 1 })
  expect([after.acr, after.id === session.id]).toEqual(['aal2', true])
  expect((await factors.list('ada'))[0]!.lastUsedAt).toBe(clock())
  expect(await seen('factor.used')).toMatchObject([{ kind: 'totp', factorId, subject: 'ada', sessionId: session.id }])
  expect(throttle.successes).toEqual([['totp', 'ada']])
})

it('the code that confirmed the enrolment is spent', async () => {
  const { totp, signIn, clock, refusals } = codes()
  const session = await signIn()
  const code = appOf((await totp.begin(session, { account: 'ada' })).uri)(clock())
  await totp.confirm(session, code)

  expect(await totp.verify(session, code)).toEqual(WRONG)
  expect(await refusals()).toEqual(['replayed'])
})

it.each([
  [1, [false, true, true, true, false]],
  [0, [false, false, true, false, false]],
] as const)('with a skew of %i, codes of two steps ago to two steps ahead: %j', async (skew, expected) => {
  const outcomes: boolean[] = []
  for (const step of [-2, -1, 0, 1, 2]) {
    const { totp, enrolled, clock } = codes({ totp: { skew } })
    const { session, app } = await enrolled()
    clock.advance(minutes(5))
    outcomes.push((await totp.verify(session, app(clock() + seconds(30 * step)))).ok)
  }

  expect(outcomes).toEqual(expected)
})

it.each([
  [undefined, true],
  [policies.moderate, true],
  [policies.aal2, true],
  [policies.high, false],
  [policies.aal3, false],
])('the strictest policies take no code of another step by default (%#)', async (policy, isTaken) => {
  const { totp, enrolled, clock } = codes(policy && { policy })
  const { session, app } = await enrolled()
  clock.advance(minutes(2))

  expect((await totp.verify(session, app(clock() - seconds(30)))).ok).toBe(isTaken)
})

it('after a code was accepted, no code of before it is, although it was never used', async () => {
  const { totp, enrolled, clock, refusals } = codes()
  const { session, app } = await enrolled()
  clock.advance(minutes(2))
  const earlier = app(clock() - seconds(30))
  await totp.verify(session, app(clock()))

  expect(await totp.verify(session, earlier)).toEqual(WRONG)
  expect(await refusals()).toEqual(['replayed'])
})

it('a clock that is set back brings no used code back', async () => {
  const { totp, enrolled, clock } = codes()
  const { session, code } = await enrolled()
  clock.advance(minutes(5))
  const used = code()
  expect((await totp.verify(session, used)).ok).toBe(true)
  clock.advance(minutes(5))
  clock.advance(-minutes(5))

  expect(await totp.verify(session, used)).toEqual(WRONG)
})

it('a person may have several apps, each with its name, and any of them proves', async () => {
  const { totp, enrolled, enrol, next, factors, clock } = codes()
  const phone = await enrolled('ada', 'Phone')
  const tablet = await enrol(phone.session, 'Tablet')
  const session = await next(phone.session)
  const outcomes = [await totp.verify(session, phone.code()), await totp.verify(session, tablet.code())]

  expect(outcomes).toEqual([
    { ok: true, factorId: phone.factorId },
    { ok: true, factorId: tablet.factorId },
  ])
  expect((await factors.list('ada')).map(({ name, lastUsedAt }) => [name, lastUsedAt])).toEqual([
    ['Phone', clock()],
    ['Tablet', clock()],
  ])
})

it('one more app than allowed is full, and adds nothing', async () => {
  const { totp, enrolled, enrol, next, factors, clock } = codes({ totp: { most: 2 } })
  const { session } = await enrolled()
  await enrol(session)
  const third = await next(session)
  const app = appOf((await totp.begin(third, { account: 'ada' })).uri)

  expect(await totp.confirm(third, app(clock()))).toEqual({ ok: false, reason: 'full', retryAfter: undefined })
  expect(await factors.list('ada')).toHaveLength(2)
})

it.each([
  ['SHA256', 6],
  ['SHA512', 8],
  ['SHA1', 8],
] as const)('%s with %i digits works from end to end', async (algorithm, digits) => {
  const { totp, enrolled } = codes({ totp: { algorithm, digits } })
  const { session, code } = await enrolled()

  expect(code()).toHaveLength(digits)
  expect((await totp.verify(session, code())).ok).toBe(true)
})

it('a factor keeps its kind when the options change, and six digits are no code of eight', async () => {
  const factors = memoryFactorStore()
  const before = codes({ factors })
  const old = await before.enrolled()
  const after = codes({ factors, clock: before.clock, totp: { digits: 8, algorithm: 'SHA256' } })
  const session = await after.signIn()

  expect((await after.totp.verify(session, `00${old.code()}`)).ok).toBe(false)
  expect((await after.totp.verify(session, old.code())).ok).toBe(true)
})

it('throttled is not looked at: the right code stays good', async () => {
  const { totp, enrolled, throttle } = codes()
  const { session, code } = await enrolled()
  throttle.verdict = { isAllowed: false, retryAfter: 2000 }
  const refused = await totp.verify(session, code())
  throttle.verdict = { isAllowed: true }

  expect(refused).toEqual({ ok: false, reason: 'throttled', retryAfter: 2000 })
  expect((await totp.verify(session, code())).ok).toBe(true)
})

it('every try is counted before it is looked at, whether or not there is a factor; what can be nobody’s code is not', async () => {
  const { totp, enrolled, signIn, throttle } = codes()
  const { session, app, code } = await enrolled()
  await totp.verify(session, wrongCode(app, 0))
  await totp.verify(await signIn('eve'), '123456')
  await totp.verify(session, 'garbage')
  await totp.verify(session, code())

  expect(throttle.attempts).toEqual([
    ['totp', 'ada'],
    ['totp', 'eve'],
    ['totp', 'ada'],
  ])
})

it('refusals are of one shape, whatever was wrong', async () => {
  const { totp, enrolled, signIn, clock, refusals } = codes()
  const { session, app, code } = await enrolled()
  const used = code()
  await totp.verify(session, used)
  const outcomes = [
    await totp.verify(session, used),
    await totp.verify(session, wrongCode(app, clock())),
    await totp.verify(session, 'garbage'),
    await totp.verify(session, undefined),
    await totp.verify(await signIn('nobody'), '123456'),
  ]

  expect(outcomes).toEqual(Array(5).fill(WRONG))
  expect(outcomes.map((outcome) => Object.keys(outcome))).toEqual(Array(5).fill(['ok', 'reason', 'retryAfter']))
  expect(await refusals()).toEqual(['replayed', 'wrong', 'malformed', 'malformed', 'wrong'])
})

it('a factor that was removed while its code was on the way proves nothing', async () => {
  const store = memoryFactorStore()
  const { totp, enrolled, factors } = codes({
    factors: factorsWith(store, {
      list: async (subject: string) => {
        const listed = await store.list(subject)
        if (isRemoving) await store.removeAll(subject)
        return listed
      },
    }),
  })
  let isRemoving = false
  const { session, code } = await enrolled()
  isRemoving = true

  expect(await totp.verify(session, code())).toEqual(WRONG)
  expect(await factors.list('ada')).toEqual([])
})

it('a factor that was renamed while its code was on the way proves all the same, and keeps the name', async () => {
  const store = memoryFactorStore()
  let renames = 0
  const { totp, enrolled } = codes({
    factors: factorsWith(store, {
      list: async (subject: string) => {
        const listed = await store.list(subject)
        if (renames-- > 0) await store.update(subject, listed[0]!.id, listed[0]!.version, { name: 'Renamed' })
        return listed
      },
    }),
  })
  const { session, code } = await enrolled()
  renames = 2

  expect((await totp.verify(session, code())).ok).toBe(true)
  expect((await store.list('ada'))[0]!.name).toBe('Renamed')
})

it('a code that arrives while a later one is accepted proves nothing, and the later one stays the last', async () => {
  const store = memoryFactorStore()
  let onList: (() => Promise<unknown>) | undefined
  const { totp, enrolled, signIn, clock } = codes({
    factors: factorsWith(store, {
      list: async (subject) => {
        const listed = await store.list(subject)
        const run = onList
        onList = undefined
        await run?.()
        return listed
      },
    }),
  })
  const { session, app, code } = await enrolled()
  const other = await signIn()
  clock.advance(minutes(1))
  const later = app(clock() + seconds(30))
  const laterOutcomes: unknown[] = []
  onList = async () => laterOutcomes.push(await totp.verify(other, later))

  expect(await totp.verify(session, code())).toEqual(WRONG)
  clock.advance(seconds(30))
  expect([laterOutcomes, await totp.verify(session, later)]).toMatchObject([[{ ok: true }], WRONG])
})

it('a step is claimed on the ledger as well: a store that lags behind lets no code through twice', async () => {
  const store = memoryFactorStore()
  const { totp, enrolled, signIn } = codes({ factors: factorsWith(store, { update: async () => 'updated' }) })
  const { session, code } = await enrolled()
  const outcomes = [await totp.verify(session, code()), await totp.verify(await signIn(), code())]

  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false])
})

it('a store that others write all the time is a fault, and proves nothing', async () => {
  const store = memoryFactorStore()
  const { totp, enrolled } = codes({
    factors: factorsWith(store, { update: async () => 'conflict' }),
  })
  const { session, code } = await enrolled()

  expect(await errorOf(totp.verify(session, code()))).toBe('ERR_STORE_CONTENDED')
})

it.each(['list', 'update', 'claim', 'attempt'] as const)('when %s fails nothing is proved', async (operation) => {
  const store = memoryFactorStore()
  let isAway = false
  const away = async () => {
    throw new Error('away')
  }
  const { totp, recovery, enrolled, context, throttle } = codes({
    factors: factorsWith(store, {
      list: (subject) => (isAway && operation === 'list' ? away() : store.list(subject)),
      update: (...given) => (isAway && operation === 'update' ? away() : store.update(...given)),
    }),
  })
  const { session, code } = await enrolled()
  const list = await recovery.generate(session)
  const before = session.facts
  isAway = true
  if (operation === 'claim') Object.assign(context.ledger, { claim: away })
  if (operation === 'attempt') Object.assign(throttle, { attempt: away })

  await expect(totp.verify(session, code())).rejects.toThrow('away')
  if (operation !== 'claim') await expect(recovery.use(session, list[0])).rejects.toThrow('away')
  expect(session.facts).toEqual(before)
})

it('a use seals the secret anew with the newest key', async () => {
  const factors = memoryFactorStore()
  const before = codes({ factors, keys: OLDER_KEY })
  const { code } = await before.enrolled()
  const { clock } = before
  const both = codes({ factors, clock, keys: [KEY, OLDER_KEY] })
  expect((await both.totp.verify(await both.signIn(), code())).ok).toBe(true)
  clock.advance(seconds(30))
  const after = codes({ factors, clock, keys: KEY })

  expect((await after.totp.verify(await after.signIn(), code())).ok).toBe(true)
})

it('a factor whose key has left the ring proves nothing, and an event says why', async () => {
  const factors = memoryFactorStore()
  const before = codes({ factors })
  const { code, factorId } = await before.enrolled()
  const after = codes({ factors, clock: before.clock, keys: FOREIGN_KEY })

  expect(await after.totp.verify(await after.signIn(), code())).toEqual(WRONG)
  expect(await after.seen('factor.refused')).toMatchObject([{ reason: 'unreadable', factorId }, { reason: 'wrong' }])
})

it('who is not signed in has nothing to enrol or prove', async () => {
  const { totp, sessions } = codes()
  const visitor = sessions.anonymous()
  const errors = await Promise.all(
    [totp.begin(visitor, { account: 'x' }), totp.confirm(visitor, '123456'), totp.verify(visitor, '123456')].map(errorOf),
  )

  expect(errors).toEqual(Array(3).fill('ERR_SESSION_ENDED'))
})

it('an old sign-in cannot start an enrolment', async () => {
  const { totp, signIn, clock } = codes()
  const session = await signIn()
  clock.advance(minutes(10))
  await totp.begin(session, { account: 'ada' })
  clock.advance(1)

  expect(await errorOf(totp.begin(session, { account: 'ada' }))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})

it.each([
  ['a:b', 'a%20b'],
  ['  ada\u0000\r\n<script>  ', 'ada%3Cscript%3E'],
  ['\ud800ada', 'ada'],
  ['', 'Library'],
  ['x'.repeat(100_000), 'x'.repeat(64)],
  ['😀'.repeat(64), encodeURIComponent('😀'.repeat(32))],
])('any text may be the account’s name (%#)', async (account, label) => {
  const { totp, signIn } = codes()
  const { uri } = await totp.begin(await signIn(), { account })

  expect(uri).toContain(`otpauth://totp/Library:${label}?`)
})

it('an account that is no text is misuse', async () => {
  const { totp, signIn } = codes()

  expect(await errorOf(totp.begin(await signIn(), { account: 5 as never }))).toBe('ERR_ARGUMENT_INVALID')
})

it.each([
  [undefined, 'Authenticator app'],
  ['', 'Authenticator app'],
  ['\u202e\u0000 Phone \n', 'Phone'],
  [42, 'Authenticator app'],
  ['y'.repeat(1000), 'y'.repeat(100)],
])('any text may be the app’s name (%#)', async (name, kept) => {
  const { totp, signIn, factors, clock } = codes()
  const session = await signIn()
  const { uri } = await totp.begin(session, { account: 'ada' })
  await totp.confirm(session, appOf(uri)(clock()), { name: name as string })

  expect((await factors.list('ada'))[0]!.name).toBe(kept)
})

it.each([
  [{ skew: 2 }, /skew/],
  [{ skew: '1' }, /skew/],
  [{ algorithm: 'MD5' }, /algorithm/],
  [{ algorithm: 'sha1' }, /algorithm/],
  [{ digits: 4 }, /digits/],
  [{ most: 0 }, /most/],
  [{ most: 21 }, /most/],
  [{ window: 3 }, /option it does not have/],
  [null, /no object/],
])('an option that is not safe is refused at start-up: %j', (totp, message) => {
  const error = thrownBy(() => codes({ totp: totp as never }))

  expect([error.code, error.message]).toEqual(['ERR_CONFIG_INVALID', expect.stringMatching(message)])
})

it.each(['', '   ', 'a:b', 'a\nb', 'x'.repeat(65), '\ud800', 5, undefined])(
  'an issuer that apps cannot show is refused: %#',
  (issuer) => {
    const attempt = () => codes({ issuer: issuer as string })

    // `undefined` is the default of the test's own set-up.
    if (issuer === undefined) expect(attempt).not.toThrow()
    else expect(thrownBy(attempt)).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  },
)
