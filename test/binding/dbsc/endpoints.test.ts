import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createSecureServer, type IncomingHttpHeaders } from 'node:http2'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { sessionMiddleware } from '../../../src/adapters/express.ts'
import { withSession } from '../../../src/adapters/node.ts'
import { type DeviceBindingOptions, deviceBinding } from '../../../src/binding/dbsc.ts'
import type { Session } from '../../../src/core/session.ts'
import { securityHeaders } from '../../../src/http/headers.ts'
import { setUp } from '../../core/support.ts'
import { type Ask, ask, type Listener, serve, testCertificate } from '../../http/support/servers.ts'
import { Device } from './device.ts'
import { boundSite } from './support.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express

type Platform = (options?: DeviceBindingOptions) => Listener

const onNode: Platform = (options) => {
  const { sessions } = setUp()
  const binding = deviceBinding(sessions, options)
  const handle = withSession(
    sessions,
    async (request, response, session) => {
      if (request.url === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      response.end(session.binding.state)
    },
    { guards: [binding] },
  )
  return (request, response) => {
    if (!binding.node(request, response)) return handle(request, response)
  }
}

const onExpress =
  (make: typeof express): Platform =>
  (options) => {
    const { sessions } = setUp()
    const binding = deviceBinding(sessions, options)
    const app = make()
    app.use(binding.node)
    app.use(sessionMiddleware(sessions, { guards: [binding] }))
    app.get('/login', async (request, response) => {
      const { session } = request as unknown as { session: Session }
      await session.signIn({ subject: 'ada', method: 'pwd' })
      response.send('in')
    })
    app.use((request, response) => {
      response.send((request as unknown as { session: { binding: { state: string } } }).session.binding.state)
    })
    return app as unknown as (request: IncomingMessage, response: ServerResponse) => unknown
  }

const pairs = (lines: readonly string[]) => lines.map((line) => line.split(';')[0]!)

describe.each([
  ['node:https', onNode],
  ['Express 5', onExpress(express)],
  ['Express 4', onExpress(express4)],
] as const)('on %s', (_name, platform) => {
  it('registers, proves and refreshes over TLS, and passes other paths on', async () => {
    const origin = await serve(platform(), { tls: true })
    const device = new Device()
    const login = await ask(`${origin}/login`)
    const session = pairs(login.setCookies)[0]!
    const challenge = /challenge="([^"]+)"/.exec(String(login.headers['secure-session-registration']))![1]!

    const registered = await ask(`${origin}/dbsc/register`, {
      method: 'POST',
      headers: { cookie: session, 'secure-session-response': device.registration(challenge) },
    })
    const cookie = `${session}; ${pairs(registered.setCookies)[0]}`
    const bound = await ask(`${origin}/page`, { headers: { cookie } })
    const id = (JSON.parse(registered.body) as { session_identifier: string }).session_identifier
    const next = /^"([^"]+)"/.exec(String(registered.headers['secure-session-challenge']))![1]!
    const refreshed = await ask(`${origin}/dbsc/refresh`, {
      method: 'POST',
      headers: { cookie, 'sec-secure-session-id': id, 'secure-session-response': device.refresh(next) },
    })

    expect([registered.status, bound.body, refreshed.status]).toEqual([200, 'bound', 200])
    expect(pairs(refreshed.setCookies)[0]).toMatch(/^__Host-sjn-bound=/)
    expect(Number(registered.headers['content-length'])).toBe(registered.body.length)
  })

  it('a query changes nothing about whose path it is', async () => {
    const origin = await serve(platform(), { tls: true })

    expect((await ask(`${origin}/dbsc/refresh?x=1`, { method: 'POST' })).status).toBe(400)
  })

  it.each<[string, Ask]>([
    ['GET', {}],
    ['PUT', { method: 'PUT' }],
    ['OPTIONS', { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } }],
  ])('%s of an endpoint is not allowed, to no origin', async (_method, request) => {
    const origin = await serve(platform(), { tls: true })

    for (const path of ['/dbsc/register', '/dbsc/refresh']) {
      const answer = await ask(origin + path, request)
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST'])
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it('over plain HTTP nothing is answered but 500: no 4xx, which would end bindings behind a proxy nobody configured', async () => {
    const origin = await serve(platform())

    const answer = await ask(`${origin}/dbsc/refresh`, {
      method: 'POST',
      headers: { 'sec-secure-session-id': 'AAAAAAAAAAAAAAAAAAAAAA' },
    })

    expect([answer.status, answer.setCookies]).toEqual([500, []])
  })

  it('a body is not read, and does no harm', async () => {
    const origin = await serve(platform(), { tls: true })

    const answer = await ask(`${origin}/dbsc/refresh`, { method: 'POST', body: 'x'.repeat(100_000) })

    expect(answer.status).toBe(400)
  })

  it('the well-known document is there where origins may register, and not else', async () => {
    const registeringOrigins = ['https://login.example.com', 'https://app.example.com:8443']
    const with_ = await serve(platform({ registeringOrigins }), { tls: true })
    const without = await serve(platform(), { tls: true })
    const path = '/.well-known/device-bound-sessions'

    const document = await ask(with_ + path)
    const head = await ask(with_ + path, { method: 'HEAD' })
    const post = await ask(with_ + path, { method: 'POST' })
    const absent = await ask(without + path)

    expect(JSON.parse(document.body)).toEqual({ registering_origins: registeringOrigins })
    expect(document.headers['content-type']).toBe('application/json')
    expect([document.status, head.status, head.body, post.status]).toEqual([200, 200, '', 405])
    expect(absent.body).toBe('unbound')
  })
})

it('on HTTP/2 a cookie that is set joins those that were set before', async () => {
  const { sessions } = setUp()
  const binding = deviceBinding(sessions)
  const handle = withSession(
    sessions,
    async (_request, response, session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      response.end()
    },
    { guards: [binding] },
  )
  const server = createSecureServer(testCertificate(), (request, response) => {
    const [req, res] = [request, response] as unknown as [IncomingMessage, ServerResponse]
    res.setHeader('Set-Cookie', 'mine=1')
    if (!binding.node(req, res)) void handle(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect(`https://localhost:${(server.address() as AddressInfo).port}`, { rejectUnauthorized: false })
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const send = (headers: Record<string, string>) =>
    new Promise<IncomingHttpHeaders>((resolve, reject) => {
      client.request(headers).on('response', resolve).on('error', reject).resume()
    })
  const login = await send({ ':path': '/login' })
  const challenge = /challenge="([^"]+)"/.exec(String(login['secure-session-registration']))![1]!

  const registered = await send({
    ':path': '/dbsc/register',
    ':method': 'POST',
    'secure-session-response': new Device().registration(challenge),
  })

  expect(registered[':status']).toBe(200)
  expect(pairs(registered['set-cookie']!)).toEqual(['mine=1', expect.stringMatching(/^__Host-sjn-bound=/)])
})

describe('on the Web', () => {
  it('a path that is not ours is left alone', async () => {
    const { binding } = boundSite()

    expect(await binding.web(new Request('https://shop.example/dbsc'))).toBeUndefined()
  })

  it('TLS that a platform hides can be told', async () => {
    const { binding } = boundSite()
    const request = () => new Request('http://shop.example/dbsc/refresh', { method: 'POST' })

    const hidden = await binding.web(request())
    const told = await binding.web(request(), () => true)

    expect([hidden?.status, told?.status]).toEqual([500, 400])
  })

  it('a binding that no adapter was given answers 500, and says so to the developer', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    const binding = deviceBinding(setUp().sessions)

    const answer = await binding.web(new Request('https://shop.example/dbsc/refresh', { method: 'POST' }))

    expect(answer?.status).toBe(500)
    expect(String(warned.mock.calls[0]?.[0])).toContain('guards: [binding]')
    warned.mockRestore()
  })
})

it('mounted behind the session it works too, and the guard does not clear the cookie that the endpoint sets', async () => {
  const { sessions, clock } = setUp()
  const binding = deviceBinding(sessions)
  const handle = withSession(
    sessions,
    async (request, response, session) => {
      if (binding.node(request, response)) return
      await session.signIn({ subject: 'ada', method: 'pwd' })
      response.end()
    },
    { guards: [binding] },
  )
  const origin = await serve(handle, { tls: true })
  const device = new Device()
  const login = await ask(`${origin}/login`)
  const challenge = /challenge="([^"]+)"/.exec(String(login.headers['secure-session-registration']))![1]!
  const session = pairs(login.setCookies)[0]!
  const post = (path: string, headers: Record<string, string>) =>
    ask(origin + path, { method: 'POST', headers: { 'sec-fetch-site': 'same-origin', ...headers } })
  const registered = await post('/dbsc/register', { cookie: session, 'secure-session-response': device.registration(challenge) })
  const next = /^"([^"]+)";id="([^"]+)"/.exec(String(registered.headers['secure-session-challenge']))!
  clock.advance(60_000)
  const refreshed = await post('/dbsc/refresh', {
    cookie: `${session}; __Host-sjn-bound=wrong`,
    'sec-secure-session-id': next[2]!,
    'secure-session-response': device.refresh(next[1]!),
  })

  for (const answer of [registered, refreshed]) {
    expect(answer.status).toBe(200)
    expect(pairs(answer.setCookies)).toEqual([expect.stringMatching(/^__Host-sjn-bound=[\w-]{30}$/)])
  }
})

it('headers that another middleware cannot write end that connection, not the process', async () => {
  const rejections: unknown[] = []
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const onRejection = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  onTestFinished(() => {
    process.off('unhandledRejection', onRejection)
    warning.mockRestore()
  })
  const protect = securityHeaders({
    isSecure: () => {
      throw new Error('of the application')
    },
  })
  const { sessions } = setUp()
  const binding = deviceBinding(sessions)
  withSession(sessions, () => {}, { guards: [binding] })
  const origin = await serve(
    (request, response) => {
      protect(request, response)
      binding.node(request, response)
    },
    { tls: true },
  )

  await expect(ask(`${origin}/dbsc/refresh`, { method: 'POST' })).rejects.toThrow(/hang up|reset/)
  await new Promise((resolve) => setImmediate(resolve))
  expect([rejections, warning.mock.calls.map(([error]) => (error as Error).message)]).toEqual([[], ['of the application']])
})
