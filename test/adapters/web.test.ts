import { createSessions, type Sessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { faultyStore } from 'sojourn/testing'
import { withSession } from 'sojourn/web'
import { expect, test, vi } from 'vitest'
import { testKey } from '../http/support/keys.ts'

const URL_OF_SITE = 'https://shop.example/'
const service = (): Sessions => createSessions({ store: memoryStore(), keys: testKey() })

async function signedIn(sessions: Sessions): Promise<Request> {
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const { token } = await session.commit()
  return new Request(URL_OF_SITE, { headers: { cookie: `__Host-sjn=${token}` } })
}

test('a constant response that goes to everybody gets nobody’s cookie', async () => {
  const shared = new Response(null, { status: 204 })
  const handle = withSession(service(), async (_request, session) => {
    await session.signIn({ subject: 'ada', method: 'pwd' })
    return shared
  })

  const [first, second] = [await handle(new Request(URL_OF_SITE)), await handle(new Request(URL_OF_SITE))]

  expect(first.headers.getSetCookie()).toHaveLength(1)
  expect(second.headers.getSetCookie()).toHaveLength(1)
  expect(shared.headers.getSetCookie()).toEqual([])
})

test('a response without need for change is handed through as it is', async () => {
  const own = new Response('x')
  const handle = withSession(service(), () => own)

  expect(await handle(new Request(URL_OF_SITE))).toBe(own)
})

test('responses with immutable headers, such as redirects, carry the cookie', async () => {
  const handle = withSession(service(), async (_request, session) => {
    await session.signIn({ subject: 'ada', method: 'pwd' })
    return Response.redirect(`${URL_OF_SITE}me`, 303)
  })

  const response = await handle(new Request(URL_OF_SITE))

  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toBe(`${URL_OF_SITE}me`)
  expect(response.headers.getSetCookie()).toHaveLength(1)
})

test('a redirect that is thrown, as some frameworks do, carries the cookie as well', async () => {
  const handle = withSession(service(), async (_request, session) => {
    await session.signIn({ subject: 'ada', method: 'pwd' })
    throw Response.redirect(`${URL_OF_SITE}me`, 303)
  })

  expect((await handle(new Request(URL_OF_SITE))).headers.getSetCookie()).toHaveLength(1)
})

test('the application’s several cookies stay several', async () => {
  const handle = withSession(service(), (_request, session) => {
    session.data.note = 'x'
    return new Response('x', {
      headers: [
        ['set-cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT'],
        ['set-cookie', 'b=2'],
      ],
    })
  })

  const response = await handle(new Request(URL_OF_SITE))

  expect(response.headers.getSetCookie()).toEqual([
    'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT',
    'b=2',
    expect.stringMatching(/^__Host-sjn=/),
  ])
})

test('what the handler throws goes on, and nothing it changed is kept', async () => {
  const store = faultyStore(memoryStore())
  const sessions = createSessions({ store, keys: testKey() })
  const mistake = new Error('a mistake')
  const handle = withSession(sessions, (_request, session) => {
    session.data.note = 'x'
    throw mistake
  })

  await expect(handle(new Request(URL_OF_SITE))).rejects.toBe(mistake)
  expect(store.calls).toEqual([])
})

test('onError answers in place of the default', async () => {
  const store = faultyStore(memoryStore())
  const sessions = createSessions({ store, keys: testKey() })
  const request = await signedIn(sessions)
  store.setFaults({ read: { kind: 'error' } })
  const onError = vi.fn(() => new Response('Back soon', { status: 503 }))

  const response = await withSession(sessions, () => new Response('x'), { onError })(request)

  expect(await response.text()).toBe('Back soon')
  expect(onError).toHaveBeenCalledWith(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }), request)
})

test('arguments of the platform follow the session', async () => {
  const handle = withSession(
    service(),
    (_request, _session, env: { name: string }, count: number) => new Response(env.name.repeat(count)),
  )

  const response = await handle(new Request(URL_OF_SITE), { name: 'ab' }, 2)

  expect(await response.text()).toBe('abab')
})

// An asynchronous function, or the header itself: whatever was said, it was not `true`, and a token would cross the network readable.
test.each([Promise.resolve(false), Promise.resolve(true), 'http', 'https', 1, {}])(
  'isSecure that says %o says nothing',
  async (said) => {
    const handle = withSession(
      service(),
      async (_request, session) => {
        await session.signIn({ subject: 'ada', method: 'pwd' })
        return new Response('in')
      },
      { isSecure: () => said as never, onError: (error) => new Response((error as { code: string }).code, { status: 500 }) },
    )
    const response = await handle(new Request('http://shop.example/'))

    expect([await response.text(), response.headers.getSetCookie()]).toEqual(['ERR_TRANSPORT_INSECURE', []])
  },
)

test('isSecure says what the URL cannot, behind a proxy that ends TLS', async () => {
  const request = new Request('http://shop.internal/', { headers: { 'x-own-proxy': 'tls' } })
  const handle = withSession(
    service(),
    async (_request, session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return new Response('x')
    },
    { isSecure: ({ headers }) => headers.get('x-own-proxy') === 'tls' },
  )

  const response = await handle(request)

  expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sjn=.*Secure/)])
})

test('polling that is no activity does not keep a session alive', async () => {
  const store = faultyStore(memoryStore())
  let now = Date.UTC(2026, 0, 1)
  const sessions = createSessions({ store, keys: testKey(), clock: () => now })
  const request = await signedIn(sessions)
  now += 10 * 60_000
  const options = { isActivity: ({ url }: Request) => !url.endsWith('/poll') }
  const handle = withSession(sessions, (_request, session) => new Response(session.subject), options)

  await handle(new Request(`${URL_OF_SITE}poll`, request))
  const afterPoll = store.calls.filter((call) => call === 'update').length
  await handle(request)
  const afterVisit = store.calls.filter((call) => call === 'update').length

  expect(afterPoll).toBe(0)
  expect(afterVisit).toBe(1)
})
