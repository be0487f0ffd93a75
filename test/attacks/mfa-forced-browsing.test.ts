// The attacker has: the victim's password, and knows every address of the site.
// The attacker does: signs in with it and leaves the page that asks for the code aside: asks for all others, by other spellings, methods, and ways to sign in.
// The attacker must not obtain: anything that is the victim's, or a factor of its own on the account.
import { expect, it } from 'vitest'
import { site, visitor } from '../stepup/site.ts'

it.each(['/login', '/old-login'])('with the password alone, by %s, every page but that one is a stranger’s', async (door) => {
  const shop = site()
  await shop.enrol()
  const mallory = visitor(shop)
  await mallory.visit(door)

  for (const path of [
    '/me',
    '/me?x=/step-up',
    '/me#/step-up',
    '/step-up/../me',
    '/step-up/%2e%2e/me',
    '//step-up/../me',
    '/step-up/..;/me',
  ]) {
    const answer = await mallory.visit(path)
    expect([path, answer.status === 404 || ((await answer.json()) as { subject: null }).subject]).toEqual([
      path,
      expect.toSatisfy((it) => it === null || it === true),
    ])
  }
  for (const path of ['/account', '/checkout', '/note']) {
    expect((await mallory.visit(path)).status).toBe(401)
    expect((await mallory.visit(path, { method: 'POST' })).status).toBe(401)
  }
})

it('it adds no factor of its own, gets no recovery codes, removes none, and ends no session of the victim’s', async () => {
  const shop = site()
  const { factorId, code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  await ada.type(code())
  const mallory = visitor(shop)
  await mallory.json('/login')
  const { stepUp } = shop
  const session = await shop.sessions.read(mallory.token(), { mayBePending: true })

  await expect(stepUp.totp.begin(session, { account: 'ada' })).rejects.toThrow()
  await expect(stepUp.totp.confirm(session, '000000')).rejects.toThrow()
  await expect(stepUp.recovery.generate(session)).rejects.toThrow()
  await expect(stepUp.remove(session, factorId)).rejects.toThrow()
  await expect(stepUp.factors(session)).rejects.toThrow()
  await expect(session.revokeOthers()).rejects.toThrow()
  await expect(session.list()).rejects.toThrow()
  await expect(stepUp.approvals.request(session, { operation: 'pay', parameters: 1, words: 'Pay' })).rejects.toThrow()

  expect((await shop.factors.list('ada')).map(({ id }) => id)).toEqual([factorId])
  expect(await ada.me()).toMatchObject({ subject: 'ada' })
})

it('a socket is as closed as a page', async () => {
  const shop = site()
  await shop.enrol()
  const mallory = visitor(shop)
  await mallory.json('/login')
  const { openUpgrade } = await import('../../src/http/node.ts')
  const { SessionHttp } = await import('../../src/http/http-options.ts')
  const http = new SessionHttp(shop.sessions, { guards: [shop.stepUp], dangerouslyDisableCsrf: true })
  const request = {
    headers: { cookie: `__Host-sjn=${mallory.token()}`, host: 'shop.example' },
    url: '/socket',
    method: 'GET',
    socket: { encrypted: true },
  }

  const session = await openUpgrade(http as never, request as never)

  expect([session.subject, session.state]).toEqual([undefined, 'pending'])
})
