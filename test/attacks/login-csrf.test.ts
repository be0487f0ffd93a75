// The attacker has: an account and a session of their own, and a page that a victim looks at, signed in or not.
// The attacker does: makes the victim's browser send the sign-in form with the attacker's name and password, or with a token of the attacker's.
// The attacker must not obtain: a victim who acts, unknowing, in the attacker's account; nor a session that the attacker knows (fixation).
import { expect, it } from 'vitest'
import { browser, COOKIE, ORIGIN, site } from './support.ts'

const EVIL = 'https://evil.example'
const SIGN_IN = { method: 'POST', body: new URLSearchParams({ name: 'attacker', password: 'x' }) }

it.each<[string, Record<string, string>]>([
  ['of today', { 'sec-fetch-site': 'cross-site', origin: EVIL }],
  ['with Origin alone', { origin: EVIL }],
  ['with neither', { referer: '' }],
])('a visitor’s browser %s does not sign them in as the attacker', async (_which, headers) => {
  const shop = site()
  const victim = browser(shop)
  const { status } = await victim.visit('/login?as=attacker', { ...SIGN_IN, headers })

  expect([status, victim.token(), shop.store.calls]).toEqual([403, undefined, []])
})

it('a victim who is signed in stays who they are', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  await victim.visit('/login?as=attacker', { ...SIGN_IN, headers: { 'sec-fetch-site': 'cross-site', origin: EVIL } })

  expect((await victim.me()).subject).toBe('victim')
})

/** A browser that says nothing of where its requests begin, so that only the token is left. */
const silent = (cookie: string | undefined, csrfToken: string) => ({
  ...SIGN_IN,
  headers: { ...(cookie && { cookie }), 'x-csrf-token': csrfToken },
})

it('the attacker’s own token is worth nothing in the victim’s browser, with a form page open there or not', async () => {
  const shop = site()
  const [attacker, victim] = [browser(shop), browser(shop)]
  const attackers = await (await attacker.visit('/form')).text()
  await victim.visit('/form')

  const without = await shop.answer('/login?as=attacker', silent(undefined, attackers))
  const withOwn = await shop.answer('/login?as=attacker', silent(victim.jar.header(ORIGIN), attackers))
  const control = await shop.answer('/login?as=attacker', silent(attacker.jar.header(ORIGIN), attackers))

  expect([without.status, withOwn.status, control.status]).toEqual([403, 403, 303])
})

it('a token of the attacker’s session is none for a visitor', async () => {
  const shop = site()
  const [attacker, victim] = [browser(shop), browser(shop)]
  await attacker.visit('/login?as=attacker')
  await victim.visit('/form')
  const attackers = await (await attacker.visit('/form')).text()

  expect((await shop.answer('/login?as=attacker', silent(victim.jar.header(ORIGIN), attackers))).status).toBe(403)
})

it('signing in makes a new session whatever was there before, and every token of before is void', async () => {
  const shop = site()
  const [attacker, victim] = [browser(shop), browser(shop)]
  await attacker.visit('/basket?item=poison')
  // However the attacker brought it there: their session and their token are in the victim's browser.
  victim.jar.store(ORIGIN, `${COOKIE}=${attacker.token()}; Path=/; Secure`)
  const before = await (await attacker.visit('/form')).text()
  await victim.visit('/login?as=victim')

  const headers = { cookie: `${COOKIE}=${victim.token()}`, 'x-csrf-token': before }
  expect((await shop.answer('/transfer', { method: 'POST', headers })).status).toBe(403)
  expect(victim.token()).not.toBe(attacker.token())
  expect(await (await attacker.visit('/me')).json()).toMatchObject({ subject: null })
})
