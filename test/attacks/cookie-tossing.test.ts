// The attacker has: a neighbouring subdomain, or a script on one, that sets cookies for the whole registrable domain.
// The attacker does: tosses cookies of our name, with garbage or with a valid session of their own, before and after ours.
// The attacker must not obtain: the victim acting in the attacker's account, nor the victim signed out by noise.
import { expect, it } from 'vitest'
import { browser, COOKIE, ORIGIN, site } from './support.ts'

async function victimAndAttacker() {
  const shop = site()
  const [victim, attacker] = [browser(shop), browser(shop)]
  await victim.visit('/login?as=victim')
  await attacker.visit('/login?as=attacker')
  const request = async (cookie: string) =>
    ((await (await shop.answer('/me', { headers: { cookie } })).json()) as { subject: string | null }).subject
  return { shop, victim, request, ours: `${COOKIE}=${victim.token()}`, theirs: `${COOKIE}=${attacker.token()}` }
}
const noise = [`${COOKIE}=x`, `${COOKIE}=`, `${COOKIE}=sjn1_${'A'.repeat(86)}`, `${COOKIE}="quoted"`]

it.each(noise)('noise before or after ours signs nobody out: %s', async (tossed) => {
  const { request, ours } = await victimAndAttacker()

  expect([await request(`${tossed}; ${ours}`), await request(`${ours}; ${tossed}`)]).toEqual(['victim', 'victim'])
})

it('a valid session of the attacker beside ours makes the victim nobody, never the attacker', async () => {
  const { request, ours, theirs } = await victimAndAttacker()

  expect([await request(`${theirs}; ${ours}`), await request(`${ours}; ${theirs}`)]).toEqual([null, null])
})

it('it is an event', async () => {
  const { shop, request, ours, theirs } = await victimAndAttacker()
  await request(`${ours}; ${theirs}`)

  expect(await shop.seen('cookie.duplicated')).toMatchObject([{ candidates: 2, valid: 2 }])
})

it('a browser refuses a `__Host-` cookie from a neighbour in the first place', async () => {
  const { victim } = await victimAndAttacker()
  const before = victim.token()
  const accepted = [
    victim.jar.store('https://evil.shop.example', `${COOKIE}=x; Domain=shop.example; Path=/; Secure`),
    victim.jar.store('https://evil.shop.example', `${COOKIE}=x; Path=/me; Secure`),
    victim.jar.store('http://shop.example', `${COOKIE}=x; Path=/`),
  ]

  expect([accepted, victim.token() === before]).toEqual([[0, 0, 0], true])
})

it.each(['__host-sjn', '__HOST-SJN', 'sjn', '__Secure-sjn', `${COOKIE}2`, `x${COOKIE}`])(
  'a cookie named %s is not ours',
  async (name) => {
    const { request, ours } = await victimAndAttacker()

    expect(await request(ours.replace(COOKIE, name))).toBeNull()
  },
)

it('the jar of this test sends the victim’s cookie to the shop alone', async () => {
  const { victim } = await victimAndAttacker()

  expect([
    victim.jar.header(ORIGIN) !== undefined,
    victim.jar.header('https://evil.shop.example'),
    victim.jar.header('http://shop.example'),
  ]).toEqual([true, undefined, undefined])
})
