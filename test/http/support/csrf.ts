/** One request to a site under given rules, and what becomes of it; nothing is sent anywhere. */
import { createSessions, isSojournError, type Policy, type Session, type SojournEvent } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { type FakeClock, type FaultyStore, fakeClock, faultyStore } from 'sojourn/testing'
import type { HeaderTarget } from '../../../src/http/cache-headers.ts'
import { Exchange } from '../../../src/http/exchange.ts'
import { type HttpOptions, SessionHttp } from '../../../src/http/http-options.ts'
import type { NativeFacts } from '../../../src/http/request-facts.ts'
import { testKey } from './keys.ts'

export interface Given {
  method?: string
  sentMethod?: string
  headers?: Record<string, string>
  path?: string
  authority?: string | undefined
  isEncrypted?: boolean
  isUpgrade?: boolean
  /** What a body parser left. */
  body?: unknown
}

export interface CsrfSite {
  readonly store: FaultyStore
  readonly clock: FakeClock
  readonly events: SojournEvent[]
  readonly sessions: ReturnType<typeof createSessions>
  /** The rule that refused the request; else `anonymous`, or whose it is. */
  outcome(given: Given): Promise<string>
  /** What the handler gave and the answer's headers. */
  ask<T>(given: Given, handle: (session: Session) => T | Promise<T>): Promise<{ result: T; headers: Headers; cookie: string }>
  /** A `Cookie` header of somebody who is signed in. */
  signedIn(subject?: string): Promise<string>
}

export function csrfSite(options: HttpOptions<Given> = {}, policy: Policy = {}, keys: string | string[] = testKey()): CsrfSite {
  const store = faultyStore(memoryStore())
  const events: SojournEvent[] = []
  const clock = fakeClock()
  const sessions = createSessions({ store, keys, policy, clock, onEvent: (event) => events.push(event) })
  const field = (request: Given) => (request.body as Record<string, unknown> | undefined)?.csrf_token
  const http = new SessionHttp<Record<string, unknown>, Given>(sessions, options, undefined, field)

  function exchangeOf(given: Given): Exchange<Record<string, unknown>, Given> {
    const { method = 'POST', headers = {}, path = '/transfer', isEncrypted = true, isUpgrade = false } = given
    const authority = 'authority' in given ? given.authority : 'shop.example'
    const facts: NativeFacts<Given> = {
      request: given,
      method,
      sentMethod: given.sentMethod,
      isEncrypted,
      peer: undefined,
      host: authority?.replace(/:\d+$/, ''),
      authority,
      path,
      header: (name) => headers[name],
    }
    return new Exchange(http, facts, isUpgrade)
  }

  async function ask<T>(given: Given, handle: (session: Session) => T | Promise<T>) {
    const exchange = exchangeOf(given)
    const result = await handle(await exchange.read())
    await exchange.commit()
    const headers = new Headers()
    exchange.apply(targetOf(headers))
    const cookie = headers
      .getSetCookie()
      .map((line) => line.split(';')[0]!)
      .join('; ')
    return { result, headers, cookie }
  }

  return {
    store,
    clock,
    events,
    sessions,
    ask,
    async outcome(given) {
      const exchange = exchangeOf(given)
      try {
        const session = await exchange.read()
        return session.subject ?? 'anonymous'
      } catch (error) {
        // As adapters do before whatever answer they send.
        await exchange.commit()
        exchange.apply(targetOf(new Headers({ 'X-Refused': '1' })))
        if (isSojournError(error, 'ERR_CSRF_REFUSED')) return (error as unknown as { rule: string }).rule
        throw error
      }
    },
    async signedIn(subject = 'ada') {
      const own = { headers: { 'sec-fetch-site': 'same-origin' } }
      return (await ask(own, (session) => session.signIn({ subject, method: 'pwd' }))).cookie
    },
  }
}

function targetOf(headers: Headers): HeaderTarget {
  return {
    get: (name) => headers.get(name) ?? undefined,
    set: (name, value) => headers.set(name, value),
    setCookies: () => headers.getSetCookie(),
    replaceSetCookies: (lines) => {
      headers.delete('Set-Cookie')
      for (const line of lines) headers.append('Set-Cookie', line)
    },
  }
}
