/** A newcomer's first minutes in the shop, in a browser, on each store it can be started with. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { demoForTest } from '../demo/demo-process.ts'
import { startMemcached } from '../servers/memcached.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startRedis } from '../servers/redis.ts'
import { addToBasket, launchBrowser, newVisitor, shoot, signIn } from './browser.ts'
import { missing } from './in-page.js'

// Chromium, a server and a shop start on two cores that other tests use as well.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

interface Place {
  readonly store: string
  readonly stop?: () => Promise<unknown>
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  redis: async () => {
    const server = await startRedis()
    return { store: server.url, stop: () => server.stop() }
  },
  postgres: async () => {
    const server = await startPostgres()
    return { store: `postgres://postgres@127.0.0.1:${server.address.port}/postgres`, stop: () => server.stop() }
  },
  memcached: async () => {
    const server = await startMemcached()
    return { store: `memcached://127.0.0.1:${server.port}`, stop: () => server.stop() }
  },
  cookie: async () => ({ store: 'cookie' }),
  sqlite: async () => ({ store: 'sqlite' }),
}

const KEPT_IN = [
  ['redis', 'In Redis.', 'lists'],
  ['postgres', 'In PostgreSQL.', 'lists'],
  ['memcached', 'In memcached.', 'cannot list'],
  ['cookie', 'In your own cookie.', 'cannot list'],
  ['sqlite', 'In SQLite.', 'lists'],
] as const

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

describe.each(KEPT_IN)('on %s', (name, keptIn, lists) => {
  let place: Place
  beforeAll(async () => {
    place = await PLACES[name]!()
  })
  afterAll(() => place?.stop?.())

  it('a newcomer shops, signs in on two devices, ends the other one, reads where visits are kept, and leaves', async () => {
    const demo = await demoForTest({ env: { STORE: place.store } })
    const here = await newVisitor(browser, demo.url, { viewport: { width: 1280, height: 900 } })
    const there = await newVisitor(browser, demo.url, { viewport: { width: 360, height: 740 }, isMobile: true })
    const found: string[] = []
    const look = async (title: string) => {
      found.push(...(await here.page.evaluate(missing)))
      await shoot(here.page, `newcomer-${name}-${title}`)
    }

    await here.page.goto('/')
    expect(await here.context.cookies()).toEqual([])
    await addToBasket(here.page, 'b1')
    await signIn(here.page)
    await here.page.getByRole('link', { name: /^Basket/ }).click()
    await here.page.getByRole('button', { name: /^Put back/ }).waitFor()
    await look('basket')

    await signIn(there.page)
    await here.page.goto('/sessions')
    const others = here.page.getByRole('listitem').filter({ hasText: 'Chrome' })
    const count = lists === 'lists' ? 2 : 1
    await expect.poll(() => others.count()).toBe(count)
    await look('devices')
    await here.page.getByRole('button', { name: 'Sign out the others' }).click()
    await here.page.getByText(lists === 'lists' ? 'Signed out of 1 other device.' : 'Every other device is signed out.').waitFor()
    await there.page.reload()
    await there.page.getByLabel('Password').waitFor()

    await here.page.goto('/about')
    await here.page.getByText(keptIn).waitFor()
    await here.page.goto('/me')
    await here.page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await here.page.getByRole('heading', { name: 'See you again' }).waitFor()
    await here.page.goto('/me')
    await here.page.getByLabel('Password').waitFor()

    expect(found).toEqual([])
    expect([...here.complaints, ...there.complaints]).toEqual([])
  })
})
