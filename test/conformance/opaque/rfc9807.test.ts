/** RFC 9807: what a server of OPAQUE must do, as this library does it with `@serenity-kit/opaque`. */
import { createOpaque, newOpaqueSetup } from 'sojourn/stepup/opaque'
import { expect, it } from 'vitest'
import { setUp } from '../../core/support.ts'
import { Browser, client, evaluationOf, FORGED_FINISH, opaqueSite, QUICK } from '../../stepup/opaque/support.ts'

const PASSWORD = 'correct horse battery staple'
const bytesOf = (text: unknown) => Buffer.from(String(text), 'base64url').length

async function siteOfAda() {
  const site = await opaqueSite()
  await new Browser(site).register('ada', PASSWORD)
  return { site, browser: new Browser(site) }
}

it('OPQ-01: elements are those of ristretto255 and tags those of SHA-512; each application has a server key of its own', async () => {
  const { site, browser } = await siteOfAda()
  const { clientLoginState, startLoginRequest } = client.startLogin({ password: PASSWORD })
  const answer = await browser.post('/login/start', { account: 'ada', startLoginRequest })
  const loginResponse = String(answer.loginResponse)
  const made = client.finishLogin({ clientLoginState, loginResponse, password: PASSWORD, keyStretching: QUICK })!

  // KE1: element, nonce, public key. KE2: element, nonce, key and envelope masked, nonce, public key, tag. KE3: tag.
  const envelope = 32 + 64
  expect([bytesOf(startLoginRequest), bytesOf(loginResponse), bytesOf(made.finishLoginRequest)]).toEqual([
    32 + 32 + 32,
    32 + 32 + 32 + envelope + 32 + 32 + 64,
    64,
  ])
  const other = await opaqueSite()
  await new Browser(other).register('ada', PASSWORD)
  const theirs = client.startLogin({ password: PASSWORD })
  const reply = await new Browser(other).post('/login/start', { account: 'ada', startLoginRequest: theirs.startLoginRequest })
  const otherMade = client.finishLogin({
    clientLoginState: theirs.clientLoginState,
    loginResponse: String(reply.loginResponse),
    password: PASSWORD,
    keyStretching: QUICK,
  })!
  expect(otherMade.serverStaticPublicKey).not.toBe(made.serverStaticPublicKey)
  expect(site.setup).not.toBe(other.setup)
})

it('OPQ-02: the server keeps record, identifier, seed and key; a public key that is none is refused on both sides', async () => {
  const { site, browser } = await siteOfAda()
  const [, identifier, record] = site.accounts.get('ada')!.registration.split('.')
  expect([bytesOf(identifier), bytesOf(record)]).toEqual([16, 32 + 64 + 32 + 64])
  expect(bytesOf(site.setup)).toBeGreaterThan(64 + 32 + 32)

  const { registrationRequest } = client.startRegistration({ password: PASSWORD })
  const { ticket } = await browser.post('/register/start', { registrationRequest })
  const keyless = Buffer.concat([Buffer.alloc(32, 0xff), Buffer.from(record!, 'base64url').subarray(32)]).toString('base64url')
  expect(await browser.post('/register/finish', { account: 'eve', ticket, registrationRecord: keyless })).toMatchObject({
    ok: false,
    reason: 'wrong',
  })
  const { startLoginRequest } = client.startLogin({ password: PASSWORD })
  for (const start of [0, 64]) {
    const request = Buffer.from(startLoginRequest, 'base64url')
      .fill(0xff, start, start + 32)
      .toString('base64url')
    const answer = await browser.post('/login/start', { account: 'ada', startLoginRequest: request })
    expect(answer).toEqual({ ok: false, reason: 'wrong' })
  }
})

it('OPQ-03: an account that does not exist gets a simulated answer, stable and of the same shape; a registration is no way around the limit', async () => {
  const { browser } = await siteOfAda()
  const { startLoginRequest } = client.startLogin({ password: 'a guess' })
  const ask = (account: string) => browser.post('/login/start', { account, startLoginRequest })
  const [ada, nobody, again] = [await ask('ada'), await ask('nobody'), await ask('nobody')]

  expect(bytesOf(nobody.loginResponse)).toBe(bytesOf(ada.loginResponse))
  expect(evaluationOf(again.loginResponse)).toBe(evaluationOf(nobody.loginResponse))
  const registrationRequest = Buffer.from(startLoginRequest, 'base64url').subarray(0, 32).toString('base64url')
  const registered = await browser.post('/register/start', { registrationRequest })
  expect(evaluationOf(registered.registrationResponse)).not.toBe(evaluationOf(ada.loginResponse))
})

it('OPQ-04: a login that is begun counts as a try, and as failed until its last message is right', async () => {
  const { sessions } = setUp()
  const calls: string[] = []
  const throttle = {
    attempt: async () => {
      calls.push('attempt')
      return { isAllowed: true } as const
    },
    succeeded: async () => {
      calls.push('succeeded')
    },
  }
  const opaque = createOpaque(sessions, { setup: await newOpaqueSetup(sessions), find: () => undefined, throttle })
  const session = await sessions.signIn({ subject: 'somebody', method: 'pwd' })
  const { startLoginRequest } = client.startLogin({ password: PASSWORD })

  const started = await opaque.startLogin(session, { account: 'ada', startLoginRequest })
  expect([started.ok, calls]).toEqual([true, ['attempt']])
  const finished = await opaque.finishLogin(session, { ...started, finishLoginRequest: FORGED_FINISH })
  expect([finished.ok, calls]).toEqual([false, ['attempt']])
})

it('OPQ-05: there is a session only after the last message, and no key of the protocol is given out or kept', async () => {
  const { site, browser } = await siteOfAda()
  const { ticket, finishLoginRequest } = await browser.startLogin('ada', PASSWORD)
  expect(await browser.me()).toMatchObject({ subject: null })

  expect(await browser.post('/login/finish', { ticket, finishLoginRequest })).toEqual({
    ok: true,
    subject: 'subject of ada',
    method: 'pwd',
  })
  expect(await browser.me()).toMatchObject({ subject: 'subject of ada' })
  expect(await browser.post('/login/finish', { ticket, finishLoginRequest })).toMatchObject({ ok: false })
  expect(JSON.stringify(await site.seen())).not.toContain('sessionKey')
})

it('OPQ-06: a client has no export key from a server that is not the one it registered with', async () => {
  const { site, browser } = await siteOfAda()
  const impostor = await opaqueSite()
  impostor.accounts.set('ada', site.accounts.get('ada')!)
  const { startLoginRequest, clientLoginState } = client.startLogin({ password: PASSWORD })
  const finish = async (from: Browser) => {
    const { loginResponse } = await from.post('/login/start', { account: 'ada', startLoginRequest })
    return client.finishLogin({
      clientLoginState,
      loginResponse: String(loginResponse),
      password: PASSWORD,
      keyStretching: QUICK,
    })
  }

  expect(await finish(new Browser(impostor))).toBeUndefined()
  expect((await finish(browser))?.exportKey).toMatch(/^[\w-]{80,}$/)
})
