import { randomBytes } from 'node:crypto'
import { connect, createServer as createHttp2 } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createGzip } from 'node:zlib'
import express from 'express'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { nodeSession } from '../../../src/adapters/node.ts'
import { HeaderPolicy } from '../../../src/http/headers/policy.ts'
import { cspNonce, securityHeaders } from '../../../src/http/headers.ts'
import { setUp, thrownBy } from '../../core/support.ts'
import { ask, type Listener, serve } from '../support/servers.ts'
import { answerWith, directivesOf } from './support.ts'

const OURS = [
  'content-security-policy',
  'x-frame-options',
  'x-content-type-options',
  'referrer-policy',
  'cross-origin-resource-policy',
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'permissions-policy',
]

const ways: [string, Listener][] = [
  ['end', (_req, res) => res.end('x')],
  ['write and end', (_req, res) => [res.write('x'), res.end()]],
  ['flushHeaders', (_req, res) => [res.flushHeaders(), res.end('x')]],
  ['writeHead', (_req, res) => res.writeHead(200).end('x')],
  ['writeHead with a phrase', (_req, res) => res.writeHead(200, 'Fine').end('x')],
  ['writeHead with headers', (_req, res) => res.writeHead(200, { 'Content-Type': 'text/plain' }).end('x')],
  ['writeHead with a phrase and headers', (_req, res) => res.writeHead(200, 'Fine', { 'X-Own': '1' }).end('x')],
  ['writeHead with a flat list', (_req, res) => res.writeHead(200, ['X-Own', '1']).end('x')],
  ['setHeader', (_req, res) => [res.setHeader('X-Own', '1'), res.end('x')]],
  ['setHeader and writeHead', (_req, res) => [res.setHeader('X-Own', '1'), res.writeHead(200, { 'X-Two': '2' }).end('x')]],
  ['a redirect', (_req, res) => res.writeHead(303, { Location: '/' }).end()],
  [
    'a stream',
    (_req, res) => {
      const gzip = createGzip()
      gzip.pipe(res)
      gzip.end('x')
    },
  ],
  ['an error answer', (_req, res) => res.writeHead(500).end('broken')],
]

test.each(ways)('each header is on the response once, sent by %s', async (_name, listener) => {
  const { lines } = await answerWith({}, listener)
  const names = lines.map(([name]) => name)

  expect(OURS.map((name) => names.filter((other) => other === name).length)).toEqual(OURS.map(() => 1))
})

test.each(ways)('what the handler sends itself arrives, sent by %s', async (_name, listener) => {
  const bare = await ask(await serve(listener))
  const full = await answerWith({}, listener)
  const theirs = full.lines.filter(([name]) => !OURS.includes(name) && name !== 'date')

  expect([full.status, full.body]).toEqual([bare.status, bare.body])
  expect(theirs.toSorted()).toEqual(bare.lines.filter(([name]) => name !== 'date').toSorted())
})

describe('a header of the handler’s own', () => {
  const own: [string, Listener][] = [
    ['setHeader', (_req, res) => [res.setHeader('x-frame-options', 'SAMEORIGIN'), res.end()]],
    ['writeHead', (_req, res) => res.writeHead(200, { 'x-FRAME-options': 'SAMEORIGIN' }).end()],
    ['a flat list', (_req, res) => res.writeHead(200, ['x-frame-options', 'SAMEORIGIN']).end()],
    ['both', (_req, res) => [res.setHeader('X-A', '1'), res.writeHead(200, { 'x-frame-options': 'SAMEORIGIN' }).end()]],
  ]
  it.each(own)('stays, once, given by %s', async (_name, listener) => {
    const { lines } = await answerWith({}, listener)

    expect(lines.filter(([name]) => name === 'x-frame-options')).toEqual([['x-frame-options', 'SAMEORIGIN']])
    expect(lines.filter(([name]) => OURS.includes(name)).length).toBe(OURS.length)
  })
})

describe('a policy of the handler’s own that says nothing of frames', () => {
  const OWN = "default-src 'none'"
  const own: [string, Listener][] = [
    ['setHeader', (_req, res) => [res.setHeader('content-security-policy', OWN), res.end()]],
    ['setHeader as a list', (_req, res) => [res.setHeader('Content-Security-Policy', [OWN]), res.end()]],
    ['writeHead', (_req, res) => res.writeHead(200, { 'content-Security-policy': OWN }).end()],
    ['a flat list', (_req, res) => res.writeHead(200, ['content-security-policy', OWN]).end()],
    ['both', (_req, res) => [res.setHeader('X-A', '1'), res.writeHead(200, { 'Content-Security-Policy': OWN }).end()]],
  ]
  it.each(own)('stays, and forbids foreign frames too, given by %s', async (_name, listener) => {
    const { headers } = await answerWith({}, listener)

    expect(headers['content-security-policy']).toBe("default-src 'none', frame-ancestors 'none'")
  })

  it('stays as it is when it does', async () => {
    const { headers } = await answerWith({}, (_req, res) =>
      res.writeHead(200, { 'Content-Security-Policy': "frame-ancestors 'self'" }).end(),
    )

    expect(headers['content-security-policy']).toBe("frame-ancestors 'self'")
  })
})

describe('the nonce', () => {
  it('is in the header of the answer that asked for it, in scripts and styles, and is another in each', async () => {
    const base = await serve((req, res) => {
      protect(req, res)
      res.end(cspNonce(res))
    })
    const protect = securityHeaders()
    const answers = await Promise.all([1, 2, 3].map(() => ask(base)))

    for (const { headers, body } of answers) {
      const directives = directivesOf(headers['content-security-policy'] as string)
      expect(body).toMatch(/^[\w-]{24}$/)
      expect(directives['script-src']).toEqual([`'nonce-${body}'`, "'self'", "'strict-dynamic'"].toSorted())
      expect(directives['style-src']).toEqual([`'nonce-${body}'`, "'self'"].toSorted())
    }
    expect(new Set(answers.map(({ body }) => body)).size).toBe(3)
  })

  it('is not in the header of one that did not', async () => {
    const { headers } = await answerWith({})

    expect(headers['content-security-policy']).not.toMatch(/nonce|strict-dynamic/)
  })

  it('is the same for every call of one answer', async () => {
    const { body } = await answerWith({}, (_req, res) => res.end(`${cspNonce(res)} ${cspNonce(res)}`))
    const [first, second] = body.split(' ')

    expect(first).toBe(second)
  })

  it('has 144 bits from the random source, and never repeats', () => {
    let taken = 0
    const policy = new HeaderPolicy({}, (size) => {
      taken += size
      return randomBytes(size)
    })
    const nonces = Array.from({ length: 3200 }, () => policy.newNonce())

    expect([new Set(nonces).size, taken]).toEqual([3200, 3200 * 18])
    expect(nonces.filter((nonce) => !/^[\w-]{24}$/.test(nonce))).toEqual([])
  })

  it('leaves inline styles alone that were allowed by name, and makes the answer’s scripts strict all the same', async () => {
    const options = { dangerouslyAllowInlineStyles: true, dangerouslyAllowInlineScripts: true, strictDynamic: false }
    const { headers, body } = await answerWith(options, (_req, res) => res.end(cspNonce(res)))
    const directives = directivesOf(headers['content-security-policy'] as string)

    expect(directives['style-src']).toEqual(["'self'", "'unsafe-inline'"])
    expect(directives['script-src']).toEqual([`'nonce-${body}'`, "'self'", "'unsafe-inline'"].toSorted())
  })

  it('cannot be had when the headers have left, nor for an answer nobody protects', async () => {
    const codes: unknown[] = []
    await answerWith({}, (_req, res) => {
      res.flushHeaders()
      codes.push((thrownBy(() => cspNonce(res)) as { code?: unknown }).code)
      res.end()
    })
    await ask(
      await serve((_req, res) => {
        codes.push((thrownBy(() => cspNonce(res)) as { code?: unknown }).code)
        res.end()
      }),
    )

    expect(codes).toEqual(['ERR_ARGUMENT_INVALID', 'ERR_ARGUMENT_INVALID'])
  })

  it('asked for before the headers left is given afterwards too', async () => {
    const { headers, body } = await answerWith({}, (_req, res) => {
      cspNonce(res)
      res.write('x')
      res.end(cspNonce(res))
    })

    expect(headers['content-security-policy']).toContain(`'nonce-${body.slice(1)}'`)
  })
})

describe('Strict-Transport-Security', () => {
  const listener: Listener = (_req, res) => res.end()

  it('is said over TLS and not over plain HTTP', async () => {
    const secure = await answerWith({}, listener, { tls: true })
    const plain = await answerWith({}, listener)

    expect(secure.headers['strict-transport-security']).toBe('max-age=31536000')
    expect(plain.headers['strict-transport-security']).toBeUndefined()
  })

  it('is said by a server behind a proxy that ends TLS, when the application says so', async () => {
    const { headers } = await answerWith({ isSecure: () => true }, listener)

    expect(headers['strict-transport-security']).toBe('max-age=31536000')
  })

  it('is not said because a client claims TLS', async () => {
    const protect = securityHeaders()
    const base = await serve((req, res) => {
      protect(req, res)
      res.end()
    })
    const { headers } = await ask(base, { headers: { 'x-forwarded-proto': 'https', forwarded: 'proto=https' } })

    expect(headers['strict-transport-security']).toBeUndefined()
  })
})

describe('in Express', () => {
  it('every answer carries them, X-Powered-By none, and a router’s call replaces the application’s', async () => {
    const app = express()
    app.use(securityHeaders())
    app.use('/api', securityHeaders({ preset: 'api' }), (_req, res) => void res.json({ a: 1 }))
    app.get('/', (_req, res) => void res.send('<p>page</p>'))
    const base = await serve(app)
    const [page, api, missing] = await Promise.all([ask(base), ask(`${base}/api`), ask(`${base}/nowhere`)])

    expect(page.headers['content-security-policy']).toContain("form-action 'self'")
    expect(directivesOf(api.headers['content-security-policy'] as string)).toEqual({
      'default-src': ["'none'"],
      'object-src': ["'none'"],
      'base-uri': ["'none'"],
      'form-action': ["'none'"],
      'frame-ancestors': ["'none'"],
      sandbox: [],
    })
    expect(api.headers['cross-origin-opener-policy']).toBeUndefined()
    for (const { headers } of [page, api, missing]) {
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect([headers['x-powered-by'], headers['x-content-type-options']]).toEqual([undefined, 'nosniff'])
    }
  })
})

describe('with a session', () => {
  const { sessions } = setUp()
  const open = nodeSession(sessions)
  const protect = securityHeaders()
  const orders: [string, Listener][] = [
    ['before it', async (req, res) => [protect(req, res), await open(req, res)]],
    ['after it', async (req, res) => [await open(req, res), protect(req, res)]],
  ]

  it.each(orders)('the cookie and the headers both arrive, called %s', async (_name, both) => {
    const base = await serve(
      async (req, res) => {
        await both(req, res)
        const session = await open(req, res)
        await session.signIn({ subject: 'ada', method: 'pwd' })
        const nonce = cspNonce(res)
        res.writeHead(200, { 'Content-Type': 'text/html' }).end(nonce)
      },
      { tls: true },
    )
    const { setCookies, headers, body, lines } = await ask(base)

    expect([setCookies.length, headers['cache-control'], headers['content-type']]).toEqual([1, 'no-store', 'text/html'])
    expect(headers['content-security-policy']).toContain(`'nonce-${body}'`)
    expect(lines.filter(([name]) => OURS.includes(name)).length).toBe(OURS.length)
  })
})

it('a middleware that wrapped writeHead before sees the headers as an object', async () => {
  const seen: unknown[] = []
  const protect = securityHeaders()
  const base = await serve((req, res) => {
    const inner = res.writeHead.bind(res) as (...args: unknown[]) => typeof res
    res.writeHead = ((...args: unknown[]) => {
      seen.push(args)
      return inner(...args)
    }) as typeof res.writeHead
    protect(req, res)
    res.writeHead(200, { 'Content-Type': 'text/plain' }).end('x')
  })
  const { lines } = await ask(base)

  expect(seen).toEqual([[200, expect.objectContaining({ 'Content-Type': 'text/plain', 'X-Frame-Options': 'DENY' })]])
  expect(lines.filter(([name]) => OURS.includes(name)).length).toBe(OURS.length)
})

it('over HTTP/2 the headers arrive as well', async () => {
  const protect = securityHeaders()
  const server = createHttp2((req, res) => {
    protect(req as never, res as never)
    if (req.url === '/set') res.setHeader('x-own', '1')
    res.end(cspNonce(res as never))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    client.close()
    server.close()
  })
  const get = (path: string) =>
    new Promise<{ headers: Record<string, unknown>; body: string }>((resolve, reject) => {
      const stream = client.request({ ':path': path })
      let headers = {}
      let body = ''
      stream.on('response', (given) => (headers = given)).on('data', (chunk) => (body += chunk))
      stream.on('end', () => resolve({ headers, body })).on('error', reject)
    })

  for (const { headers, body } of [await get('/'), await get('/set')]) {
    expect(OURS.filter((name) => !(name in headers))).toEqual([])
    expect(headers['content-security-policy']).toContain(`'nonce-${body}'`)
  }
})
