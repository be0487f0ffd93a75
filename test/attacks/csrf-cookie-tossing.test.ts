// The attacker has: a neighbouring subdomain that sets cookies for the whole registrable domain, and a token of their own with its cookie.
// The attacker does: tosses the cookie that a visitor's tokens are bound to into the victim's browser, and forges a form with the token that goes with it.
// The attacker must not obtain: a sign-in, or anything else, that the victim's browser does on their behalf (double submit with a cookie of theirs).
import { expect, it } from 'vitest'
import { browser, ORIGIN, site } from './support.ts'

const NAME = '__Host-sjn-csrf'

async function tossed() {
  const shop = site()
  const [victim, attacker] = [browser(shop), browser(shop)]
  await victim.visit('/form')
  const theirToken = await (await attacker.visit('/form')).text()
  const theirs = attacker.jar.header(ORIGIN)!
  const ours = victim.jar.header(ORIGIN)!
  const forge = async (cookie: string) => {
    const headers = { cookie, 'x-csrf-token': theirToken }
    return (await shop.answer('/login?as=attacker', { method: 'POST', headers })).status
  }
  return { victim, theirs, ours, forge }
}

it('a browser refuses the cookie from a neighbour', async () => {
  const { victim, ours, theirs } = await tossed()
  const value = theirs.slice(theirs.indexOf('=') + 1)
  const accepted = [
    victim.jar.store('https://evil.shop.example', `${NAME}=${value}; Domain=shop.example; Path=/; Secure`),
    victim.jar.store('https://evil.shop.example', `${NAME}=${value}; Domain=shop.example; Path=/login; Secure`),
    victim.jar.store('http://shop.example', `${NAME}=${value}; Path=/`),
    victim.jar.store('https://shop.example', `${NAME}=${value}; Path=/login; Secure`),
  ]

  expect([accepted, victim.jar.header(ORIGIN)]).toEqual([[0, 0, 0, 0], ours])
})

it('one that came through all the same, beside ours, is not chosen: with two of them no token is good', async () => {
  const { forge, ours, theirs } = await tossed()

  expect([await forge(`${theirs}; ${ours}`), await forge(`${ours}; ${theirs}`), await forge(`${theirs}; ${theirs}`)]).toEqual([
    403, 403, 403,
  ])
})

it.each(['sjn-csrf', '__host-sjn-csrf', '__HOST-SJN-CSRF', '__Secure-sjn-csrf', 'x__Host-sjn-csrf', '__Host-sjn-csrf2'])(
  'one named %s is not looked at',
  async (name) => {
    const { forge, theirs } = await tossed()

    expect(await forge(`${name}${theirs.slice(theirs.indexOf('='))}`)).toBe(403)
  },
)

it('it is no help in a session: there the session’s own token is asked for', async () => {
  const shop = site()
  const [victim, attacker] = [browser(shop), browser(shop)]
  await victim.visit('/login?as=victim')
  const theirToken = await (await attacker.visit('/form')).text()
  const headers = { cookie: `${victim.jar.header(ORIGIN)}; ${attacker.jar.header(ORIGIN)}`, 'x-csrf-token': theirToken }

  expect((await shop.answer('/transfer', { method: 'POST', headers })).status).toBe(403)
})
