// RFC 9470, and the sensitive operations of the CSRF cheat sheet.
import { expect, it } from 'vitest'
import { seconds } from '../../../src/core/duration.ts'
import { site, visitor } from '../../stepup/site.ts'

it('STEP-01: insufficient authentication is 401 with the challenge, which says how much and how fresh; enough of it passes', async () => {
  const shop = site({ stepUp: { isDue: () => false } })
  const { code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  const refused = await ada.visit('/checkout')
  const challenge = refused.headers.get('www-authenticate')!
  await ada.type(code())
  const passed = await ada.visit('/checkout')

  expect([refused.status, challenge]).toEqual([
    401,
    'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"',
  ])
  expect([passed.status, passed.headers.get('www-authenticate')]).toEqual([200, null])
})

it('CSRF-16: a forged request of a signed-in browser does nothing that wants a fresh proof or an approval', async () => {
  const { sessions, stepUp, clock } = site()
  const session = await sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
  clock.advance(seconds(301))

  expect(session.meets({ acr: 'aal2', maxAge: seconds(300) })).toBe(false)
  expect(await stepUp.approvals.spend(session, { operation: 'pay', parameters: { cents: 4000 } })).toBe(false)
})
