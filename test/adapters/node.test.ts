import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createSessions, type Session, type Sessions } from 'sojourn'
import { nodeSession, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { faultyStore } from 'sojourn/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { ask, serve, testCertificate } from '../http/support/servers.ts'
import { Browser } from '../matrix/browser.ts'

const service = (): Sessions => createSessions({ store: memoryStore(), keys: testKey() })
const signIn = (session: Session): Promise<void> => session.signIn({ subject: 'ada', method: 'pwd' })

test('a request without a cookie gets its session without a promise', async () => {
  const opened: unknown[] = []
  const open = nodeSession(service())
  const origin = await serve(
    (req, res) => {
      opened.push(open(req, res))
      res.end()
    },
    { tls: true },
  )

  await ask(origin)
  await ask(origin, { headers: { cookie: 'theme=dark' } })

  expect(opened.map((session) => session instanceof Promise)).toEqual([false, false])
})

test('asked twice for one request, it gives the same session, also while the first is being read', async () => {
  const open = nodeSession(service())
  const same: boolean[] = []
  const origin = await serve(
    async (req, res) => {
      const [first, second] = await Promise.all([open(req, res), open(req, res)])
      same.push(first === second, first === (await open(req, res)))
      await signIn(first)
      res.end()
    },
    { tls: true },
  )
  const browser = new Browser(origin)

  await browser.get('/')
  const answer = await browser.get('/')

  expect(same).toEqual([true, true, true, true])
  expect(answer.setCookies).toHaveLength(1)
})

test('two services share a response, each with its own cookie', async () => {
  const people = nodeSession(service())
  const staff = nodeSession(service(), { cookie: { name: '__Host-staff' } })
  const origin = await serve(
    async (req, res) => {
      const [person, employee] = [await people(req, res), await staff(req, res)]
      if (req.url === '/login') {
        await signIn(person)
        await employee.signIn({ subject: 'grace', method: 'pwd' })
      }
      res.end(`${person.subject} ${employee.subject}`)
    },
    { tls: true },
  )
  const browser = new Browser(origin)

  const answer = await browser.get('/login')

  expect(answer.setCookies.map((line) => line.split('=')[0])).toEqual(['__Host-sjn', '__Host-staff'])
  expect((await browser.get('/')).body).toBe('ada grace')
})

test('once the answer has begun, signing in is refused in words', async () => {
  const caught: unknown[] = []
  const listener = withSession(service(), async (_req, res, session) => {
    res.write('begun')
    await signIn(session).catch((error: unknown) => caught.push(error))
    res.end()
  })
  const origin = await serve(listener, { tls: true })

  const answer = await ask(origin)

  expect(answer).toMatchObject({ body: 'begun', setCookies: [] })
  expect(caught).toEqual([expect.objectContaining({ code: 'ERR_SESSION_COMMITTED' })])
})

test('a mistake of the handler is answered, and thrown on as a bare listener would', async () => {
  const mistake = new Error('a mistake')
  const thrown: unknown[] = []
  const handlers = [
    () => {
      throw mistake
    },
    () => Promise.reject(mistake),
  ]
  for (const handler of handlers) {
    const listener = withSession(service(), handler)
    const origin = await serve((req, res) => Promise.resolve(listener(req, res)).catch((error: unknown) => thrown.push(error)), {
      tls: true,
    })

    expect(await ask(origin)).toMatchObject({ status: 500, body: 'Internal Server Error\n' })
  }

  expect(thrown).toEqual([mistake, mistake])
})

test('misuse that a stranger can cause is warned of once, and crashes nothing', async () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => void warning.mockRestore())
  const listener = withSession(service(), async (_req, res, session) => {
    await signIn(session)
    res.end('in')
  })
  const origin = await serve(listener)

  const answers = [await ask(origin), await ask(origin)]

  expect(answers.map(({ status }) => status)).toEqual([500, 500])
  expect(warning.mock.calls).toEqual([[expect.objectContaining({ code: 'ERR_TRANSPORT_INSECURE' })]])
})

test('a mistake in the middle of an answer ends the connection: nobody can answer twice', async () => {
  const listener = withSession(service(), (_req, res) => {
    res.write('half')
    throw new Error('a mistake')
  })
  const origin = await serve((req, res) => Promise.resolve(listener(req, res)).catch(() => {}), { tls: true })

  await expect(ask(origin)).rejects.toThrow(/aborted|hang up|reset/i)
})

test('onError answers whatever goes wrong, before and after the handler', async () => {
  const store = faultyStore(memoryStore())
  const sessions = createSessions({ store, keys: testKey() })
  const onError = vi.fn((_error: unknown, _req: IncomingMessage, res: ServerResponse) => res.writeHead(503).end('Back soon'))
  const listener = withSession(
    sessions,
    async (req, res, session) => {
      if (req.url === '/login') await signIn(session)
      else if (req.url === '/mistake') throw new Error('a mistake')
      else session.data.note = 'x'
      res.end('done')
    },
    { onError },
  )
  const origin = await serve(listener, { tls: true })
  const browser = new Browser(origin)
  await browser.get('/login')

  store.setFaults({ read: { kind: 'error' } })
  const reading = await browser.get('/')
  store.setFaults({ update: { kind: 'error' } })
  const writing = await browser.get('/')
  store.setFaults({})
  const mistaken = await browser.get('/mistake')

  for (const answer of [reading, writing, mistaken]) expect(answer).toMatchObject({ status: 503, body: 'Back soon' })
  expect(onError).toHaveBeenCalledTimes(3)
})

test('behind a proxy that ends TLS, X-Forwarded-Proto counts from the proxies on the list', async () => {
  const handler = async (_req: IncomingMessage, res: ServerResponse, session: Session) => {
    await signIn(session)
    res.end('in')
  }
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9', host: 'shop.example' }
  const trusted = await serve(withSession(service(), handler, { trustedProxies: ['loopback'] }))
  const stranger = await serve(
    withSession(service(), handler, { trustedProxies: ['203.0.113.1'], onError: (error, _req, res) => res.end(String(error)) }),
  )

  expect((await ask(trusted, { headers })).setCookies).toEqual([expect.stringMatching(/^__Host-sjn=.*; Secure/)])
  expect((await ask(stranger, { headers })).body).toMatch(/TransportError: .*X-Forwarded-Proto.*trustedProxies/)
})

test('HTTP/2 works through the compatibility API', async () => {
  const listener = withSession(service(), async (req, res, session) => {
    if (req.url === '/login') await signIn(session)
    res.end(String(session.subject))
  })
  const server = createSecureServer(
    testCertificate(),
    (req, res) => void listener(req as unknown as IncomingMessage, res as unknown as ServerResponse),
  )
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const client = connect(`https://localhost:${(server.address() as AddressInfo).port}`, { rejectUnauthorized: false })
  onTestFinished(() => {
    client.close()
    server.close()
  })
  const get = async (headers: Record<string, string>) => {
    const stream = client.request(headers)
    const [received] = await once(stream, 'response')
    stream.setEncoding('utf8')
    let body = ''
    for await (const chunk of stream) body += chunk
    return { received, body }
  }

  const login = await get({ ':path': '/login' })
  const cookie = (login.received['set-cookie'] as string[])[0]!.split(';')[0]!
  const again = await get({ ':path': '/', cookie })

  expect(cookie).toMatch(/^__Host-sjn=sjn1_/)
  expect(again.body).toBe('ada')
})
