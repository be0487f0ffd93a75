// All of it at once, over HTTP and in real time: a person signs in on the web, their app gets tokens bound to its key and calls a service on another server, which has no store
// and follows the issuer's feed. Then the person signs out in the browser.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions, minutes, seconds } from 'sojourn'
import { nodeSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { cookieJar, faultyStore } from 'sojourn/testing'
import { createTokens } from 'sojourn/tokens'
import { createTokenVerifier } from 'sojourn/tokens/verify'
import { expect, it, onTestFinished } from 'vitest'
import { KEY } from '../core/support.ts'
import { App } from './dpop/app.ts'

async function listening(): Promise<{ server: Server; origin: string; serve: (listener: RequestListener) => void }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { server, origin: `http://127.0.0.1:${port}`, serve: (listener) => void server.on('request', listener) }
}

const BUDGET = seconds(5)
const ORDERS = { id: 'orders', clientSecret: randomBytes(32).toString('base64url') }

/** The shop signs people in and grants tokens; the service is another server. */
async function world(store = memoryStore()) {
  const [shop, orders] = [await listening(), await listening()]
  const faulty = faultyStore(store)
  // Everybody's: time passes by itself, and leaps where a test wants it to.
  let ahead = 0
  const clock = () => Date.now() + ahead
  const sessions = createSessions({ store: faulty, keys: KEY, clock })
  const tokens = createTokens(sessions, {
    issuer: shop.origin,
    audience: orders.origin,
    dangerouslyAllowHttp: true,
    dpopNonce: 'required',
    clients: [
      { id: 'app', authentication: 'public', scopes: ['orders:read'] },
      { id: ORDERS.id, authentication: { clientSecret: ORDERS.clientSecret }, may: ['feed', 'introspect'] },
    ],
  })
  const open = nodeSession(sessions, { dangerouslyAllowHttp: true })
  async function site(request: IncomingMessage, response: ServerResponse): Promise<string> {
    const url = new URL(request.url!, shop.origin)
    const session = await open(request, response)
    if (url.pathname === '/login') await session.signIn({ subject: url.searchParams.get('as')!, method: 'pwd' })
    if (url.pathname === '/logout') await session.signOut()
    if (url.pathname !== '/app/tokens') return ''
    const jkt = url.searchParams.get('dpop_jkt')!
    return JSON.stringify(await tokens.grant(session, { clientId: 'app', scope: ['orders:read'], jkt }))
  }
  shop.serve((request, response) => {
    tokens.node(request, response, () => {
      site(request, response).then(
        (text) => response.end(text),
        (error: { status?: number; code?: string }) => response.writeHead(error.status ?? 500).end(error.code),
      )
    })
  })

  const verifier = createTokenVerifier({
    issuer: shop.origin,
    audience: orders.origin,
    client: ORDERS,
    origin: orders.origin,
    dpop: 'required',
    revokedWithin: BUDGET,
    requiredScopes: ['orders:read'],
    dangerouslyAllowHttp: true,
    clock,
  })
  orders.serve(async (request, response) => {
    const access = await verifier.node(request)
    if (access.state === 'refused') response.writeHead(access.status, access.headers).end()
    else response.end(access.claims.sub)
  })
  onTestFinished(async () => {
    verifier.close()
    await tokens.close()
    await store.close?.()
  })
  await until(() => verifier.status().feed === 'live')
  const leap = (milliseconds: number) => {
    ahead += milliseconds
  }
  return { shop, orders, sessions, tokens, verifier, store: faulty, clock, leap }
}
type World = Awaited<ReturnType<typeof world>>

/** A person at their browser. */
function browser({ shop }: World) {
  const jar = cookieJar()
  return async (path: string): Promise<string> => {
    const url = new URL(path, shop.origin)
    const headers = { cookie: jar.header(url) ?? '', 'sec-fetch-site': 'same-origin' }
    const response = await fetch(url, { method: 'POST', headers })
    jar.store(url, response.headers.getSetCookie())
    return response.text()
  }
}

/** An app that holds a key and tokens bound to it. */
class Phone extends App {
  readonly #world: World
  accessToken = ''
  refreshToken = ''
  #nonce: string | undefined

  constructor(world: World) {
    super()
    this.#world = world
  }

  take({ accessToken, refreshToken }: { readonly accessToken: string; readonly refreshToken: string }): void {
    Object.assign(this, { accessToken, refreshToken })
  }

  async call(): Promise<{ status: number; text: string }> {
    const { accessToken } = this
    const url = `${this.#world.orders.origin}/orders`
    const dpop = this.proof({ now: this.#world.clock(), method: 'GET', url, accessToken })
    const response = await fetch(url, { headers: { authorization: `DPoP ${accessToken}`, dpop } })
    return { status: response.status, text: await response.text() }
  }

  /** `good`, or the error. Takes the nonce it is told, once, as RFC 9449 has it. */
  async refresh(mayRepeat = true): Promise<string> {
    const url = `${this.#world.shop.origin}/oauth/token`
    const nonce = this.#nonce === undefined ? {} : { nonce: this.#nonce }
    const response = await fetch(url, {
      method: 'POST',
      headers: { dpop: this.proof({ now: this.#world.clock(), url, ...nonce }) },
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: this.refreshToken }),
    })
    this.#nonce = response.headers.get('dpop-nonce') ?? this.#nonce
    const body = (await response.json()) as Record<string, string>
    if (body.error === 'use_dpop_nonce' && mayRepeat) return this.refresh(false)
    if (response.status !== 200) return body.error!
    this.take({ accessToken: body.access_token!, refreshToken: body.refresh_token! })
    return 'good'
  }
}

/** Signed in on the web, with tokens on the phone. */
async function ownerOf(place: World, name: string) {
  const visit = browser(place)
  const phone = new Phone(place)
  await visit(`/login?as=${name}`)
  phone.take(JSON.parse(await visit(`/app/tokens?dpop_jkt=${phone.jkt}`)))
  return { visit, phone }
}

it('a person’s app works until they sign out on the web, and then nowhere, within the budget; another person’s goes on', async () => {
  const place = await world()
  const ada = await ownerOf(place, 'ada')
  const bob = await ownerOf(place, 'bob')
  const before = [await ada.phone.call(), await bob.phone.call()]
  const first = ada.phone.accessToken
  const refreshed = await ada.phone.refresh()
  const renewed = await ada.phone.call()

  await ada.visit('/logout')
  const signedOutAt = performance.now()
  await until(async () => (await ada.phone.call()).status === 401)
  const delay = performance.now() - signedOutAt

  expect(before).toEqual([
    { status: 200, text: 'ada' },
    { status: 200, text: 'bob' },
  ])
  expect([refreshed, renewed, ada.phone.accessToken === first]).toEqual(['good', { status: 200, text: 'ada' }, false])
  expect(delay).toBeLessThan(BUDGET)
  expect(await ada.phone.refresh()).toBe('invalid_grant')
  // Once refused, never served again; and the token of before the refresh is over as well.
  ada.phone.accessToken = first
  expect((await ada.phone.call()).status).toBe(401)
  expect([await bob.phone.call(), await bob.phone.refresh()]).toEqual([{ status: 200, text: 'bob' }, 'good'])
})

it('signing out everywhere ends the apps of that person alone', async () => {
  const place = await world()
  const [ada, tablet, bob] = [await ownerOf(place, 'ada'), await ownerOf(place, 'ada'), await ownerOf(place, 'bob')]
  await Promise.all([ada.phone.call(), tablet.phone.call(), bob.phone.call()])

  await place.sessions.revokeSubject('ada', { reason: 'password-changed' })
  await until(async () => (await ada.phone.call()).status === 401 && (await tablet.phone.call()).status === 401)

  expect([await ada.phone.refresh(), await tablet.phone.refresh()]).toEqual(['invalid_grant', 'invalid_grant'])
  expect((await bob.phone.call()).status).toBe(200)
})

it('a thief with both tokens gets nothing without the key, and their tries end nothing', async () => {
  const place = await world()
  const { phone } = await ownerOf(place, 'ada')
  const thief = new Phone(place)
  thief.take(phone)

  expect([(await thief.call()).status, await thief.refresh()]).toEqual([401, 'invalid_grant'])
  expect([(await phone.call()).status, await phone.refresh(), (await phone.call()).status]).toEqual([200, 'good', 200])
})

it('a thief with the key as well is found by the second use of a refresh token, and the session ends everywhere', async () => {
  const place = await world()
  const { phone, visit } = await ownerOf(place, 'ada')
  const stolen = phone.refreshToken
  for (let i = 0; i < 3; i++) expect(await phone.refresh()).toBe('good')
  const newest = phone.refreshToken
  place.leap(minutes(2))
  phone.refreshToken = stolen
  expect(await phone.refresh()).toBe('invalid_grant')
  phone.refreshToken = newest

  await until(async () => (await phone.call()).status === 401)
  expect(await phone.refresh()).toBe('invalid_grant')
  expect(await visit(`/app/tokens?dpop_jkt=${phone.jkt}`)).toBe('ERR_SESSION_ENDED')
})

it('while the store is away, apps are told to come back later, not that they are signed out', async () => {
  const place = await world()
  const { phone } = await ownerOf(place, 'ada')
  expect(await phone.refresh()).toBe('good')

  place.store.setFaults({ all: { kind: 'error' } })
  const away = await phone.refresh()
  place.store.setFaults({})

  expect(away).toBe('Service Unavailable')
  expect(await phone.refresh()).toBe('good')
})

/** Waits for a condition, up to ten seconds. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`waited for ten seconds in vain: ${String(holds)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
