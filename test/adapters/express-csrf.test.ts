import { createRequire } from 'node:module'
import express5 from 'express'
import { createSessions, isSojournError, minutes } from 'sojourn'
import { sessionMiddleware } from 'sojourn/express'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { ask, serve } from '../http/support/servers.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5
const service = () => createSessions({ store: memoryStore(), keys: testKey(), policy: { idleTimeout: minutes(30) } })
const FORGED = { method: 'POST', headers: { origin: 'https://evil.example' } }

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('%s', (_name, framework) => {
  test('a refusal goes to the application’s own error handler, which can read the rule', async () => {
    const app = framework()
    app.use(sessionMiddleware(service()))
    app.use(((error, _req, res, _next) => {
      const isForged = isSojournError(error, 'ERR_CSRF_REFUSED')
      res.status(error.status).json({ isForged, rule: error.rule })
    }) as express5.ErrorRequestHandler)
    const answer = await ask(await serve(app, { tls: true }), FORGED)

    expect([answer.status, JSON.parse(answer.body)]).toEqual([403, { isForged: true, rule: 'origin' }])
  })

  test('without one Express answers 403, and in production says no more', async () => {
    const app = framework()
    app.set('env', 'production')
    app.use(sessionMiddleware(service()))
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => printed.mockRestore())
    const answer = await ask(await serve(app, { tls: true }), FORGED)
    // Express prints what nobody handles, a moment later.
    await vi.waitFor(() => expect(printed).toHaveBeenCalled())

    expect([answer.status, answer.body.includes('Forbidden'), answer.body.includes('Origin')]).toEqual([403, true, false])
    expect(answer.setCookies).toEqual([])
  })

  test('a form is looked at where a body parser ran before, and a method that was changed before is what it was', async () => {
    const app = framework()
    app.use(framework.urlencoded({ extended: true }))
    app.use((req, _res, next) => {
      const { _method: wanted } = req.query
      if (typeof wanted === 'string') Object.assign(req, { originalMethod: req.method, method: wanted })
      next()
    })
    app.use(sessionMiddleware(service()))
    app.use((req, res) => {
      res.send(req.method === 'GET' ? (req as never as { session: { csrfToken(): string } }).session.csrfToken() : req.method)
    })
    app.use(((error, _req, res, _next) => {
      res.status(error.status).end()
    }) as express5.ErrorRequestHandler)
    const origin = await serve(app, { tls: true })
    const page = await ask(origin)
    const headers = { cookie: page.setCookies[0]!.split(';')[0]!, 'content-type': 'application/x-www-form-urlencoded' }
    const deletion = (body: string) => ask(`${origin}/?_method=DELETE`, { method: 'POST', headers, body })

    const [without, with_] = [await deletion('a=b'), await deletion(`csrf_token=${page.body}`)]

    expect([without.status, with_.status, with_.body]).toEqual([403, 200, 'DELETE'])
  })
})
