import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer as createHttp2Server, connect as http2Connect } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { SessionDataError, SessionStateError, StoreError } from 'sojourn'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type GuardedExchange, guardOf, guardResponse } from '../../src/http/commit-guard.ts'
import { type NodeErrorHandler, NodeFailures } from '../../src/http/node-error.ts'
import { type Answer, type Ask, ask, type Listener, serve } from './support/servers.ts'

/** An exchange that sets one cookie, after `wait` if there is one. */
function exchange(wait?: () => Promise<void>): GuardedExchange {
  return {
    http: {},
    hasHeaderChanges: true,
    commit: () => wait?.(),
    apply(target) {
      target.set('Cache-Control', 'no-store')
      target.replaceSetCookies([...target.setCookies().filter((line) => !line.startsWith('sjn=')), 'sjn=ours'])
    },
  }
}

const idle: GuardedExchange = { http: {}, hasHeaderChanges: false, commit: () => undefined, apply: () => {} }
const warn = vi.fn()
const failures = new NodeFailures(undefined, warn)
const pause = (ms = 30): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const away = new StoreError('away', { code: 'ERR_STORE_UNAVAILABLE', status: 503 })

/** Runs a handler behind the guard, over a real connection. */
async function answerOf(
  handler: Listener,
  given: { guarded?: GuardedExchange; onError?: NodeErrorHandler; ask?: Ask } = {},
): Promise<Answer> {
  const origin = await serve((req, res) => {
    guardResponse(res, given.guarded ?? exchange(), given.onError ? new NodeFailures(given.onError, warn) : failures)
    return handler(req, res)
  })
  return ask(origin, given.ask)
}

const kinds = [
  ['at once', () => exchange()],
  ['after a wait', () => exchange(() => pause())],
] as const

describe.each(kinds)('a session committed %s', (_kind, make) => {
  const handlers: [string, Listener, Partial<Answer>][] = [
    ['end', (_req, res) => res.end('hello'), { body: 'hello' }],
    ['end with an encoding', (_req, res) => res.end('aGk=', 'base64'), { body: 'hi' }],
    ['end without a body', (_req, res) => res.end(), { body: '' }],
    [
      'write and end',
      (_req, res) => {
        res.write('a')
        res.write(Buffer.from('b'))
        res.end('c')
      },
      { body: 'abc' },
    ],
    ['writeHead', (_req, res) => res.writeHead(201).end('made'), { status: 201, body: 'made' }],
    ['writeHead with headers', (_req, res) => res.writeHead(303, { location: '/there' }).end(), { status: 303 }],
    ['writeHead with a reason', (_req, res) => res.writeHead(418, 'Short and stout', { a: 'b' }).end(), { status: 418 }],
    [
      'writeHead and then writing',
      (_req, res) => {
        res.writeHead(200)
        res.write('a')
        res.end('b')
      },
      { body: 'ab' },
    ],
    [
      'the deprecated writeHeader',
      (_req, res) => {
        ;(res as unknown as { writeHeader: typeof res.writeHead }).writeHeader(202)
        res.end()
      },
      { status: 202 },
    ],
    [
      'flushHeaders',
      (_req, res) => {
        res.flushHeaders()
        res.end('x')
      },
      { body: 'x' },
    ],
    ['a pipe', (_req, res) => Readable.from(['a', 'b', 'c']).pipe(res), { body: 'abc' }],
    ['a pipeline', (_req, res) => pipeline(Readable.from(['a', 'b', 'c']), res), { body: 'abc' }],
    [
      'early hints',
      (_req, res) => {
        res.writeEarlyHints({ link: '</a.css>; rel=preload' })
        res.end('x')
      },
      { body: 'x' },
    ],
    [
      '304',
      (_req, res) => {
        res.statusCode = 304
        res.end()
      },
      { status: 304 },
    ],
    ['204', (_req, res) => res.writeHead(204).end(), { status: 204 }],
  ]

  test.each(handlers)('is on the response sent by %s', async (_name, handler, expected) => {
    const answer = await answerOf(handler, { guarded: make() })

    expect(answer).toMatchObject({ status: 200, ...expected })
    expect(answer.setCookies).toEqual(['sjn=ours'])
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  test('is on the response to HEAD', async () => {
    const answer = await answerOf((_req, res) => res.writeHead(200, { 'content-length': 5 }).end('hello'), {
      guarded: make(),
      ask: { method: 'HEAD' },
    })

    expect(answer).toMatchObject({ status: 200, body: '', setCookies: ['sjn=ours'] })
    expect(answer.headers['content-length']).toBe('5')
  })

  test.each([
    ['an object', { 'Set-Cookie': ['theme=dark', 'sjn=theirs'], 'Cache-Control': 'public', 'X-One': '1' }],
    ['a flat list', ['Set-Cookie', 'theme=dark', 'set-cookie', 'sjn=theirs', 'Cache-Control', 'public', 'X-One', '1']],
  ])('replaces what writeHead says about it in %s, and nothing else', async (_kind, headers) => {
    const answer = await answerOf(
      (_req, res) => {
        res.setHeader('Set-Cookie', 'replaced=as-node-does')
        res.writeHead(200, headers as never).end()
      },
      { guarded: make() },
    )

    expect(answer.setCookies).toEqual(['theme=dark', 'sjn=ours'])
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-one': '1' })
  })

  test('takes headers of writeHead as a list of pairs', async () => {
    const pairs = [
      ['Set-Cookie', 'theme=dark'],
      ['X-One', '1'],
    ]
    const answer = await answerOf((_req, res) => res.writeHead(200, pairs as never).end(), { guarded: make() })

    expect(answer.setCookies).toEqual(['theme=dark', 'sjn=ours'])
    expect(answer.headers['x-one']).toBe('1')
  })

  test('replaces every spelling of a name that writeHead was given', async () => {
    const headers = {
      'cache-control': 'public',
      'CACHE-CONTROL': 'max-age=60',
      'set-cookie': ['theirs=1', 'sjn=stale'],
      ETag: '"1"',
    }
    const answer = await answerOf((_req, res) => res.writeHead(200, headers).end(), { guarded: make() })
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', etag: '"1"' })
    expect(answer.setCookies).toEqual(['theirs=1', 'sjn=ours'])
  })

  // expressjs/compression#254: headers behind an undefined reason are headers too.
  test('takes headers of writeHead behind an undefined reason', async () => {
    const answer = await answerOf((_req, res) => res.writeHead(200, undefined, { 'x-one': '1' }).end(), { guarded: make() })

    expect(answer).toMatchObject({ setCookies: ['sjn=ours'], headers: { 'x-one': '1' } })
  })

  test('is beside the cookies of the application, which stay', async () => {
    const answer = await answerOf(
      (_req, res) => {
        res.appendHeader('Set-Cookie', 'theme=dark')
        res.appendHeader('Set-Cookie', 'lang=en')
        res.end()
      },
      { guarded: make() },
    )

    expect(answer.setCookies).toEqual(['theme=dark', 'lang=en', 'sjn=ours'])
  })

  test('calls back in order', async () => {
    const order: string[] = []
    await answerOf(
      (_req, res) => {
        res.write('a', () => order.push('write'))
        res.write('b', 'utf8', () => order.push('write with encoding'))
        res.end(() => order.push('end'))
      },
      { guarded: make() },
    )

    expect(order).toEqual(['write', 'write with encoding', 'end'])
  })

  test('is on answers of the HTTP/2 compatibility API', async () => {
    const server = createHttp2Server((_req, res) => {
      guardResponse(res as unknown as ServerResponse, make(), failures)
      res.writeHead(200, { 'x-one': '1' })
      res.end('two')
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    const client = http2Connect(`http://localhost:${(server.address() as AddressInfo).port}`)
    onTestFinished(() => {
      client.close()
      server.close()
    })

    const stream = client.request({ ':path': '/' })
    const [headers] = await once(stream, 'response')
    const body = await new Response(Readable.toWeb(stream) as ReadableStream).text()

    expect(headers).toMatchObject({ ':status': 200, 'set-cookie': ['sjn=ours'], 'x-one': '1' })
    expect(body).toBe('two')
  })
})

describe('a session with nothing to say', () => {
  test('leaves the call and its headers as they were', async () => {
    const answer = await answerOf(
      (_req, res) => res.writeHead(200, ['X-One', '1', 'X-One', '2', 'Cache-Control', 'public']).end('x'),
      { guarded: idle },
    )

    expect(answer.lines.filter(([name]) => name === 'x-one')).toEqual([
      ['x-one', '1'],
      ['x-one', '2'],
    ])
    expect(answer.headers['cache-control']).toBe('public')
    expect(answer.setCookies).toEqual([])
  })
})

describe('while the commit is on its way', () => {
  test('the response says that its headers have left and that it has ended', async () => {
    const seen: unknown[] = []
    await answerOf(
      (_req, res) => {
        seen.push(res.headersSent, res.writableEnded)
        res.write('a')
        seen.push(res.headersSent, res.writableEnded)
        res.end('b')
        seen.push(res.headersSent, res.writableEnded, res.writableFinished)
      },
      { guarded: exchange(() => pause()) },
    )

    expect(seen).toEqual([false, false, true, false, true, true, false])
  })

  // expressjs/session#766: an answer given twice must fail as loudly as without us.
  test('headers can no longer be changed, in Node’s own words', async () => {
    const errors: unknown[] = []
    const answer = await answerOf(
      (_req, res) => {
        res.setHeader('X-One', '1')
        res.end('x')
        for (const change of [
          () => res.setHeader('X-One', '2'),
          () => res.removeHeader('X-One'),
          () => res.appendHeader('X-Two', '2'),
        ]) {
          try {
            change()
          } catch (error) {
            errors.push((error as NodeJS.ErrnoException).code)
          }
        }
        res.statusCode = 500
      },
      { guarded: exchange(() => pause()) },
    )

    expect(errors).toEqual(Array(3).fill('ERR_HTTP_HEADERS_SENT'))
    expect(answer).toMatchObject({ status: 200, headers: { 'x-one': '1' } })
  })

  test('nothing reaches the client, and then everything does', async () => {
    let isCommitted = false
    const origin = await serve((_req, res) => {
      guardResponse(
        res,
        exchange(async () => {
          await pause(100)
          isCommitted = true
        }),
        failures,
      )
      res.write('a')
    })
    const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1' })
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')

    const [first] = await once(socket, 'data')

    expect(isCommitted).toBe(true)
    expect(String(first)).toMatch(/Set-Cookie: sjn=ours/)
    socket.destroy()
  })

  test('a fast source is told to wait, and is woken', async () => {
    const results: boolean[] = []
    const answer = await answerOf(
      async (_req, res) => {
        for (let i = 0; i < 3; i++) {
          const isRoom = res.write('x'.repeat(10))
          results.push(isRoom)
          if (!isRoom) await once(res, 'drain')
        }
        res.end()
      },
      { guarded: exchange(() => pause()) },
    )

    expect(results[0]).toBe(false)
    expect(answer.body).toHaveLength(30)
  })

  test('a large stream is not piled up in memory', async () => {
    let produced = 0
    const source = Readable.from(
      (function* () {
        for (let i = 0; i < 200; i++) yield Buffer.alloc(65_536, ++produced)
      })(),
    )
    let producedBeforeCommit = -1
    const answer = await answerOf((_req, res) => pipeline(source, res), {
      guarded: exchange(async () => {
        await pause(100)
        producedBeforeCommit = produced
      }),
    })

    expect(producedBeforeCommit).toBeLessThan(64)
    expect(answer.body.length).toBeGreaterThan(1_000_000)
  })

  test('a client that leaves crashes nothing and leaves nothing behind', async () => {
    const done = vi.fn()
    const origin = await serve((_req, res) => {
      guardResponse(
        res,
        exchange(() => pause(80)),
        failures,
      )
      res.on('close', () => done('close'))
      res.write('a', () => done('write'))
      res.end('b', () => done('end'))
    })
    const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1' })
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await pause(30)
    socket.destroy()
    await pause(120)

    expect(done).toHaveBeenCalledWith('close')
    expect(done).toHaveBeenCalledWith('write')
    expect((await ask(origin)).body).toBe('ab')
  })
})

describe('when the commit fails', () => {
  const failures: [string, GuardedExchange][] = [
    [
      'at once',
      {
        ...exchange(),
        apply: () => {
          throw away
        },
      },
    ],
    [
      'after a wait',
      exchange(async () => {
        await pause()
        throw away
      }),
    ],
  ]

  describe.each(failures)('%s', (_kind, guarded) => {
    test.each<[string, Listener]>([
      ['a redirect', (_req, res) => res.writeHead(303, { Location: '/welcome' }).end()],
      [
        'a page',
        (_req, res) => {
          res.setHeader('ETag', '"x"').setHeader('Content-Type', 'text/html').setHeader('Content-Encoding', 'br')
          res.write('signed in as ada')
          res.end()
        },
      ],
      ['a stream', (_req, res) => pipeline(Readable.from(['signed ', 'in']), res).catch(() => {})],
    ])('%s of the handler is dropped and the failure answered', async (_name, handler) => {
      const answer = await answerOf(handler, { guarded })

      expect(answer).toMatchObject({ status: 503, body: 'Service Unavailable\n', setCookies: [] })
      expect(answer.headers).toMatchObject({
        'retry-after': '1',
        'cache-control': 'no-store',
        'content-type': 'text/plain; charset=utf-8',
      })
      expect(answer.headers).not.toHaveProperty('location')
      expect(answer.headers).not.toHaveProperty('etag')
      expect(answer.headers).not.toHaveProperty('content-encoding')
    })

    test('callbacks of dropped calls are called', async () => {
      const callback = vi.fn()
      await answerOf(
        (_req, res) => {
          res.write('a', callback)
          res.end('b', callback)
        },
        { guarded },
      )
      await pause(5)

      expect(callback).toHaveBeenCalledTimes(2)
      expect(callback.mock.calls.every(([error]) => error instanceof Error)).toBe(true)
    })

    test('the application’s own handler may answer', async () => {
      const onError = vi.fn((_error: unknown, _req: unknown, res: ServerResponse) => {
        res.writeHead(503, { 'content-type': 'text/html' })
        res.write('<h1>')
        res.end('Back soon</h1>')
      })
      const answer = await answerOf(
        (_req, res) => {
          res.setHeader('Location', '/x')
          res.end('signed in')
        },
        { guarded, onError },
      )

      expect(onError).toHaveBeenCalledWith(away, expect.anything(), expect.anything())
      expect(answer).toMatchObject({ status: 503, body: '<h1>Back soon</h1>' })
      expect(answer.headers).not.toHaveProperty('location')
    })

    test('a handler of errors that fails as well is not the end', async () => {
      const answer = await answerOf((_req, res) => res.end('signed in'), {
        guarded,
        onError: () => Promise.reject(new Error('again')),
      })

      expect(answer).toMatchObject({ status: 503, body: 'Service Unavailable\n' })
    })

    test('what the handler still sends goes nowhere', async () => {
      const answer = await answerOf(
        async (_req, res) => {
          res.write('signed in')
          await pause(60)
          res.write('more')
          res.end('most')
          res.flushHeaders()
        },
        { guarded },
      )

      expect(answer).toMatchObject({ status: 503, body: 'Service Unavailable\n' })
    })
  })

  test('mistakes are told the developer, once; an outage is in the course of things', async () => {
    const told = vi.fn()
    const invalid = new SessionDataError('data.basket is no list', { code: 'ERR_DATA_INVALID' })
    const quiet = new NodeFailures(undefined, told)
    for (const error of [invalid, invalid, away]) {
      const origin = await serve((_req, res) => {
        guardResponse(
          res,
          exchange(() => Promise.reject(error)),
          quiet,
        )
        res.end('x')
      })
      await ask(origin)
    }

    expect(told.mock.calls).toEqual([[invalid]])
  })

  test('JSON is answered to those who ask for it', async () => {
    const ended = new SessionStateError('x', { code: 'ERR_SESSION_ENDED', status: 401 })
    const answer = await answerOf((_req, res) => res.end('x'), {
      guarded: exchange(() => Promise.reject(ended)),
      ask: { headers: { accept: 'application/json' } },
    })

    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.body)).toEqual({ status: 401, error: 'Unauthorized' })
  })

  test('headers that Node refuses, held and made again, are a failure as well', async () => {
    const answer = await answerOf((_req, res) => res.writeHead(200, { 'x-bad': 'a\r\nb' }).end('x'), {
      guarded: exchange(() => pause()),
    })

    expect(answer.status).toBe(500)
  })

  test('headers that Node refuses at once are thrown at the handler, who can still answer with the cookie', async () => {
    const answer = await answerOf((_req, res) => {
      try {
        res.writeHead(200, { 'x-bad': 'a\r\nb' })
      } catch {
        res.writeHead(500).end('sorry')
      }
    })

    expect(answer).toMatchObject({ status: 500, body: 'sorry', setCookies: ['sjn=ours'] })
  })

  test('a response whose headers went around the guard is cut off rather than sent without its session', async () => {
    const answer = answerOf((_req, res) => {
      guardOf(res)!.original.writeHead.call(res, 200)
      res.end('x')
    })

    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('beside other middleware that replaces the same methods', () => {
  /** As the compression package does it: `write`, `end` and `on` replaced, headers decided when `writeHead` is called. */
  function compress(res: ServerResponse): void {
    const gzip = createGzip()
    const { write, end, on, writeHead } = res
    let isStarted = false
    let isEnded = false
    const listeners: [string, (...args: unknown[]) => void][] = []
    res.writeHead = function (this: ServerResponse, ...args: Parameters<typeof writeHead>) {
      if (!isStarted) {
        isStarted = true
        res.setHeader('Content-Encoding', 'gzip')
        res.removeHeader('Content-Length')
        for (const [type, listener] of listeners) gzip.on(type, listener)
        gzip.on('data', (chunk) => {
          if (write.call(res, chunk, 'utf8') === false) gzip.pause()
        })
        gzip.on('end', () => (end as () => unknown).call(res))
        on.call(res, 'drain', () => gzip.resume())
      }
      return writeHead.apply(this, args)
    } as typeof writeHead
    res.write = ((chunk: string) => {
      if (isEnded) return false
      if (!res.headersSent) res.writeHead(res.statusCode)
      return gzip.write(chunk)
    }) as typeof write
    res.end = ((chunk?: string) => {
      if (isEnded) return res
      if (!res.headersSent) res.writeHead(res.statusCode)
      isEnded = true
      gzip.end(chunk)
      return res
    }) as typeof end
    res.on = ((type: string, listener: (...args: unknown[]) => void) => {
      if (type !== 'drain') return on.call(res, type, listener)
      if (isStarted) gzip.on(type, listener)
      else listeners.push([type, listener])
      return res
    }) as typeof on
  }

  async function compressed(
    order: 'in front' | 'behind',
    guarded: GuardedExchange,
    handler: Listener,
  ): Promise<{ answer: Answer; text: string }> {
    const chunks: Buffer[] = []
    const origin = await serve((req, res) => {
      if (order === 'in front') compress(res)
      guardResponse(res, guarded, failures)
      if (order === 'behind') compress(res)
      return handler(req, res)
    })
    const answer = await ask(origin)
    const response = await fetch(origin)
    chunks.push(Buffer.from(await response.arrayBuffer()))
    return { answer, text: Buffer.concat(chunks).toString() }
  }

  describe.each(['in front', 'behind'] as const)('compression %s of us', (order) => {
    test.each(kinds)('compresses a response whose session is committed %s', async (_kind, make) => {
      const { answer, text } = await compressed(order, make(), (_req, res) => {
        res.write('hello ')
        res.end('world')
      })

      expect(answer.headers['content-encoding']).toBe('gzip')
      expect(answer.setCookies).toEqual(['sjn=ours'])
      expect(text).toBe('hello world')
    })

    test.each(kinds)('compresses a long stream whose session is committed %s', async (_kind, make) => {
      const parts = Array.from({ length: 100 }, (_, i) => String(i % 10).repeat(20_000))

      const { text } = await compressed(order, make(), (_req, res) => pipeline(Readable.from(parts), res))

      expect(text).toHaveLength(2_000_000)
    })

    test('does not touch the answer to a failure', async () => {
      const failing = exchange(() => pause().then(() => Promise.reject(away)))
      const origin = await serve((_req, res) => {
        if (order === 'in front') compress(res)
        guardResponse(res, failing, failures)
        if (order === 'behind') compress(res)
        res.write('signed ')
        res.end('in')
      })
      const response = await fetch(origin)

      expect(response.status).toBe(503)
      expect(await response.text()).toBe('Service Unavailable\n')
    })
  })
})

test('two guards on one response are one: both sessions are committed before it leaves', async () => {
  const second: GuardedExchange = {
    ...exchange(() => pause()),
    apply: (target) => target.replaceSetCookies([...target.setCookies(), 'admin=theirs']),
  }
  const answer = await answerOf((_req, res) => {
    guardOf(res)!.exchanges.push(second)
    res.end('x')
  })

  expect(answer.setCookies).toEqual(['sjn=ours', 'admin=theirs'])
})
