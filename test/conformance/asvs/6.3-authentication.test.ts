// OWASP ASVS 5.0.0, V6.3, V6.4, V6.6: general authentication, its life cycle, out-of-band; as far as sessions and throttling go.
import { expect, it } from 'vitest'
import { seconds } from '../../../src/core/duration.ts'
import { site, visitor } from '../../stepup/site.ts'

it('ASVS-6.3.1: tries are bounded by account and by network, and counted before they are looked at', async () => {
  const shop = site()
  const { throttle } = shop.stepUp
  const allowed = async (tries: { subject: string; address: string }[]) => {
    const verdicts = await Promise.all(
      tries.map(({ subject, address }) =>
        throttle.attempt('password', subject, shop.sessions.anonymous({ clientAddress: address })),
      ),
    )
    return verdicts.filter(({ isAllowed }) => isAllowed).length
  }

  // One machine at one account, and at many (credential stuffing); many machines at one account.
  expect(await allowed(Array.from({ length: 100 }, () => ({ subject: 'ada', address: '192.0.2.1' })))).toBe(5)
  expect(await allowed(Array.from({ length: 500 }, (_, i) => ({ subject: `person ${i}`, address: '198.51.100.1' })))).toBe(60)
  expect(await allowed(Array.from({ length: 100 }, (_, i) => ({ subject: 'bob', address: `203.0.${i}.1` })))).toBe(20)
})

it('ASVS-6.3.3: what asks for two factors refuses one, and a half-done sign-in has no rights at all', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  const half = [(await ada.visit('/account')).status, (await ada.visit('/checkout')).status, (await ada.me()).subject]
  await ada.type(code())
  const whole = [(await ada.visit('/account')).status, (await ada.visit('/checkout')).status, (await ada.me()).subject]

  expect([half, whole]).toEqual([
    [401, 401, null],
    [200, 200, 'ada'],
  ])
})

it('ASVS-6.3.4: no way to sign in is weaker: one that does not know of step-up ends where the others do', async () => {
  const shop = site()
  await shop.enrol()
  const states = []
  for (const door of ['/login', '/old-login']) {
    const ada = visitor(shop)
    await ada.visit(door)
    states.push((await ada.me()).state)
  }

  expect(states).toEqual(['pending', 'pending'])
})

it('ASVS-6.3.5: suspicious tries are events with whose account, of what kind, and by whose lane', async () => {
  const shop = site()
  await shop.enrol()
  const mallory = visitor(shop)
  await mallory.json('/login')
  for (let i = 0; i < 6; i++) await mallory.type('000000')

  expect((await shop.seen('factor.refused')).length).toBe(5)
  expect(await shop.seen('throttle.reached')).toMatchObject([
    { subject: 'ada', kind: 'totp', lane: 'account', retryAfter: seconds(30) },
  ])
})

it('ASVS-6.3.7: every change of a factor is an event, for the mail that tells its owner', async () => {
  const shop = site()
  const { factorId } = await shop.enrol()
  const session = await shop.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
  await shop.stepUp.recovery.generate(session)
  await shop.stepUp.remove(session, factorId)

  const changes = [...(await shop.seen('factor.added')), ...(await shop.seen('factor.removed'))]
  expect(changes).toMatchObject([
    { kind: 'totp', subject: 'ada' },
    { kind: 'recovery', subject: 'ada' },
    { kind: 'totp', factorId, subject: 'ada' },
  ])
})

it('ASVS-6.3.8: an account that does not exist is throttled like one that does, and a refusal looks like any other', async () => {
  const shop = site()
  await shop.enrol('ada')
  const verdictsFor = async (subject: string, address: string) => {
    const session = shop.sessions.anonymous({ clientAddress: address })
    const verdicts = []
    for (let i = 0; i < 7; i++) verdicts.push(await shop.stepUp.throttle.attempt('password', subject, session))
    return verdicts
  }
  const without = visitor(shop)
  await without.json('/login?as=bob')
  const withApp = visitor(shop)
  await withApp.json('/login?as=ada')

  expect(await verdictsFor('nobody', '192.0.2.1')).toEqual(await verdictsFor('ada', '198.51.100.1'))
  expect(await without.type('000000')).toEqual(await withApp.type('000000'))
})

it('ASVS-6.4.3: a reset password signs in as any other, with the second factor still due', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  await shop.sessions.revokeSubject('ada', { reason: 'password-reset' })
  const reset = shop.sessions.anonymous()

  expect(await shop.stepUp.signIn(reset, { subject: 'ada', method: 'reset-link' })).toEqual({ pending: 'aal2' })
  await shop.stepUp.totp.verify(reset, code())
  expect(reset.pending).toBe('aal2')
})

it('ASVS-6.6.3: codes that an application sends itself are throttled by the same counts, which no new session sets back', async () => {
  const { stepUp, sessions } = site()
  const verdicts = []
  for (let i = 0; i < 7; i++) verdicts.push((await stepUp.throttle.attempt('mail', 'ada', await sessions.start())).isAllowed)

  expect(verdicts).toEqual([true, true, true, true, true, false, false])
})
