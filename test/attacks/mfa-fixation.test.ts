// The attacker has: the victim's browser for a moment before the sign-in, and a copy of whatever cookies it has then and between the two factors.
// The attacker does: plants a token, waits until the victim has signed in with both factors, and comes with every token it saw.
// The attacker must not obtain: a session of the victim's, with one factor or with two.
import { expect, it } from 'vitest'
import { seconds } from '../../src/core/duration.ts'
import { site, visitor } from '../stepup/site.ts'

it('a token planted before the sign-in, or copied between the factors, is nobody’s after both', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const mallory = visitor(shop)
  await mallory.visit('/note')
  const planted = mallory.token()!
  const victim = visitor(shop)
  victim.jar.store('https://shop.example/', [`__Host-sjn=${planted}; Path=/; Secure; HttpOnly; SameSite=Lax`])

  await victim.json('/login')
  const between = victim.token()!
  await victim.type(code())
  const asked = async (token: string, path = '/me') =>
    (await shop.answer(path, { headers: { cookie: `__Host-sjn=${token}` } })).json() as Promise<object>
  const atOnce = [await asked(planted), await asked(between)]
  const answer = await shop.answer('/step-up', { headers: { cookie: `__Host-sjn=${between}` } })
  await victim.me()
  shop.clock.advance(seconds(31))
  const later = [await asked(planted), await asked(between)]

  expect(new Set([planted, between, victim.token()]).size).toBe(3)
  expect(atOnce).toMatchObject([
    { subject: null, state: 'revoked' },
    { subject: null, state: 'pending' },
  ])
  expect(answer.headers.getSetCookie()).toEqual([])
  expect(later).toMatchObject([{ subject: null }, { subject: null, state: 'reused' }])
})

it('a session of the attacker’s own that waits for its second factor is not made the victim’s by the victim’s code', async () => {
  const shop = site()
  const { code } = await shop.enrol('ada')
  await shop.enrol('mallory')
  const mallory = visitor(shop)
  await mallory.json('/login?as=mallory')
  const victim = visitor(shop)
  victim.jar.store('https://shop.example/', [`__Host-sjn=${mallory.token()}; Path=/; Secure; HttpOnly; SameSite=Lax`])

  expect(await victim.type(code())).toEqual({ ok: false, reason: 'wrong' })
  expect(await mallory.me()).toMatchObject({ subject: null, state: 'pending' })
})
