// NIST SP 800-63B-4: look-up secrets (3.1.2), single-factor OTP (3.1.4), binding of further authenticators (4.1.2.1), recovery (4.2).
import { createStepUp } from 'sojourn/stepup'
import { expect, it } from 'vitest'
import { memoryFactorStore } from '../../../src/stepup/stores/memory.ts'
import { codeOf, setUp } from '../../core/support.ts'
import { appOf, codes } from '../../stepup/codes-support.ts'

const BOTH = ['pwd', 'otp']

/** Step-up as an application has it, and somebody with an app and codes. */
async function withStepUp() {
  const { sessions, clock } = setUp()
  const factors = memoryFactorStore()
  const stepUp = createStepUp(sessions, { factors, issuer: 'Library' })
  const signIn = async () => {
    const session = sessions.anonymous({ mayBePending: true })
    await stepUp.signIn(session, { subject: 'ada', method: 'pwd' })
    return session
  }
  const session = await signIn()
  const app = appOf((await stepUp.totp.begin(session, { account: 'ada' })).uri)
  await stepUp.totp.confirm(session, app(clock()))
  const { codes: list } = await stepUp.recovery.generate(session)
  return { stepUp, signIn, session, list, factors }
}

it('NIST-3.1.2: look-up secrets are random, handed out at AAL2, kept as hashes, used once, and tries are limited', async () => {
  const { stepUp, signIn, list } = await withStepUp()
  const half = await signIn()
  const atAal1 = await codeOf(stepUp.recovery.generate(half))
  const once = [await stepUp.recovery.use(await signIn(), list[0]), await stepUp.recovery.use(await signIn(), list[0])]
  const reasons = new Set<string>()
  for (let i = 0; i < 10; i++) {
    const outcome = await stepUp.recovery.use(await signIn(), list[0])
    if (!outcome.ok) reasons.add(outcome.reason)
  }

  expect([atAal1, once.map(({ ok }) => ok), [...reasons]]).toEqual([
    'ERR_ASSURANCE_INSUFFICIENT',
    [true, false],
    ['wrong', 'throttled'],
  ])
})

it('NIST-3.1.4: the key of an app has 112 bits at least, its time changes within two minutes, and a code is accepted once', async () => {
  const { totp, enrolled, signIn } = codes()
  const session = await signIn('bob')
  const { uri, secret } = await totp.begin(session, { account: 'bob' })
  const ada = await enrolled()
  const code = ada.code()
  const outcomes = [await totp.verify(ada.session, code), await totp.verify(await signIn(), code)]

  expect(secret.length * 5).toBeGreaterThanOrEqual(112)
  expect(Number(new URL(uri).searchParams.get('period'))).toBeLessThanOrEqual(120)
  expect(outcomes.map(({ ok }) => ok)).toEqual([true, false])
})

it('NIST-4.1.2.1: an authenticator for AAL2 is added at AAL2, unless the account has AAL1 alone', async () => {
  const { totp, enrolled, signIn } = codes()
  const alone = await signIn('bob')
  const { session } = await enrolled()
  const half = await signIn()

  expect((await totp.begin(alone, { account: 'bob' })).svg).toMatch(/^<svg/)
  expect((await totp.begin(session, { account: 'ada' })).svg).toMatch(/^<svg/)
  expect(await codeOf(totp.begin(half, { account: 'ada' }))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})

it('NIST-4.2.1.1: a saved recovery code has 64 bits at least, can be replaced, and an event tells of it so that the person is told', async () => {
  const { recovery, signIn, seen } = codes()
  const session = await signIn('ada', BOTH)
  const [code] = await recovery.generate(session)
  const newer = await recovery.generate(session)
  await recovery.use(session, newer[0])

  expect(code!.replaceAll('-', '').length * 5).toBeGreaterThanOrEqual(64)
  expect((await recovery.use(session, code)).ok).toBe(false)
  expect(await seen('factor.added')).toMatchObject([{ kind: 'recovery' }, { kind: 'recovery' }])
  expect(await seen('factor.used')).toMatchObject([{ kind: 'recovery', subject: 'ada', left: 9 }])
})

it('NIST-4.2.2.2: an account with two factors is recovered by one code and the other factor, and never by a code alone', async () => {
  const { stepUp, signIn, list } = await withStepUp()
  const { sessions } = setUp()
  const alone = await codeOf(stepUp.recovery.use(sessions.anonymous(), list[0]))
  const session = await signIn()
  const before = [session.pending, session.acr]
  const outcome = await stepUp.recovery.use(session, list[0])

  expect([alone, before]).toEqual(['ERR_SESSION_ENDED', ['aal2', 'aal1']])
  expect([outcome, session.pending, session.acr]).toMatchObject([{ ok: true, mayEnrol: true }, undefined, 'aal2'])
  expect((await stepUp.totp.begin(session, { account: 'ada' })).svg).toMatch(/^<svg/)
})
