/** The shop on every store it can be started with: the same promises, or a plain word where a store cannot keep one. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startMemcached } from '../servers/memcached.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import {
  type RedisCluster,
  type RedisServer,
  type Sentinels,
  startRedis,
  startRedisCluster,
  startSentinels,
} from '../servers/redis.ts'
import type { Server } from '../servers/server.ts'
import { Client, codeOf } from './client.ts'
import { type Demo, demoForTest, temporaryFolder } from './demo-process.ts'

// Each opens shops and stops servers under them: seconds when the machine is free, many more when it is not.
vi.setConfig({ testTimeout: 60_000 })

const KEYS = 'k3Jx0lqkYwVtN1m4u8ZpQeRfSgThUiVjWkXlYmZnAo0'
/** In every address that takes one; must appear nowhere. */
const PASSWORD = 'hunter2/of@the:shop'
const IN_URL = encodeURIComponent(PASSWORD)

const openOn = (store: string, env: Record<string, string> = {}) =>
  demoForTest({ env: { STORE: store, SESSION_KEYS: KEYS, ...env } })

async function signedIn(demo: Demo): Promise<Client> {
  const client = new Client(demo.url)
  expect((await client.signIn()).status).toBe(200)
  return client
}

/** 200 for who is signed in, 401 for who is not; anything else is a fault. */
const statusOf = async (client: Client) => (await client.api('/me')).status

interface Listed {
  readonly id: string
  readonly current: boolean
}

/** What holds on every store. */
async function followsEveryRule(demo: Demo, { store, lists }: { store: string; lists: boolean }): Promise<void> {
  expect((await new Client(demo.url).api('/healthz')).json).toEqual({ ok: true, store })

  const desk = new Client(demo.url)
  await desk.put('b1', 2)
  expect((await desk.signIn()).json).toMatchObject({ subject: 'ada' })
  await desk.put('b2', 1)
  expect(await desk.basket()).toEqual({ b1: 2, b2: 1 })

  const phone = await signedIn(demo)
  const devices = await desk.api('/sessions')
  if (lists) {
    const others = (devices.json as Listed[]).filter(({ current }) => !current)
    expect(others).toHaveLength(1)
    expect((await desk.api(`/sessions/${others[0]!.id}`, { method: 'DELETE' })).json).toEqual({ ended: 1 })
  } else {
    expect(devices.status).toBe(501)
    expect(devices.json).toEqual({ error: expect.stringContaining('cannot show your other devices') })
    const page = await desk.page('/sessions')
    expect(page.status).toBe(200)
    expect(page.text).toContain('cannot show your other devices')
    expect((await desk.api('/sessions?others=true', { method: 'DELETE' })).json).toEqual({ ended: null })
  }
  expect([await statusOf(desk), await statusOf(phone)]).toEqual([200, 401])

  const phoneAgain = await signedIn(demo)
  const stolen = new Client(demo.url, desk.cookies)
  const everywhere = await desk.page('/sessions/end-all', { form: {} })
  expect(everywhere.location).toBe('/signed-out?everywhere=yes')
  expect([await statusOf(stolen), await statusOf(phoneAgain)]).toEqual([401, 401])

  const leaving = new Client(demo.url)
  await leaving.signInAsSecond()
  const kept = new Client(demo.url, leaving.cookies)
  await leaving.api('/logout', { method: 'POST' })
  expect([await statusOf(leaving), await statusOf(kept)]).toEqual([401, 401])
  await asksForTheCode(demo)
}

/** A second factor, on every store alike: asked for, taken once, and enough for paying. */
async function asksForTheCode(demo: Demo): Promise<void> {
  const grace = new Client(demo.url)
  await grace.put('b1', 1)
  expect((await grace.signIn('grace')).json).toMatchObject({ subject: 'grace', mfa: 'due' })
  expect(await statusOf(grace)).toBe(401)
  const halfWay = new Client(demo.url, grace.cookies)
  // A test that calls this twice has spent the present code; the one that comes next counts already.
  let code = codeOf(demo.codeKey)
  let proved = await grace.api('/mfa/totp', { json: { code } })
  if (proved.status === 401) {
    code = codeOf(demo.codeKey, 1)
    proved = await grace.api('/mfa/totp', { json: { code } })
  }
  expect(proved.json).toMatchObject({ acr: 'aal2', subject: 'grace' })
  expect((await halfWay.api('/mfa/totp', { json: { code } })).status).toBe(401)
  expect([await statusOf(grace), await statusOf(halfWay)]).toEqual([200, 401])
  expect((await grace.api('/checkout', { method: 'POST' })).json).toEqual({ total: 1450, items: { b1: 1 } })
  expect((await grace.page('/security')).text).toContain('The key printed at start')
}

/** While the store is away: an answer soon, never "signed out", never a token touched. */
async function isOutOfReach(demo: Demo, reader: Client): Promise<void> {
  // PostgreSQL's processes outlive their parent by a moment.
  await expect.poll(async () => (await fetch(`${demo.url}/healthz`)).status, { timeout: 5000, interval: 20 }).toBe(503)
  const startedAt = performance.now()
  const [me, page, put, login, health] = await Promise.all([
    reader.api('/me'),
    reader.page('/sessions'),
    reader.put('b3', 1),
    new Client(demo.url).signIn('grace'),
    reader.api('/healthz'),
  ])
  expect(performance.now() - startedAt).toBeLessThan(5000)
  for (const answer of [me, page, put, login]) {
    expect(answer.status).toBe(503)
    expect(answer.text).toContain('You are not signed out')
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(answer.headers.getSetCookie()).toEqual([])
  }
  expect(health.status).toBe(503)
  expect(health.json).toMatchObject({ ok: false })

  const [shelves, book, strangers] = await Promise.all([
    reader.page('/'),
    reader.page('/books/b1'),
    new Client(demo.url).page('/'),
  ])
  for (const { status, text, headers } of [shelves, book]) {
    expect(status).toBe(200)
    expect(text).toContain('You are not signed out')
    expect(text).not.toContain('href="/login"')
    expect(headers.getSetCookie()).toEqual([])
  }
  expect(strangers.status).toBe(200)
  expect(strangers.text).not.toContain('out of reach')
}

async function untilWell(demo: Demo): Promise<void> {
  await expect.poll(async () => (await fetch(`${demo.url}/healthz`)).status, { timeout: 10_000, interval: 50 }).toBe(200)
  // The service finds out by itself, within its pause (docs/guide/outages.md).
  await expect.poll(async () => (await new Client(demo.url).put('b1', 1)).status, { timeout: 15_000, interval: 100 }).toBe(200)
}

const saysNothingSecret = (demo: Demo, ...clients: Client[]) => {
  const said = [demo.output(), ...clients.flatMap(({ heard }) => heard)].join('\n')
  for (const secret of [PASSWORD, IN_URL, 'hunter2', ...clients.flatMap(({ tokens }) => [...tokens])])
    expect(said.includes(secret)).toBe(false)
  expect(demo.output()).not.toMatch(/\n\s+at |Error:|\[ioredis\]/)
}

describe('on Redis', () => {
  let redis: RedisServer
  let address: string
  beforeAll(async () => {
    redis = await startRedis('--user', 'shop', 'on', `>${PASSWORD}`, '~*', '&*', '+@all')
    address = `redis://shop:${IN_URL}@127.0.0.1:${redis.port}`
  })
  afterAll(() => redis.stop())

  /** Reads until a near cache answers by itself: it keeps no copy before it hears of changes. */
  async function untilCopied(client: Client): Promise<void> {
    const readsOfRedis = async () => /cmdstat_get:calls=(\d+)/.exec(await redis.send('INFO', 'commandstats'))?.[1]
    const isCopied = async () => {
      const before = await readsOfRedis()
      expect((await client.api('/basket')).status).toBe(200)
      return before === (await readsOfRedis())
    }
    await expect.poll(isCopied, { timeout: 10_000, interval: 20 }).toBe(true)
  }

  it('every rule holds, and its password is nowhere', async () => {
    const demo = await openOn(address)

    await followsEveryRule(demo, { store: 'redis', lists: true })

    const client = await signedIn(demo)
    const pages = await Promise.all(['/', '/about', '/healthz', '/me'].map((path) => client.page(path)))
    expect(pages[1]!.text).toContain('In Redis.')
    expect(demo.output()).toContain(`Redis at 127.0.0.1:${redis.port}`)
    saysNothingSecret(demo, client)
  })

  it('two shops are one: signed out in one is signed out in the other, at once also with a near cache', async () => {
    const [here, there] = await Promise.all([openOn(address), openOn(`${address}/0`, { NEAR_CACHE: '1' })])
    const client = await signedIn(here)
    const over = client.at(there.url)
    await client.put('b1', 1)
    await Promise.all([client.put('b2', 2), over.put('b3', 3), client.put('b4', 4), over.put('b5', 5)])
    expect(await over.basket()).toEqual({ b1: 1, b2: 2, b3: 3, b4: 4, b5: 5 })
    expect((await over.api('/healthz')).json).toEqual({ ok: true, store: 'redis', nearCache: { maxStaleness: 5000 } })
    expect((await over.page('/about')).text).toContain('at most 5 seconds')
    await untilCopied(over)

    await client.api('/logout', { method: 'POST' })

    // Well before the five seconds after which a copy would have gone by itself.
    await expect.poll(() => statusOf(over), { timeout: 2000, interval: 5 }).toBe(401)
  })

  it('while it is away nobody is signed out, and a near cache still shows the basket for its lease', async () => {
    const [plain, near] = await Promise.all([openOn(address), openOn(address, { NEAR_CACHE: '1' })])
    const reader = await signedIn(plain)
    await reader.put('b1', 2)
    await untilCopied(reader.at(near.url))

    await redis.server.kill()
    // Until the loss of its connection reaches it, the shop does not know of an outage.
    const copy = () => reader.at(near.url).page('/basket')
    await expect.poll(async () => (await copy()).text, { timeout: 4000, interval: 20 }).toContain('nothing can be changed')
    const { status, text } = await copy()
    await isOutOfReach(plain, reader)
    await redis.server.restart()
    await Promise.all([untilWell(plain), untilWell(near)])

    expect(status).toBe(200)
    expect(text).toContain('2 books, carried by ada')
    // It kept nothing on disk.
    expect(await statusOf(reader)).toBe(401)
    expect(await statusOf(await signedIn(plain))).toBe(200)
    expect(plain.output()).toContain('does not answer: visitors')
    expect(plain.output()).toContain('answers again')
    saysNothingSecret(plain, reader)
  })

  it('a server that takes connections and answers nothing is an outage like any other', async () => {
    const demo = await openOn(address)
    const reader = await signedIn(demo)

    redis.server.pause()
    onTestFinished(() => redis.server.resume())
    await isOutOfReach(demo, reader)
    redis.server.resume()
    await untilWell(demo)

    expect(await statusOf(reader)).toBe(200)
  })
})

describe('on many Redis servers', () => {
  let cluster: RedisCluster
  let sentinels: Sentinels
  beforeAll(async () => {
    ;[cluster, sentinels] = await Promise.all([startRedisCluster(), startSentinels()])
  })
  afterAll(() => Promise.all([cluster.stop(), sentinels.stop()]))

  const listOf = (servers: readonly { readonly port: number }[]) => servers.map(({ port }) => `127.0.0.1:${port}`).join(',')

  it('every rule holds on a Cluster', async () => {
    const demo = await openOn(`redis-cluster://${listOf(cluster.nodes)}`)

    await followsEveryRule(demo, { store: 'redis-cluster', lists: true })
  })

  it('every rule holds behind Sentinels, and again once a replica has taken over', async () => {
    const demo = await openOn(`redis+sentinel://${listOf(sentinels.sentinels)}/${sentinels.name}`)
    await followsEveryRule(demo, { store: 'redis-sentinel', lists: true })

    await sentinels.primary.server.kill()
    await expect.poll(() => sentinels.primaryPort(), { timeout: 15_000 }).toBe(sentinels.replica.port)
    await untilWell(demo)

    await followsEveryRule(demo, { store: 'redis-sentinel', lists: true })
  })
})

describe('on PostgreSQL', () => {
  let postgres: PostgresServer
  let address: string
  beforeAll(async () => {
    postgres = await startPostgres()
    address = `postgres://postgres:${IN_URL}@127.0.0.1:${postgres.address.port}/postgres`
  })
  afterAll(() => postgres.stop())

  it('every rule holds, also through its death: whoever was signed in still is', async () => {
    const [demo, near] = await Promise.all([openOn(address), openOn(address, { NEAR_CACHE: '1' })])
    await followsEveryRule(demo, { store: 'postgres', lists: true })
    const reader = await signedIn(demo)
    await reader.put('b1', 2)
    expect(await statusOf(reader.at(near.url))).toBe(200)

    await postgres.kill()
    await isOutOfReach(demo, reader)
    await postgres.restart()
    await Promise.all([untilWell(demo), untilWell(near)])

    expect(await reader.basket()).toEqual({ b1: 2 })
    await reader.api('/logout', { method: 'POST' })
    await expect.poll(() => statusOf(reader.at(near.url)), { timeout: 2000, interval: 5 }).toBe(401)
    saysNothingSecret(demo, reader)
  })
})

describe('on memcached', () => {
  let servers: readonly Server[]
  beforeAll(async () => {
    servers = await Promise.all([startMemcached(), startMemcached()])
  })
  afterAll(() => Promise.all(servers.map((server) => server.stop())))

  it('every rule holds but the list of devices, which is said; and it forgets when it restarts', async () => {
    const demo = await openOn(`memcached://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`)
    await followsEveryRule(demo, { store: 'memcached', lists: false })
    const reader = await signedIn(demo)

    await Promise.all(servers.map((server) => server.kill()))
    await isOutOfReach(demo, reader)
    await Promise.all(servers.map((server) => server.restart()))
    await untilWell(demo)

    expect(await statusOf(reader)).toBe(401)
    expect(await statusOf(await signedIn(demo))).toBe(200)
    saysNothingSecret(demo, reader)
  })
})

describe('in cookies', () => {
  it('every rule holds but the list of devices, which is said', async () => {
    const demo = await openOn('cookie')

    await followsEveryRule(demo, { store: 'cookie', lists: false })

    const client = await signedIn(demo)
    const { text } = await client.page('/about')
    expect(text).toContain('In your own cookie.')
    expect(text).not.toContain('only its hash')
    const other = await client.api('/sessions/AAAAAAAAAAAAAAAAAAAAAA', { method: 'DELETE' })
    expect(other.status).toBe(501)
    expect(other.json).toEqual({ error: expect.stringContaining('sign you out everywhere') })
  })

  it('what was ended stays ended after a restart, and who was signed in still is', async () => {
    const folder = temporaryFolder()
    const env = { STORE: 'cookie' }
    const before = await demoForTest({ folder, env })
    const [staying, leaving] = await Promise.all([signedIn(before), signedIn(before)])
    const copied = new Client(before.url, leaving.cookies)
    await leaving.api('/logout', { method: 'POST' })
    await before.kill()

    const after = await demoForTest({ folder, env })

    expect(await statusOf(staying.at(after.url))).toBe(200)
    expect(await statusOf(copied.at(after.url))).toBe(401)
  })
})

describe('in memory', () => {
  it('every rule holds', async () => {
    const demo = await openOn('memory')

    await followsEveryRule(demo, { store: 'memory', lists: true })
  })
})
