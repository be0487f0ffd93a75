import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import express5, { type ErrorRequestHandler } from 'express'
import { createSessions } from 'sojourn'
import { type SessionApplication, type SessionRouter, sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'
import { type FaultyStore, faultyStore } from 'sojourn/testing'
import { describe, expect, test } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { ask, serve } from '../http/support/servers.ts'
import { Browser } from '../matrix/browser.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5
const here = dirname(fileURLToPath(import.meta.url))

function service(store: FaultyStore = faultyStore(memoryStore())) {
  return createSessions({ store, keys: testKey() })
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, express) => {
  function application(sessions = service()) {
    const app: SessionApplication<typeof sessions> = express()
    app.set('env', 'test')
    app.use(sessionMiddleware(sessions))
    app.post('/login', async (req, res) => {
      await req.session.signIn({ subject: 'ada', method: 'pwd' })
      res.redirect('/')
    })
    app.post('/logout', async (req, res) => {
      await req.session.signOut()
      res.redirect('/')
    })
    return app
  }

  test('the quick start signs in and out', async () => {
    const app = application()
    app.get('/', (req, res) => {
      res.json({ subject: req.session.subject ?? null })
    })
    const browser = new Browser(await serve(app, { tls: true }))

    const login = await browser.post('/login')
    const inside = await browser.get('/')
    await browser.post('/logout')
    const outside = await browser.get('/')

    expect(login).toMatchObject({ status: 302, headers: { location: '/' } })
    expect([inside.body, outside.body]).toEqual(['{"subject":"ada"}', '{"subject":null}'])
  })

  test('a store that is away reaches the application’s error handler with status, code and Retry-After', async () => {
    const store = faultyStore(memoryStore())
    const app = application(service(store))
    app.use(((error, _req, res, _next) => {
      res.status(error.status).json({ code: error.code })
    }) as ErrorRequestHandler)
    const browser = new Browser(await serve(app, { tls: true }))
    await browser.post('/login')
    store.setFaults({ read: { kind: 'error' } })

    const answer = await browser.get('/')

    expect(answer).toMatchObject({ status: 503, body: '{"code":"ERR_STORE_UNAVAILABLE"}', headers: { 'retry-after': '1' } })
  })

  test('Express’s own error page for it is a 503 with Retry-After', async () => {
    const store = faultyStore(memoryStore())
    const browser = new Browser(await serve(application(service(store)), { tls: true }))
    await browser.post('/login')
    store.setFaults({ read: { kind: 'error' } })

    expect(await browser.get('/')).toMatchObject({ status: 503, setCookies: [], headers: { 'retry-after': '1' } })
  })

  test('an error page of the application is committed like any answer', async () => {
    const app = application()
    app.get('/mistake', (req, _res, next) => {
      req.session.data.note = 'before the mistake'
      next(new Error('a mistake'))
    })
    const browser = new Browser(await serve(app, { tls: true }))

    const answer = await browser.get('/mistake')

    expect(answer).toMatchObject({ status: 500, setCookies: [expect.stringMatching(/^__Host-sjn=/)] })
  })

  test.each([
    ['json', '/json', 200],
    ['a file', '/file', 200],
    ['status', '/status', 404],
    ['a conditional answer', '/send', 200],
  ])('%s carries the cookie, on a slow store as well', async (_kind, path, status) => {
    const store = faultyStore(memoryStore())
    const app = application(service(store))
    app.use((req, _res, next) => {
      req.session.data.note = 'x'
      next()
    })
    app.get('/json', (_req, res) => void res.json({ a: 1 }))
    app.get('/file', (_req, res) => void res.sendFile('express.test.ts', { root: here }))
    app.get('/status', (_req, res) => void res.sendStatus(404))
    app.get('/send', (_req, res) => void res.send('x'.repeat(10_000)))
    store.setFaults({ create: { kind: 'latency', milliseconds: 40 } })
    const origin = await serve(app, { tls: true })

    const answer = await ask(origin + path)

    expect(answer).toMatchObject({
      status,
      setCookies: [expect.stringMatching(/^__Host-sjn=/)],
      headers: { 'cache-control': 'no-store' },
    })
    expect(Buffer.byteLength(answer.body)).toBe(Number(answer.headers['content-length']))
  })

  test('static files behind the middleware stay cacheable and answer 304', async () => {
    const app = application()
    app.use(express.static(here, { maxAge: 60_000 }))
    const browser = new Browser(await serve(app, { tls: true }))
    await browser.post('/login')

    const first = await browser.get('/express.test.ts')
    const second = await browser.get('/express.test.ts', { headers: { 'if-none-match': first.headers.etag! } })

    expect(first.headers['cache-control']).toBe('public, max-age=60')
    expect(second).toMatchObject({ status: 304, setCookies: [] })
  })

  test('a router below a path has the session too', async () => {
    const sessions = service()
    const app = application(sessions)
    const account: SessionRouter<typeof sessions> = express.Router()
    account.get('/name', (req, res) => void res.send(String(req.session.subject)))
    app.use('/account', account)
    const browser = new Browser(await serve(app, { tls: true }))
    await browser.post('/login')

    expect((await browser.get('/account/name')).body).toBe('ada')
  })

  test('mounted twice, it sets one cookie', async () => {
    const sessions = service()
    const middleware = sessionMiddleware(sessions)
    const app: SessionApplication<typeof sessions> = express()
    app.use(middleware, middleware)
    app.get('/', async (req, res) => {
      await req.session.signIn({ subject: 'ada', method: 'pwd' })
      res.end()
    })

    expect((await ask(await serve(app, { tls: true }))).setCookies).toHaveLength(1)
  })
})
