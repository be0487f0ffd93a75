// The attacker has: an account and a session of their own, and the public id of the victim's session.
// The attacker does: registers a key for the victim's session, makes the victim's browser register for theirs, and refreshes across the two.
// The attacker must not obtain: a binding, a bound cookie or a challenge's worth for the victim's session, nor the victim in their own.
import { expect, it } from 'vitest'
import { asThief, BindingBrowser, BOUND_COOKIE, boundSite, COOKIE, challengeIn } from '../binding/dbsc/support.ts'

async function both() {
  const site = boundSite()
  const [victim, mallory] = [new BindingBrowser(site), new BindingBrowser(site)]
  const victims = challengeIn(await victim.send('/login?as=victim'))
  const own = challengeIn(await mallory.send('/login?as=mallory'))
  return { site, victim, mallory, victims, own }
}

it('with a challenge of their own session, whatever the proof says', async () => {
  const { site, victim, mallory, victims, own } = await both()
  const { id } = await victim.me()
  const proof = mallory.device.registration(own, { payload: { sub: id, session_identifier: id, iss: id } })

  const response = await mallory.post('/dbsc/register', { 'secure-session-response': proof, 'sec-secure-session-id': id! })
  const config = (await response.json()) as { session_identifier: string }
  await victim.register(victims)

  expect(config.session_identifier).not.toBe(id)
  expect((await victim.me()).binding).toEqual({ state: 'bound' })
  expect((await site.seen('binding.registered')).map(({ subject }) => subject)).toEqual(['mallory', 'victim'])
})

it('with the victim’s cookie and a challenge of their own', async () => {
  const { victim, mallory, own, site } = await both()
  const headers = { cookie: `${COOKIE}=${victim.cookie(COOKIE)}`, 'secure-session-response': mallory.device.registration(own) }

  expect((await site.answer('/dbsc/register', { method: 'POST', headers })).status).toBe(403)
  expect(await site.reasons()).toEqual(['registration:session-of-another'])
})

it('the victim’s browser, made to answer the attacker’s challenge, binds nothing', async () => {
  const { victim, own } = await both()

  expect((await victim.register(own)).status).toBe(403)
  expect(victim.cookie(BOUND_COOKIE)).toBeUndefined()
})

it('a bound cookie of their own beside the victim’s token, and a refresh of the one for the other', async () => {
  const { site, victim, mallory, victims, own } = await both()
  await victim.register(victims)
  await mallory.register(own)
  const id = victim.boundId!
  site.clock.advance(60_000)
  const mixed = `${COOKIE}=${victim.cookie(COOKIE)}; ${BOUND_COOKIE}=${mallory.cookie(BOUND_COOKIE)}`

  const proof = mallory.device.refresh(mallory.challenge!)
  const headers = { 'sec-secure-session-id': id, 'secure-session-response': proof }
  const refreshed = await site.answer('/dbsc/refresh', { method: 'POST', headers })

  expect(await asThief(site, mixed)).toMatchObject({ subject: null, state: 'unproven' })
  expect([refreshed.status, refreshed.headers.getSetCookie()]).toEqual([403, []])
})
