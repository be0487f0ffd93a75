// Recovery codes: what they look like, that each counts once, and what they prove.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { hashOf, newCode, parseRecoveryCode, printed } from '../../src/stepup/recovery/code.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { seededRandom } from '../../src/testing/seeded-random.ts'
import { codeOf as errorOf, FOREIGN_KEY, KEY, OLDER_KEY } from '../core/support.ts'
import { codes, factorsWith } from './codes-support.ts'

const BOTH = ['pwd', 'otp']
const WRONG = { ok: false, reason: 'wrong', retryAfter: undefined }

/** Signed in with two factors, and with codes. */
async function withCodes(options: Parameters<typeof codes>[0] = {}) {
  const site = codes(options)
  const session = await site.signIn('ada', BOTH)
  return { ...site, session, list: await site.recovery.generate(session) }
}

it('ten codes of 120 bits, in groups that can be typed, all different', async () => {
  const { list } = await withCodes()

  expect(list).toHaveLength(10)
  expect(new Set(list).size).toBe(10)
  for (const code of list) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/)
})

it('every bit of a code is of the random source of the service', () => {
  expect(newCode(() => Buffer.alloc(15))).toBe('0'.repeat(24))
  expect(newCode(() => Buffer.alloc(15, 255))).toBe('Z'.repeat(24))
  expect(newCode(() => Buffer.from('0123456789abcdef0123456789abcd', 'hex'))).toBe('04HMASW9NF6YY0938NKRKAYD')
  const random = seededRandom(1)
  expect(new Set(Array.from({ length: 1000 }, () => newCode(random))).size).toBe(1000)
})

it.each([
  (code: string) => code,
  (code: string) => printed(code),
  (code: string) => printed(code).toLowerCase(),
  (code: string) => ` ${printed(code).replaceAll('-', ' – ')} `,
  (code: string) => printed(code).replaceAll('-', '‑'),
  (code: string) => code.replaceAll('1', 'l').replaceAll('0', 'o'),
  (code: string) => code.replaceAll('1', 'I').replaceAll('0', 'O'),
  (code: string) => [...printed(code)].map((letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)).join(''),
])('a code may be typed as people type (%#)', (asTyped) => {
  const random = seededRandom(2)
  for (let i = 0; i < 50; i++) {
    const code = newCode(random)
    expect(parseRecoveryCode(asTyped(code))).toBe(code)
  }
})

const CODE = '04HMASW9NF6YY0938NKRKAYD'

it.each([
  '',
  CODE.slice(1),
  `${CODE}0`,
  `U${CODE.slice(1)}`,
  `ı${CODE.slice(1)}`,
  `ſ${CODE.slice(1)}`,
  `ß${CODE.slice(2)}`,
  `${CODE}\n`,
  `${CODE}\0`,
  `\ud800${CODE.slice(1)}`,
  CODE.replaceAll('0', '٠'),
  `${CODE}${'-'.repeat(100)}`,
  '-'.repeat(1_000_000),
  undefined,
  null,
  5,
  [CODE],
  { toString: () => CODE },
])('what is no code: %#', (typed) => {
  expect(parseRecoveryCode(typed)).toBeUndefined()
})

it('any input at all is a code or none, and never an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary', maxLength: 60 })), (typed) => {
      expect(String(parseRecoveryCode(typed))).toMatch(/^(undefined|[0-9A-HJKMNP-TV-Z]{24})$/)
    }),
  )
})

it('a code counts once', async () => {
  const { recovery, session, list, refusals } = await withCodes()
  const first = await recovery.use(session, list[3])

  expect(first).toMatchObject({ ok: true, left: 9, isRunningOut: false })
  expect(await recovery.use(session, list[3])).toEqual(WRONG)
  expect(await refusals()).toEqual(['wrong'])
  expect(await recovery.status(session)).toMatchObject({ left: 9 })
})

it('all ten count, and the last three warn', async () => {
  const { recovery, list, signIn } = await withCodes()
  const outcomes: unknown[] = []
  for (const code of list) {
    const outcome = await recovery.use(await signIn(), code)
    outcomes.push(outcome.ok && [outcome.left, outcome.isRunningOut])
  }

  expect(outcomes).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((left) => [left, left <= 3]))
  expect(await recovery.status(await signIn())).toMatchObject({ left: 0, isRunningOut: true })
})

it('of a hundred that bring one code at once, one is let in', async () => {
  const { recovery, list, signIn } = await withCodes()
  const sessions = await Promise.all(Array.from({ length: 100 }, () => signIn()))
  const outcomes = await Promise.all(sessions.map((session) => recovery.use(session, list[0])))

  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
  expect(outcomes.filter(({ ok }) => !ok)).toEqual(Array(99).fill(WRONG))
})

it('ten different codes at once are ten proofs, and none is left', async () => {
  const { recovery, list, signIn } = await withCodes()
  const sessions = await Promise.all(list.map(() => signIn()))
  const outcomes = await Promise.all(sessions.map((session, i) => recovery.use(session, list[i])))

  expect(outcomes.every(({ ok }) => ok)).toBe(true)
  expect(await recovery.status(sessions[0]!)).toMatchObject({ left: 0 })
})

it('with a password a code makes aal2, and the session may enrol what was lost', async () => {
  const { totp, recovery, enrolled, signIn, next, seen } = codes()
  const { session } = await enrolled()
  const list = await recovery.generate(session)
  const lost = await signIn()
  const before = await errorOf(totp.begin(lost, { account: 'ada' }))
  const outcome = await recovery.use(lost, list[0])
  const after = await next(lost)

  expect(before).toBe('ERR_ASSURANCE_INSUFFICIENT')
  expect(outcome).toMatchObject({ ok: true, mayEnrol: true })
  expect([after.acr, after.id === lost.id]).toEqual(['aal2', true])
  expect((await totp.begin(after, { account: 'ada' })).svg).toMatch(/^<svg/)
  expect((await seen('factor.used')).at(-1)).toMatchObject({ kind: 'recovery', left: 9, subject: 'ada', sessionId: lost.id })
})

it('a code stands in for the second factor, never for the first: with a code of an app it is still one', async () => {
  const { recovery, enrolled, signIn } = codes()
  const { session } = await enrolled()
  const list = await recovery.generate(session)
  const held = await signIn('ada', 'otp')
  const outcome = await recovery.use(held, list[0])

  expect([outcome, held.acr]).toMatchObject([{ ok: true, mayEnrol: false }, 'aal1'])
})

it('new codes make those of before worth nothing', async () => {
  const { recovery, session, list, factors, clock } = await withCodes()
  clock.advance(minutes(1))
  const newer = await recovery.generate(session)

  expect(await recovery.use(session, list[0])).toEqual(WRONG)
  expect((await recovery.use(session, newer[0])).ok).toBe(true)
  expect(await factors.list('ada')).toHaveLength(1)
  expect(await recovery.status(session)).toEqual({ left: 9, isRunningOut: false, madeAt: clock() })
})

it('two who make new codes at once have one set between them', async () => {
  const { recovery, signIn, factors } = codes()
  const sessions = [await signIn('ada', BOTH), await signIn('ada', BOTH)]
  const sets = await Promise.all(sessions.map((session) => recovery.generate(session)))
  const outcomes = await Promise.all(sets.map((set, i) => recovery.use(sessions[i]!, set[0])))

  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
  expect(await factors.list('ada')).toHaveLength(1)
})

it('codes that are replaced while one of them is on its way prove nothing', async () => {
  const store = memoryFactorStore()
  let onList: (() => Promise<unknown>) | undefined
  const { recovery, session, list, signIn } = await withCodes({
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
  const other = await signIn('ada', BOTH)
  onList = () => recovery.generate(other)

  expect(await recovery.use(session, list[0])).toEqual(WRONG)
})

it('a code of somebody else proves nothing, and stays good', async () => {
  const { recovery, session, list, signIn } = await withCodes()
  const eve = await signIn('eve', BOTH)
  await recovery.generate(eve)

  expect(await recovery.use(eve, list[0])).toEqual(WRONG)
  expect((await recovery.use(session, list[0])).ok).toBe(true)
})

it('one code has another hash in another set', () => {
  expect(hashOf(CODE, 'one').equals(hashOf(CODE, 'two'))).toBe(false)
})

it('what is stored holds no code', async () => {
  const { factors, list } = await withCodes()
  const stored = Buffer.from((await factors.list('ada'))[0]!.sealed)

  for (const code of list) expect(stored.includes(code) || stored.includes(code.replaceAll('-', ''))).toBe(false)
})

it('tries are counted before they are looked at, and a throttled one spends nothing', async () => {
  const { recovery, session, list, throttle } = await withCodes()
  throttle.verdict = { isAllowed: false, retryAfter: 1000 }
  const refused = await recovery.use(session, list[0])
  throttle.verdict = { isAllowed: true }

  expect(refused).toEqual({ ok: false, reason: 'throttled', retryAfter: 1000 })
  expect((await recovery.use(session, list[0])).ok).toBe(true)
  expect([throttle.attempts, throttle.successes]).toEqual([
    [
      ['recovery', 'ada'],
      ['recovery', 'ada'],
    ],
    [['recovery', 'ada']],
  ])
})

it('refusals are of one shape, whatever was wrong', async () => {
  const { recovery, session, list, signIn, refusals } = await withCodes()
  await recovery.use(session, list[0])
  const outcomes = [
    await recovery.use(session, list[0]),
    await recovery.use(session, CODE),
    await recovery.use(session, 'garbage'),
    await recovery.use(await signIn('nobody'), CODE),
  ]

  expect(outcomes).toEqual(Array(4).fill(WRONG))
  expect(await refusals()).toEqual(['wrong', 'wrong', 'malformed', 'wrong'])
})

it('a use seals the set anew with the newest key', async () => {
  const factors = memoryFactorStore()
  const before = await withCodes({ factors, keys: OLDER_KEY })
  const both = codes({ factors, clock: before.clock, keys: [KEY, OLDER_KEY] })
  expect((await both.recovery.use(await both.signIn(), before.list[0])).ok).toBe(true)
  const after = codes({ factors, clock: before.clock, keys: KEY })

  expect(await after.recovery.use(await after.signIn(), before.list[1])).toMatchObject({ ok: true, left: 8 })
})

it('a set whose key has left the ring proves nothing, and new codes replace it', async () => {
  const factors = memoryFactorStore()
  const before = await withCodes({ factors })
  const after = codes({ factors, clock: before.clock, keys: FOREIGN_KEY })
  const session = await after.signIn('ada', BOTH)

  expect(await after.recovery.use(session, before.list[0])).toEqual(WRONG)
  expect(await after.refusals()).toEqual(['unreadable'])
  expect(await after.recovery.status(session)).toEqual({ left: 0, isRunningOut: true, madeAt: undefined })
  expect((await after.recovery.use(session, (await after.recovery.generate(session))[0])).ok).toBe(true)
})

it('a store that others write all the time is a fault, and proves nothing', async () => {
  const store = memoryFactorStore()
  const { recovery, session, list } = await withCodes({
    factors: factorsWith(store, { update: async () => 'conflict' }),
  })

  expect(await errorOf(recovery.use(session, list[0]))).toBe('ERR_STORE_CONTENDED')
  expect(await errorOf(recovery.generate(session))).toBe('ERR_STORE_CONTENDED')
})

it('who is not signed in has no codes to make or use', async () => {
  const { recovery, sessions } = codes()
  const visitor = sessions.anonymous()
  const errors = [recovery.generate(visitor), recovery.use(visitor, CODE), recovery.status(visitor)].map(errorOf)

  expect(await Promise.all(errors)).toEqual(Array(3).fill('ERR_SESSION_ENDED'))
})

it('codes are made with two factors proved in the last ten minutes, whether or not one is enrolled', async () => {
  const { recovery, signIn, clock } = codes()
  const half = await signIn()
  const both = await signIn('ada', BOTH)
  const atOnce = await errorOf(recovery.generate(half))
  clock.advance(minutes(10))
  await recovery.generate(both)
  clock.advance(1)

  expect([atOnce, await errorOf(recovery.generate(both))]).toEqual(Array(2).fill('ERR_ASSURANCE_INSUFFICIENT'))
})

it('there are none before any are made', async () => {
  const { recovery, signIn } = codes()

  expect(await recovery.status(await signIn())).toEqual({ left: 0, isRunningOut: true, madeAt: undefined })
})
