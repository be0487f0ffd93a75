import { createSessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { withSession } from 'sojourn/web'
import { describe, expect, it } from 'vitest'
import { networkOf } from '../../src/http/network.ts'
import { testKey } from './support/keys.ts'

describe('the network of an address', () => {
  it.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:7:8:9::1', '2001:db8:7::/48'],
    ['::1', '::/48'],
    ['127.0.0.1', '127.0.0.0/24'],
    ['unknown', undefined],
    ['203.0.113.77:8080', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j it is %j', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('a session that starts in a request', () => {
  const networkAfterSignIn = async (recordsNetwork: boolean) => {
    const sessions = createSessions({ store: memoryStore(), keys: testKey(), recordsNetwork })
    let asked = 0
    const serve = withSession(
      sessions,
      async (request, session) => {
        if (new URL(request.url).pathname === '/sign-in') await session.signIn({ subject: 'ada', method: 'pwd' })
        return new Response()
      },
      {
        clientAddress: () => {
          asked += 1
          return '203.0.113.77'
        },
      },
    )
    await serve(new Request('https://shop.example/'))
    expect(asked).toBe(0)
    await serve(new Request('https://shop.example/sign-in'))
    const [session] = await sessions.list('ada')
    const { sessions: found } = await sessions.query({ network: '203.0.113.0/24' })
    return { network: session!.network, found: found.length, asked }
  }

  it('keeps the network it came from, and is found by it; no other request is asked for one', async () => {
    expect(await networkAfterSignIn(true)).toEqual({ network: '203.0.113.0/24', found: 1, asked: 1 })
  })

  it('keeps none with recordsNetwork: false', async () => {
    expect(await networkAfterSignIn(false)).toEqual({ network: undefined, found: 0, asked: 0 })
  })
})
