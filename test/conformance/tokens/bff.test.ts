// RFC 10017, the backend for a page (BFF), as examples/tokens.ts has it and docs/guide/tokens.md shows it.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cookieJar } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { cookieStore } from '../../../src/stores/cookie.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { ORIGIN, site } from '../../attacks/support.ts'
import { serve } from '../../http/support/servers.ts'
import { Browser } from '../../matrix/browser.ts'
import { minting, partsOf } from '../../tokens/support.ts'

const example = fileURLToPath(new URL('../../../examples/tokens.ts', import.meta.url))

/** The example's shop in front of a service that notes what it is sent. */
async function shop() {
  const seen: { url: string; headers: Record<string, unknown> }[] = []
  const service = await serve((req, res) => {
    seen.push({ url: req.url!, headers: req.headers })
    res.setHeader('Content-Type', 'application/json').end('{}')
  })
  const env = { ...process.env, PORT: '0', ORDERS_URL: service }
  const child = spawn(process.execPath, ['--conditions=sojourn-source', example], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.resume()
  onTestFinished(() => void child.kill())
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('http')) return { browser: new Browser(line, cookieJar()), seen }
  }
  throw new Error('the example ended before it listened')
}

const setCookieOf = async (target: ReturnType<typeof site>) =>
  (await target.answer('/login', { method: 'POST', headers: { origin: ORIGIN } })).headers.getSetCookie()[0]!

it('BFF-01: the backend’s cookie is Secure and HttpOnly', async () => {
  const cookie = await setCookieOf(site())

  expect(cookie).toMatch(/; Secure(;|$)/)
  expect(cookie).toMatch(/; HttpOnly(;|$)/)
})

it('BFF-02: it is SameSite=Strict where that is asked for, with a prefix, for the whole host and no other', async () => {
  const cookie = await setCookieOf(site({}, { cookie: { sameSite: 'strict' } }))

  expect(cookie).toMatch(/^__Host-sjn=.*; SameSite=Strict/)
  expect(cookie).toMatch(/; Path=\/(;|$)/)
  expect(cookie).not.toMatch(/; Domain/i)
})

it('BFF-03: a session kept in the cookie itself is sealed: nothing of it can be read', async () => {
  const cookie = await setCookieOf(site({ store: faultyStore(cookieStore()) }))
  const value = Buffer.from(cookie.split(';')[0]!.split('=')[1]!.replace(/^\w+_/, ''), 'base64url').toString('latin1')

  expect(cookie.length).toBeGreaterThan(100)
  expect(value).not.toMatch(/ada|pwd/)
})

it('BFF-04: what another site’s page sends with the cookie is refused before the handler', async () => {
  const target = site()
  const cookie = (await setCookieOf(target)).split(';')[0]!
  const { status } = await target.answer('/logout', { method: 'POST', headers: { cookie, origin: 'https://evil.example' } })

  expect(status).toBe(403)
})

it('BFF-05: what the backend forwards goes to the configured host alone, with a token of its own and without the session cookie', async () => {
  const { browser, seen } = await shop()
  await browser.post('/login/ada')

  await browser.get('/api/orders/7')
  const others = [
    '%2F%2Fevil.example',
    '..%2F..%2Fadmin',
    '%2e%2e',
    '@evil.example:80',
    '7%3Fall=1',
    '7%23',
    'https:%2F%2Fevil.example',
  ]
  const refused = await Promise.all(others.map(async (id) => (await browser.get(`/api/orders/${id}`)).status))

  expect(refused).toEqual(others.map(() => 404))
  expect(seen.map(({ url }) => url)).toEqual(['/orders/7'])
  expect(seen.filter(({ headers }) => 'cookie' in headers || 'origin' in headers)).toEqual([])
  expect(String(seen[0]!.headers.authorization)).toMatch(/^Bearer eyJ/)
})

it('BFF-06: a token never outlives the session it came from, and neither lets in nor brings back a session that has ended', async () => {
  const { tokens, sessions, clock } = minting({ core: { policy: { idleTimeout: minutes(2) } } })
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { accessToken, expiresAt } = await tokens.mint(session)
  await session.signOut()

  expect(expiresAt).toBe(clock() + minutes(2))
  expect((await sessions.read(accessToken)).state).toBe('malformed')
})

it('NIST-AT-1: an access token is not taken for the person’s presence: no session reads it, and after the end it revives none', async () => {
  const { tokens, sessions } = minting()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { accessToken } = await tokens.mint(session)
  const { sid } = partsOf(accessToken).claims
  await session.signOut()

  expect(session.state).not.toBe('active')
  expect((await sessions.read(accessToken)).subject).toBeUndefined()
  expect((await sessions.list('ada')).some(({ id }) => id === sid)).toBe(false)
})
