import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { Secret, TOTP } from 'otpauth'
import { cookieJar, describeStoreContract } from 'sojourn/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { mapStore } from '../../examples/map-store.ts'
import { Device } from '../binding/dbsc/device.ts'
import { selfSignedCertificate } from '../http/support/certificate.ts'
import { Browser } from '../matrix/browser.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples')
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
const servers = files.filter((name) => !['map-store.ts', 'sso.ts'].includes(name))

let redis: RedisServer
let postgres: PostgresServer
beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
})
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()])
})

/** Starts an example as its first lines say, on a free port, and gives a browser at its address. */
async function start(file: string, more: Record<string, string> = {}): Promise<Browser> {
  const args = ['--conditions=sojourn-source', join(folder, file)]
  const env = { ...process.env, PORT: '0', METRICS_PORT: '0', REDIS_URL: redis.url, DATABASE_URL: postgres.url, ...more }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.resume()
  onTestFinished(() => void child.kill())
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('http')) return new Browser(line, cookieJar())
  }
  throw new Error(`${file} ended before it listened`)
}

describe.each(servers)('%s', (file) => {
  test('starts, signs in and out', async () => {
    const browser = await start(file)

    const before = JSON.parse((await browser.get('/')).body)
    await browser.post('/login/ada')
    const inside = JSON.parse((await browser.get('/')).body)
    await browser.post('/logout')
    const after = JSON.parse((await browser.get('/')).body)

    expect([before.subject, inside.subject, after.subject]).toEqual([null, 'ada', null])
  })
})

test('the single sign-on example starts while its provider is away, and says so to who signs in', async () => {
  const browser = await start('sso.ts', { ISSUER: 'http://localhost:1' })
  const page = await browser.get('/')
  const signIn = await browser.post('/sign-in')

  expect([JSON.parse(page.body).subject, signIn.status, JSON.parse(signIn.body)]).toEqual([
    null,
    503,
    { failed: 'ERR_PROVIDER_UNAVAILABLE' },
  ])
})

test('the Express example keeps a basket for those who are signed in', async () => {
  const browser = await start('express.ts')

  const anonymous = await browser.get('/basket/tea', { method: 'PUT' })
  await browser.post('/login/ada')
  await browser.get('/basket/tea', { method: 'PUT' })
  const { body } = await browser.get('/')

  expect(anonymous.status).toBe(401)
  expect(JSON.parse(body)).toEqual({ subject: 'ada', basket: ['tea'] })
})

test('the step-up example opens the safe to a second factor, and holds back a sign-in that has none', async () => {
  const browser = await start('step-up.ts')
  await browser.post('/login/ada')
  const alone = await browser.get('/safe')
  const { secret } = JSON.parse((await browser.post('/app')).body)
  const app = new TOTP({ secret: Secret.fromBase32(secret) })
  await browser.post(`/app/${app.generate()}`)
  const proved = await browser.get('/safe')
  await browser.post('/logout')
  await browser.post('/login/ada')
  const pending = JSON.parse((await browser.get('/')).body)
  // The code of before is spent; this one is the next.
  const outcome = await browser.post(`/code/${app.generate({ timestamp: Date.now() + 30_000 })}`)

  expect(alone.headers['www-authenticate']).toContain('acr_values="aal2"')
  expect(proved.body).toBe('{"gold":12}')
  expect(pending).toMatchObject({ subject: null })
  expect(outcome.status).toBe(200)
  expect(JSON.parse((await browser.get('/')).body)).toMatchObject({ subject: 'ada', acr: 'aal2' })
})

test('the device binding example binds over TLS, and takes a payment from the device alone', async () => {
  const folderOfKeys = mkdtempSync(join(tmpdir(), 'sojourn-example-'))
  onTestFinished(() => rmSync(folderOfKeys, { recursive: true }))
  const { key, cert } = selfSignedCertificate()
  const [TLS_KEY, TLS_CERT] = [join(folderOfKeys, 'key.pem'), join(folderOfKeys, 'cert.pem')]
  writeFileSync(TLS_KEY, key)
  writeFileSync(TLS_CERT, cert)
  const browser = await start('dbsc.ts', { TLS_KEY, TLS_CERT })
  const device = new Device()

  const login = await browser.post('/login/ada')
  const early = await browser.post('/pay')
  const [, challenge] = /challenge="([^"]+)"/.exec(String(login.headers['secure-session-registration']))!
  await browser.post('/dbsc/register', { headers: { 'secure-session-response': device.registration(challenge!) } })
  const paid = await browser.post('/pay')

  expect([early.status, paid.status, JSON.parse(paid.body)]).toEqual([403, 200, { paid: true }])
})

test('the Redis example signs nobody out while Redis is away: a 503, and a front page that says it does not know', async () => {
  const browser = await start('redis.ts')
  await browser.post('/login/ada')
  const before = await browser.get('/')

  await redis.server.kill()
  // Until the loss of its connection reaches it, the near cache answers from its copy.
  const front = async () => JSON.parse((await browser.get('/')).body)
  await expect.poll(front, { interval: 20 }).toEqual({ subject: null, isKnown: false })
  const logout = await browser.post('/logout')
  await redis.server.restart()

  expect(JSON.parse(before.body)).toEqual({ subject: 'ada', isKnown: true })
  expect(logout.status).toBe(503)
  expect(logout.body).toContain('not signed out')
})

test('the traits example notes an update, and ends the session for another program', async () => {
  const browser = await start('traits.ts')
  const as = (agent: string) => browser.get('/', { headers: { 'user-agent': agent } })
  await browser.post('/login/ada', { headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Firefox/132.0' } })

  const updated = JSON.parse((await as('Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Firefox/133.0')).body)
  const stolen = JSON.parse((await as('curl/8.5.0')).body)

  expect(updated).toEqual({
    subject: 'ada',
    state: 'active',
    mayAct: true,
    browser: 'Firefox',
    os: 'Linux',
    drift: 'The browser was updated.',
  })
  expect(stolen).toMatchObject({ subject: null, state: 'revoked', mayAct: false })
})

test('the headers example goes on inside the site only, lets its own script run, and says what was wrong without repeating it', async () => {
  const browser = await start('headers.ts')

  const page = await browser.get('/page?next=//evil.example')
  const away = await browser.post('/login/ada?next=//evil.example')
  const wrong = await browser.post('/login/ADA-LOVELACE')
  const nonce = /nonce="([\w-]{24})"/.exec(page.body)?.[1]

  expect([page.body.includes('evil'), away.headers.location]).toEqual([false, '/'])
  expect(page.headers['content-security-policy']).toContain(`'nonce-${nonce}' 'strict-dynamic'`)
  expect([wrong.status, wrong.body.includes('LOVELACE')]).toEqual([400, false])
})

test('the tokens example calls the service for who is signed in, and gives the page no token', async () => {
  const browser = await start('tokens.ts')

  const before = await browser.get('/api/orders/7')
  await browser.post('/login/ada')
  const signedIn = await browser.get('/api/orders/7')
  await browser.post('/logout')
  const after = await browser.get('/api/orders/7')

  expect([before.status, after.status]).toEqual([401, 401])
  expect(JSON.parse(signedIn.body)).toEqual({ of: 'ada', order: '/orders/7', cookie: null })
  expect(signedIn.body + JSON.stringify(signedIn.headers)).not.toMatch(/eyJ/)
})

test('the verify example: a token copied from a session is worth nothing at the service once its person has signed out', async () => {
  const browser = await start('verify.ts')
  await browser.post('/login/ada')
  const orders = JSON.parse((await browser.get('/orders')).body)
  const before = JSON.parse((await browser.get('/steal')).body)
  await browser.post('/logout')

  const steal = async () => JSON.parse((await browser.get('/steal')).body)
  await expect.poll(steal, { timeout: 10_000 }).toEqual({ status: 401 })
  expect([orders.of, before]).toEqual(['ada', { status: 200 }])
})

test.each(files)('%s is under 60 lines and imports what a user can', (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)

  expect(source.split('\n').length).toBeLessThanOrEqual(60)
  expect(
    imports.filter((name) => !/^(node:|sojourn(\/|$)|express$|jose$|pino$|zod$|ioredis$|pg$|\.\/map-store\.ts$)/.test(name!)),
  ).toEqual([])
})

describeStoreContract(
  'the custom store of the examples',
  async () => {
    const store = mapStore()
    return { store, close: () => store.close() }
  },
  { describe, it },
  { capabilities: { limitsSubjects: false, revokesLinked: false } },
)

test('the hub example signs the connected application out when its person signs out, by a token that its key set verifies', async () => {
  const told: string[] = []
  const club = createServer((request, response) => {
    request.on('data', (chunk) => told.push(String(chunk)))
    request.on('end', () => response.writeHead(200).end())
  })
  await new Promise<void>((resolve) => club.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void club.close())
  const { port } = club.address() as AddressInfo
  const browser = await start('hub.ts', { CLUB_LOGOUT_URI: `http://127.0.0.1:${port}/logout` })

  await browser.post('/login/ada')
  const { sid } = JSON.parse((await browser.post('/club')).body)
  await browser.post('/logout')
  await expect.poll(() => told.length, { timeout: 10_000 }).toBe(1)

  const logoutToken = new URLSearchParams(told[0]).get('logout_token')!
  const keys = createLocalJWKSet(JSON.parse((await browser.get('/.well-known/jwks.json')).body))
  const { payload } = await jwtVerify(logoutToken, keys, { typ: 'logout+jwt', issuer: 'https://shop.example', audience: 'club' })
  expect(payload).toMatchObject({ sid, sub: 'ada' })
})
