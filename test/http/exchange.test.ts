import { createSessions, minutes, type Session, type Sessions } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { type FakeClock, fakeClock } from 'sojourn/testing'
import { describe, expect, test } from 'vitest'
import type { HeaderTarget } from '../../src/http/cache-headers.ts'
import { Exchange } from '../../src/http/exchange.ts'
import { type HttpOptions, SessionHttp } from '../../src/http/http-options.ts'
import type { NativeFacts } from '../../src/http/request-facts.ts'
import { testKey } from './support/keys.ts'

type Given = Partial<Omit<NativeFacts<string>, 'header'>> & { headers?: Record<string, string> }

function facts({ headers = {}, ...given }: Given = {}): NativeFacts<string> {
  const defaults = {
    method: 'GET',
    request: 'GET /',
    isEncrypted: true,
    peer: undefined,
    host: 'shop.example',
    authority: 'shop.example',
    path: '/',
  }
  return { ...defaults, header: (name) => headers[name], ...given }
}

/** Headers of a response, kept in a `Headers`. */
function target(given: Record<string, string> = {}): HeaderTarget & { all: Headers } {
  const all = new Headers(given)
  return {
    all,
    get: (name) => all.get(name) ?? undefined,
    set: (name, value) => all.set(name, value),
    setCookies: () => all.getSetCookie(),
    replaceSetCookies: (lines) => {
      all.delete('Set-Cookie')
      for (const line of lines) all.append('Set-Cookie', line)
    },
  }
}

interface Service {
  sessions: Sessions
  clock: FakeClock
  http: SessionHttp<Record<string, unknown>, string>
}

function service(options: HttpOptions<string> = {}): Service {
  const clock = fakeClock()
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), clock })
  return { sessions, clock, http: new SessionHttp(sessions, options) }
}

/** One request: what the handler does, and the headers it leaves. */
async function exchangeOf(
  { http }: Service,
  given: Given,
  handle: (session: Session) => unknown = () => {},
  headers: Record<string, string> = {},
): Promise<Headers> {
  const exchange = new Exchange(http, facts(given))
  await handle(await exchange.read())
  await exchange.commit()
  const answer = target(headers)
  exchange.apply(answer)
  return answer.all
}

const signIn = (session: Session): Promise<void> => session.signIn({ subject: 'ada', method: 'pwd' })
const cookieOf = (headers: Headers): { cookie: string } => ({ cookie: headers.getSetCookie()[0]!.split(';')[0]! })

describe('a response that carries our cookie', () => {
  test('is never stored, though the handler never looked at the session: its token was due for renewal', async () => {
    const site = service()
    const headers = cookieOf(await exchangeOf(site, {}, signIn))
    site.clock.advance(minutes(20))

    const renewed = await exchangeOf(site, { headers }, undefined, { 'Cache-Control': 'public, max-age=60' })

    expect(renewed.getSetCookie()).toEqual([expect.stringMatching(/^__Host-sjn=sjn1_/)])
    expect(renewed.get('Cache-Control')).toBe('no-store')
  })
})

describe('Clear-Site-Data at logout', () => {
  test('is the application’s own, where it has one', async () => {
    const headers = await exchangeOf(service(), {}, (session) => session.signOut(), { 'Clear-Site-Data': '"cookies"' })

    expect(headers.get('Clear-Site-Data')).toBe('"cookies"')
  })

  // CSD-2: data is cleared after cookies are set, so the new session would be gone with the old one.
  test.each([['cookies'], ['*']] as const)(
    'is held back where %j would take the cookie of a new session with it',
    async (kind) => {
      const site = service({ clearSiteData: [kind] })

      const again = await exchangeOf(site, {}, async (session) => {
        await session.signOut()
        await signIn(session)
      })
      const out = await exchangeOf(site, {}, (session) => session.signOut())

      expect(again.has('Clear-Site-Data')).toBe(false)
      expect(out.get('Clear-Site-Data')).toBe(`"${kind}"`)
    },
  )

  test('is not sent where it is switched off', async () => {
    const headers = await exchangeOf(service({ clearSiteData: false }), {}, (session) => session.signOut())

    expect(headers.has('Clear-Site-Data')).toBe(false)
  })
})

describe('what core is told of a request', () => {
  test('the device is a name, never the user agent', async () => {
    const site = service()
    const headers = { 'user-agent': 'Mozilla/5.0 (Windows NT 10.0) Firefox/143.0 <script>' }

    await exchangeOf(site, { headers }, signIn)

    expect((await site.sessions.list('ada'))[0]!.device).toBe('Firefox on Windows')
  })

  test('no session starts on a channel that is not safe, whoever asks', async () => {
    const site = service()
    const refused = expect.objectContaining({ code: 'ERR_TRANSPORT_INSECURE' })

    await expect(exchangeOf(site, { isEncrypted: false }, signIn)).rejects.toEqual(refused)
    await expect(
      exchangeOf(site, { isEncrypted: false }, (session) => Object.assign(session.data as object, { a: 1 })),
    ).rejects.toEqual(refused)
    await expect(
      exchangeOf(site, { isEncrypted: false }, (session) => session.update((data) => void Object.assign(data, { a: 1 }))),
    ).rejects.toEqual(refused)
    expect(await site.sessions.list('ada')).toEqual([])
  })
})

test('a token that should be sent over a channel that is not safe stays here, even if core let it start', async () => {
  const site = service()
  const started = await site.sessions.signIn({ subject: 'ada', method: 'pwd' })
  site.sessions.anonymous = () => started
  const exchange = new Exchange(site.http, facts({ isEncrypted: false }))
  exchange.read()
  await exchange.commit()
  const answer = target()

  expect(() => exchange.apply(answer)).toThrow(expect.objectContaining({ code: 'ERR_TRANSPORT_INSECURE' }))
  expect([...answer.all]).toEqual([])
})
