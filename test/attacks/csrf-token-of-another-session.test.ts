// The attacker has: an account, and so any number of valid tokens of their own sessions; and tokens of the victim's earlier sessions, from a log say.
// The attacker does: puts one into a form that the victim's old browser sends to the site, without any header that says where it began.
// The attacker must not obtain: anything done in the victim's session.
import { expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import { CsrfTokens } from '../../src/http/csrf/token.ts'
import { FOREIGN_KEY } from '../core/support.ts'
import { browser, ORIGIN, type Site, site } from './support.ts'

async function tokenOfForm(visitor: ReturnType<typeof browser>): Promise<string> {
  return (await visitor.visit('/form')).text()
}

/** The forged form, as the victim's browser sends it. */
async function forge(shop: Site, victim: ReturnType<typeof browser>, csrfToken: string): Promise<number> {
  const headers = { cookie: victim.jar.header(ORIGIN)! }
  const body = new URLSearchParams({ to: 'mallory', csrf_token: csrfToken })
  return (await shop.answer('/transfer', { method: 'POST', headers, body })).status
}

async function victimAndAttacker() {
  const shop = site()
  const [victim, attacker] = [browser(shop), browser(shop)]
  await victim.visit('/login?as=victim')
  return { shop, victim, attacker }
}

it('the victim’s own token does it, so that the rest of this file means something', async () => {
  const { shop, victim } = await victimAndAttacker()

  expect(await forge(shop, victim, await tokenOfForm(victim))).toBe(200)
})

it('a token of the attacker’s session, or of nobody’s', async () => {
  const { shop, victim, attacker } = await victimAndAttacker()
  const asVisitor = await tokenOfForm(attacker)
  await attacker.visit('/login?as=attacker')
  const asAttacker = await tokenOfForm(attacker)

  expect([await forge(shop, victim, asVisitor), await forge(shop, victim, asAttacker)]).toEqual([403, 403])
})

it('a token of another session of the same person', async () => {
  const { shop, victim, attacker: other } = await victimAndAttacker()
  await other.visit('/login?as=victim')

  expect(await forge(shop, victim, await tokenOfForm(other))).toBe(403)
})

it('a token of before the sign-in, of before a sign-in anew, and of before the sign-out', async () => {
  const shop = site()
  const victim = browser(shop)
  const before = await tokenOfForm(victim)
  await victim.visit('/login?as=victim')
  const during = await tokenOfForm(victim)
  await victim.visit('/logout')
  await victim.visit('/login?as=victim')

  expect([await forge(shop, victim, before), await forge(shop, victim, during)]).toEqual([403, 403])
})

it('a token of the same session’s, made with other keys', async () => {
  const { shop, victim } = await victimAndAttacker()
  const forger = new CsrfTokens(createKeyring(FOREIGN_KEY), pooledRandom())
  const { id } = await victim.me()

  expect(await forge(shop, victim, forger.mint({ kind: 'session', value: id! }))).toBe(403)
})

it('halves of two tokens put together', async () => {
  const { shop, victim, attacker } = await victimAndAttacker()
  await attacker.visit('/login?as=attacker')
  const [mine, theirs] = [await tokenOfForm(attacker), await tokenOfForm(victim)].map((text) => Buffer.from(text, 'base64url'))
  const mixed = [
    Buffer.concat([mine!.subarray(0, 32), theirs!.subarray(32)]),
    Buffer.concat([theirs!.subarray(0, 32), mine!.subarray(32)]),
    Buffer.concat([mine!.subarray(32), mine!.subarray(0, 32)]),
    Buffer.alloc(64),
  ]

  expect(await Promise.all(mixed.map((bytes) => forge(shop, victim, bytes.toString('base64url'))))).toEqual([403, 403, 403, 403])
})

it('the session’s id, its token and its cookie are no tokens for forms', async () => {
  const { shop, victim } = await victimAndAttacker()
  const { id } = await victim.me()

  expect([await forge(shop, victim, id!), await forge(shop, victim, victim.token()!)]).toEqual([403, 403])
  expect((await shop.answer('/me', { headers: { cookie: `__Host-sjn=${await tokenOfForm(victim)}` } })).status).toBe(200)
  expect(await shop.seen('token.refused')).toMatchObject([{ state: 'malformed' }])
})
