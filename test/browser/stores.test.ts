/** What a person sees of the store: devices that cannot be listed, and an outage. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'
import { addToBasket, launchBrowser, newVisitor, shoot, signIn } from './browser.ts'
import { missing } from './in-page.js'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let browser: Browser
let redis: RedisServer
let inRedis: Demo
let inCookies: Demo

beforeAll(async () => {
  redis = await startRedis('--appendonly', 'yes')
  inRedis = await startDemo(folder, { STORE: redis.url })
  inCookies = await startDemo(folder, { STORE: 'cookie' })
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await Promise.all([inRedis?.kill(), inCookies?.kill()])
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }
const DESKTOP = { viewport: { width: 1280, height: 900 } }

describe.each([
  ['phone', PHONE, 'light'],
  ['desktop', DESKTOP, 'dark'],
] as const)('on a %s', (device, screen, colorScheme) => {
  it('a store that cannot list devices says so, and signs out everywhere', async () => {
    const options = { ...screen, colorScheme }
    const here = await newVisitor(browser, inCookies.url, options)
    const there = await newVisitor(browser, inCookies.url)
    await signIn(here.page)
    await signIn(there.page)
    await here.page.goto('/sessions')
    await here.page.getByText('cannot show your other devices').waitFor()
    await shoot(here.page, `devices-unlisted-${device}`)
    const found = await here.page.evaluate(missing)
    await here.page.getByRole('button', { name: 'Sign out the others' }).click()
    await here.page.getByText('Every other device is signed out.').waitFor()
    await there.page.reload()
    await there.page.getByRole('heading', { name: 'Please sign in again' }).waitFor()
    await here.page.getByRole('button', { name: 'Sign out everywhere, here too' }).click()
    await here.page.getByText('You are signed out on every device.').waitFor()
    await here.page.goto('/about')
    await here.page.getByText('In your own cookie.').waitFor()
    await shoot(here.page, `about-cookie-${device}`)

    expect(found).toEqual([])
    expect([...here.complaints, ...there.complaints]).toEqual([])
  })

  it('an outage signs nobody out: the shelves stay open, the rest says what is the matter', async () => {
    const { page, complaints } = await newVisitor(browser, inRedis.url, { ...screen, colorScheme })
    await addToBasket(page, 'b1')
    await signIn(page)
    await page.goto('/sessions')
    await shoot(page, `devices-redis-${device}`)
    const found: string[] = []

    await redis.server.kill()
    await page.goto('/sessions')
    await page.getByRole('heading', { name: 'The ledger is out of reach' }).waitFor()
    await page.getByText('You are not signed out').waitFor()
    found.push(...(await page.evaluate(missing)))
    await shoot(page, `outage-${device}`)
    await page.getByRole('link', { name: 'Back to the shelves' }).click()
    await page.getByText('You are not signed out').waitFor()
    found.push(...(await page.evaluate(missing)))
    await shoot(page, `outage-shelves-${device}`)
    await redis.server.restart()

    await expect.poll(async () => (await page.goto('/sessions'))?.status(), { timeout: 15_000 }).toBe(200)
    await page.getByText('this one', { exact: true }).waitFor()
    expect(found).toEqual([])
    expect(complaints).toEqual([])
  })
})
