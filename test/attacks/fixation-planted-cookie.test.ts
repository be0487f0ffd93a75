// The attacker has: a way to plant a cookie in the victim's browser, and a token of an anonymous session of their own.
// The attacker does: plants it, waits until the victim signs in, then uses the same token.
// The attacker must not obtain: the victim's session, by that token or by one that follows from it.
import { expect, it } from 'vitest'
import { browser, COOKIE, ORIGIN, site, subjectOf } from './support.ts'

async function planted() {
  const shop = site()
  const attacker = browser(shop)
  await attacker.visit('/basket?item=poison')
  const token = attacker.token()
  const victim = browser(shop)
  victim.jar.store(ORIGIN, `${COOKIE}=${token}; Path=/; Secure`)
  await victim.visit('/login?as=victim')
  return { shop, attacker, victim, token }
}

it('the planted token is dead after sign-in', async () => {
  const { shop, token } = await planted()

  expect(await subjectOf(shop, token)).toBeNull()
})

it('the victim gets a token and an id of their own', async () => {
  const { victim, token } = await planted()

  expect([victim.token() === token, (await victim.me()).subject]).toEqual([false, 'victim'])
})

it('the dead token is never exchanged for the new one', async () => {
  const { attacker } = await planted()
  const response = await attacker.visit('/rotate')

  expect([response.status, response.headers.getSetCookie()]).toEqual([401, []])
})

it('a token that the attacker made up is never accepted, and becomes nobody’s', async () => {
  const shop = site()
  const invented = `sjn1_${Buffer.alloc(64, 7).toString('base64url')}`
  const victim = browser(shop)
  victim.jar.store(ORIGIN, `${COOKIE}=${invented}; Path=/; Secure`)
  await victim.visit('/login?as=victim')

  expect([await subjectOf(shop, invented), victim.token() === invented]).toEqual([null, false])
})

it('an attacker’s signed-in session planted before is ended by the victim’s sign-in', async () => {
  const shop = site()
  const attacker = browser(shop)
  await attacker.visit('/login?as=attacker')
  const victim = browser(shop)
  victim.jar.store(ORIGIN, `${COOKIE}=${attacker.token()}; Path=/; Secure`)
  await victim.visit('/login?as=victim')

  expect((await attacker.me()).subject).toBeNull()
})
