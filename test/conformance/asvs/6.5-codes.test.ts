// OWASP ASVS 5.0.0, V6.5: general requirements of multi-factor authentication, for time-based codes and look-up secrets (recovery codes).
import { createStepUp } from 'sojourn/stepup'
import { expect, it } from 'vitest'
import { acrOf } from '../../../src/core/assurance.ts'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { memoryFactorStore } from '../../../src/stepup/stores/memory.ts'
import { setUp, thrownBy, tokenOf } from '../../core/support.ts'
import { appOf, codes } from '../../stepup/codes-support.ts'

const BOTH = ['pwd', 'otp']

it('ASVS-6.5.1: a code of an app and a recovery code count once, also for many that bring one at the same time', async () => {
  const { totp, recovery, enrolled, signIn } = codes()
  const { session, code } = await enrolled()
  const list = await recovery.generate(session)
  const sessions = await Promise.all(Array.from({ length: 20 }, () => signIn()))
  const accepted = async (use: (one: (typeof sessions)[number]) => Promise<{ ok: boolean }>) =>
    (await Promise.all(sessions.map(use))).filter(({ ok }) => ok).length
  const typed = code()

  expect(await accepted((one) => totp.verify(one, typed))).toBe(1)
  expect(await accepted((one) => recovery.use(one, list[0]))).toBe(1)
  expect([await totp.verify(session, typed), await recovery.use(session, list[0])]).toMatchObject([{ ok: false }, { ok: false }])
})

it('ASVS-6.5.2: a recovery code has over 112 bits, and a hash is all that is kept of it, sealed', async () => {
  const { context, recovery, signIn, factors } = codes()
  const list = await recovery.generate(await signIn('ada', BOTH))
  const bits = list[0]!.replaceAll('-', '').length * Math.log2(32)
  const [stored] = await factors.list('ada')
  const opened = JSON.stringify(context.vault.open(stored!))

  expect(bits).toBeGreaterThanOrEqual(112)
  expect(JSON.parse(opened)).toMatchObject({ hashes: Array(10).fill(expect.stringMatching(/^[\w-]{43}$/)) })
  for (const code of list) expect(opened).not.toContain(code.replaceAll('-', ''))
})

it('ASVS-6.5.3: secrets of apps and recovery codes come from the random source of the service, which is the system’s', async () => {
  const sizes: number[] = []
  const counting = (size: number) => {
    sizes.push(size)
    return Buffer.alloc(size, sizes.length)
  }
  const { totp, recovery, signIn } = codes({ random: counting })
  const session = await signIn('ada', BOTH)
  sizes.length = 0
  const { secret } = await totp.begin(session, { account: 'ada' })
  const list = await recovery.generate(session)

  expect(secret.length * 5).toBe(160)
  expect([sizes.filter((size) => size === 20).length, sizes.filter((size) => size === 15).length]).toEqual([1, 10])
  expect(new Set(list).size).toBe(10)
})

it('ASVS-6.5.4: codes have 20 bits at least: six digits, or 24 letters; fewer cannot be set', async () => {
  const { recovery, signIn } = codes()

  expect((await recovery.generate(await signIn('ada', BOTH))).every((code) => code.replaceAll('-', '').length === 24)).toBe(true)
  for (const digits of [4, 5, 0, 7])
    expect(thrownBy(() => codes({ totp: { digits: digits as 6 } })).code).toBe('ERR_CONFIG_INVALID')
})

it('ASVS-6.5.5: without skew a code counts for the 30 seconds of its step; the enrolment’s secret waits ten minutes', async () => {
  const { totp, enrolled, signIn, clock } = codes({ totp: { skew: 0 } })
  const { session, app } = await enrolled()
  clock.set(Math.ceil(clock() / 30_000) * 30_000 + minutes(1))
  const [first, second] = [app(clock()), app(clock() + seconds(30))]
  clock.advance(seconds(30) - 1)
  const atEnd = await totp.verify(session, first)
  clock.advance(seconds(30) + 1)
  const after = await totp.verify(session, second)
  const bob = await signIn('bob')
  const { uri, deadline } = await totp.begin(bob, { account: 'bob' })
  const lifetime = deadline - clock()
  clock.set(deadline + 1)

  expect([atEnd.ok, after.ok, lifetime]).toEqual([true, false, minutes(10)])
  expect(await totp.confirm(bob, appOf(uri)(clock()))).toMatchObject({ ok: false, reason: 'expired' })
})

it('ASVS-6.5.6: any factor can be removed after theft or loss, and what it would prove from then on is nothing', async () => {
  const { sessions, clock } = setUp()
  const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Library', onFactorChange: 'end' })
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const app = appOf((await stepUp.totp.begin(session, { account: 'ada' })).uri)
  const enrolled = await stepUp.totp.confirm(session, app(clock()))
  const { codes: list } = await stepUp.recovery.generate(session)
  clock.advance(minutes(1))
  const thief = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await stepUp.totp.verify(thief, app(clock()))
  const token = await tokenOf(thief)
  const all = await stepUp.factors(session)
  // Made at one instant of the clock, so that their own order is chance.
  const byKind = all.toSorted((a, b) => a.kind.localeCompare(b.kind))
  const removed: unknown[] = []
  for (const { id } of byKind) removed.push(await stepUp.remove(session, id))
  clock.advance(minutes(1))
  const later = await sessions.signIn({ subject: 'ada', method: 'pwd' })

  expect([enrolled.ok, byKind.map(({ kind }) => kind), removed]).toEqual([
    true,
    ['recovery', 'totp'],
    Array(2).fill({ others: false }),
  ])
  expect((await sessions.read(token)).state).toBe('revoked')
  expect([await stepUp.totp.verify(later, app(clock())), await stepUp.recovery.use(later, list[0])]).toMatchObject([
    { ok: false },
    { ok: false },
  ])
})

it('ASVS-6.5.7: a biometric is never more than a second factor beside something held', () => {
  const at = 0
  const strength = 1
  const acr = (...methods: string[]) => acrOf(methods.map((method) => ({ method, at, strength })))

  expect([acr('face'), acr('face', 'pwd'), acr('face', 'fpt'), acr('face', 'hwk')]).toEqual(['aal1', 'aal1', 'aal1', 'aal2'])
})

it('ASVS-6.5.8: codes are checked by the server’s clock, and nothing a client sends is taken for the time', async () => {
  const { totp, enrolled, clock } = codes()
  const { session, app } = await enrolled()
  clock.advance(minutes(10))
  const byOther = await Promise.all([-120, 120].map((offset) => totp.verify(session, app(clock() + seconds(offset)))))

  expect([totp.verify.length, ...byOther.map(({ ok }) => ok)]).toEqual([2, false, false])
  expect((await totp.verify(session, app(clock()))).ok).toBe(true)
})
