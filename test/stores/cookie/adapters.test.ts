// Sealed cookies through real HTTPS servers and a browser's jar, on every adapter.
import { createSessions, minutes } from 'sojourn'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { fakeClock, faultyStore } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { testKey } from '../../http/support/keys.ts'
import { serve } from '../../http/support/servers.ts'
import { type App, adapters } from '../../matrix/adapters.ts'
import { Browser } from '../../matrix/browser.ts'
import { noise } from './support.ts'

const app: App = async ({ path }, session) => {
  const length = /^\/write\/(\d+)$/.exec(path)?.[1]
  if (length !== undefined) session.data.note = noise(Number(length))
  if (path === '/login') await session.signIn({ subject: 'ada', method: 'pwd', keep: ['note'] })
  if (path === '/remember') await session.signIn({ subject: 'ada', method: 'pwd', keep: ['note'], isPersistent: true })
  if (path === '/logout') await session.signOut()
  if (path === '/public') return { headers: { 'cache-control': 'public, max-age=60' }, body: 'for everybody' }
  if (path === '/streamed') {
    session.data.note = noise(5000)
    return {
      body: (async function* () {
        for (let i = 0; i < 20; i++) yield `${i} `.repeat(1000)
      })(),
    }
  }
  return { body: JSON.stringify({ subject: session.subject ?? null, length: session.data.note.length }) }
}

describe.each(Object.entries(adapters))('%s', (_name, listen) => {
  async function site() {
    const clock = fakeClock()
    const ledger = faultyStore(memoryStore())
    const sessions = createSessions({
      store: cookieStore({ ledger, maxLength: 15_000 }),
      keys: testKey(),
      clock,
      data: z.object({ items: z.record(z.string(), z.number()).default({}), note: z.string().default('') }),
    })
    const origin = await serve(listen(sessions, app), { tls: true })
    const browser = new Browser(origin)
    const names = () => browser.jar.cookies(origin).map(({ name }) => name)
    const me = async () => JSON.parse((await browser.get('/me')).body) as { subject: string | null; length: number }
    return { clock, ledger, browser, names, me }
  }

  it('a session grows to four cookies, shrinks to one, and is gone after sign-out', async () => {
    const { browser, names, me } = await site()
    await browser.post('/login')
    const seen: unknown[] = []
    for (const length of [20, 4000, 9000, 13_500, 5000, 20]) {
      const { status } = await browser.post(`/write/${length}`)
      seen.push([status, (await me()).length === length, names().length])
    }
    await browser.post('/write/13500')
    await browser.post('/logout')

    // Text of 64 different letters compresses by a quarter.
    expect(seen).toEqual([
      [200, true, 1],
      [200, true, 2],
      [200, true, 3],
      [200, true, 4],
      [200, true, 2],
      [200, true, 1],
    ])
    expect([names(), await me()]).toEqual([[], { subject: null, length: 0 }])
  })

  it('what is too long for the cookie is 413, sets nothing and changes nothing', async () => {
    const { browser, me } = await site()
    await browser.post('/login')
    await browser.post('/write/100')
    const answer = await browser.post('/write/60000')

    expect([answer.status, answer.setCookies, await me()]).toEqual([413, [], { subject: 'ada', length: 100 }])
  })

  it('every part has the same attributes, and a session that lasts says how long on each', async () => {
    const { browser } = await site()
    await browser.post('/write/9000')
    const { setCookies } = await browser.post('/remember')
    const attributes = setCookies.map((line) => line.slice(line.indexOf(';')))

    expect([setCookies.length, new Set(attributes).size]).toEqual([3, 1])
    expect(attributes[0]).toMatch(/^; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=43200; Expires=/)
  })

  it('reading sets nothing; activity does, once it is due, and keeps the session alive', async () => {
    const { browser, clock, me } = await site()
    await browser.post('/login')
    const atOnce = await browser.get('/me')
    const answers: (string | null)[] = []
    for (let i = 0; i < 4; i++) {
      clock.advance(minutes(20))
      answers.push((await me()).subject)
    }

    expect([atOnce.setCookies, answers]).toEqual([[], ['ada', 'ada', 'ada', 'ada']])
  })

  it('a page for everybody stays cacheable', async () => {
    const { browser } = await site()
    await browser.post('/login')
    const { headers, setCookies } = await browser.get('/public')

    expect([headers['cache-control'], headers.vary, setCookies]).toEqual(['public, max-age=60', undefined, []])
  })

  it('the cookies leave before the first byte of a stream', async () => {
    const { browser, names, me } = await site()
    await browser.post('/login')
    await browser.get('/streamed')

    expect([names().length, (await me()).length]).toEqual([2, 5000])
  })

  it('the ledger away: 503, and the cookies stay', async () => {
    const { browser, ledger, names, me } = await site()
    await browser.post('/login')
    await browser.post('/write/5000')
    const before = names()
    ledger.setFaults({ all: { kind: 'error' } })
    const answers = [await browser.get('/me'), await browser.post('/logout'), await browser.post('/write/1')]
    const during = names()
    ledger.setFaults({})

    expect(answers.map(({ status, setCookies }) => [status, setCookies])).toEqual(Array(3).fill([503, []]))
    expect([before, during, await me()]).toEqual([during, before, { subject: 'ada', length: 5000 }])
  })
})
