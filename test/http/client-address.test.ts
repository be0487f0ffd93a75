import { createSessions } from 'sojourn'
import { withSession as onNode } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { withSession as onWeb } from 'sojourn/web'
import { expect, it, test } from 'vitest'
import type { RequestGuard } from '../../src/http/request-guard.ts'
import { testKey } from './support/keys.ts'
import { ask, serve } from './support/servers.ts'

/** What a guard is told of the client at sign-in. */
function spy() {
  const clients: (string | undefined)[] = []
  const guard: RequestGuard = {
    name: 'spy',
    attach: () => {},
    inspect: () => {},
    notesAtStart: (request) => void clients.push(request.clientAddress, request.clientAddress),
  }
  return { clients, guards: [guard] }
}
const service = () => createSessions({ store: memoryStore(), keys: testKey() })

/** Deno hands its fetch handlers something like it. */
interface Info {
  readonly remoteAddr: { readonly hostname: string }
}

async function addressOnWeb(stated: string | undefined): Promise<string | undefined> {
  const { clients, guards } = spy()
  const serveShop = onWeb(
    service(),
    async (_request, session, _info: Info) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return new Response()
    },
    { guards, clientAddress: (_request, info) => (stated === undefined ? undefined : info.remoteAddr.hostname) },
  )
  await serveShop(new Request('https://shop.example/'), { remoteAddr: { hostname: String(stated) } })
  expect(clients).toHaveLength(2)
  expect(clients[0]).toBe(clients[1])
  return clients[0]
}

it.each([
  ['203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['2001:DB8:0::1', '2001:db8::1'],
  ['shop.example', undefined],
  ['203.0.113.9, 198.51.100.7', undefined],
  ['', undefined],
  ['9'.repeat(10_000), undefined],
  [undefined, undefined],
])('on sojourn/web the application tells it, with the platform’s own arguments at hand: %j', async (stated, client) => {
  expect(await addressOnWeb(stated)).toBe(client)
})

test('untold, nobody knows it there, whatever a header says', async () => {
  const { clients, guards } = spy()
  const serveShop = onWeb(
    service(),
    async (_request, session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      return new Response()
    },
    { guards },
  )
  await serveShop(new Request('https://shop.example/', { headers: { 'x-forwarded-for': '203.0.113.9' } }))

  expect(clients).toEqual([undefined, undefined])
})

it.each([null, 0, Promise.resolve('203.0.113.9'), ['203.0.113.9']])(
  'on sojourn/web it is unknown where the application says %o',
  async (said) => {
    const { clients, guards } = spy()
    const serveShop = onWeb(
      service(),
      async (_request, session) => {
        await session.signIn({ subject: 'ada', method: 'pwd' })
        return new Response()
      },
      { guards, clientAddress: () => said as never },
    )
    await serveShop(new Request('https://shop.example/'))

    expect(clients).toEqual([undefined, undefined])
  },
)

it.each([
  [{}, '127.0.0.1'],
  [{ trustedProxies: ['10.0.0.0/8'] }, '127.0.0.1'],
  [{ trustedProxies: ['loopback'] }, '203.0.113.9'],
])('on sojourn/node with %j it is %s', async (options, client) => {
  const { clients, guards } = spy()
  const listener = onNode(
    service(),
    async (_req, res, session) => {
      await session.signIn({ subject: 'ada', method: 'pwd' })
      res.end()
    },
    { guards, ...options },
  )
  await ask(await serve(listener, { tls: true }), { headers: { 'x-forwarded-for': ['198.51.100.7', '203.0.113.9'] } })

  expect(clients).toEqual([client, client])
})
