/** `npm start -- --sso` in a browser: one sign-in for two applications, one sign-out for both and the provider. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { SEEDED } from '../../demo/people.ts'
import { codeOf } from '../demo/client.ts'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { launchBrowser, shoot } from './browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-sso-'))
let demo: Demo
let browser: Browser
let provider: string
let club: string
let shopOrigin: string

beforeAll(async () => {
  demo = await startDemo(folder, {}, ['--sso'])
  browser = await launchBrowser()
  // By name, as the provider knows it.
  shopOrigin = `http://localhost:${demo.port}`
  provider = /Sojourn ID\s+(\S+)/.exec(demo.output())![1]!
  club = /Reading Club\s+(\S+)/.exec(demo.output())![1]!
})
afterAll(async () => {
  await browser?.close()
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

/** A person with a page of each application open. */
async function visitor(): Promise<{ shop: Page; clubPage: Page }> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  context.setDefaultTimeout(15_000)
  return { shop: await context.newPage(), clubPage: await context.newPage() }
}

async function enterBy(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button }).click()
  await page.waitForURL((url) => url.origin === provider)
}

async function sayWho(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(SEEDED.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

async function signInAtShop(shop: Page, name = 'ada'): Promise<void> {
  await shop.goto(`${shopOrigin}/login`)
  await enterBy(shop, 'Sign in with Sojourn ID')
  await sayWho(shop, name)
  await shop.waitForURL((url) => url.origin === shopOrigin)
}

async function enterClub(clubPage: Page): Promise<void> {
  await clubPage.goto(club)
  await clubPage.getByRole('button', { name: 'Come in with Sojourn ID' }).click()
  await clubPage.locator('[data-member]').waitFor()
}

it('who signs in once is known to both applications, and the devices page says by which provider', async () => {
  const { shop, clubPage } = await visitor()
  await signInAtShop(shop)
  await enterClub(clubPage)
  await shop.goto(`${shopOrigin}/sessions`)
  await shoot(shop, 'sso-devices')
  await shoot(clubPage, 'sso-club')

  expect(await clubPage.locator('[data-member]').textContent()).toBe('ada')
  expect(await shop.locator('.this-one').textContent()).toContain(`Sojourn ID ${new URL(provider).host}`)
})

it('who signs out of the shop is out of the club within a second, and at the provider, too', async () => {
  const { shop, clubPage } = await visitor()
  await signInAtShop(shop)
  await enterClub(clubPage)
  await shop.locator('nav').getByRole('button', { name: 'Sign out' }).click()
  await shop.waitForURL('**/signed-out')
  await expect.poll(() => knows(clubPage), { timeout: 1000, interval: 50 }).toBe(false)
  await enterBy(clubPage, 'Come in with Sojourn ID')

  expect(await clubPage.getByRole('heading', { name: 'Sign in' }).count()).toBe(1)
})

it('who signs out of the club is out of the shop, which says why', async () => {
  const { shop, clubPage } = await visitor()
  await signInAtShop(shop)
  await enterClub(clubPage)
  await clubPage.getByRole('button', { name: 'Sign out of both' }).click()
  await clubPage.getByRole('button', { name: 'Come in with Sojourn ID' }).waitFor()
  await shop.goto(`${shopOrigin}/me`)

  expect(await shop.locator('.page-head').textContent()).toContain('You signed out of Sojourn ID')
})

it('another browser of the same person stays signed in', async () => {
  const [one, other] = [await visitor(), await visitor()]
  await signInAtShop(one.shop)
  await signInAtShop(other.shop)
  await one.shop.locator('nav').getByRole('button', { name: 'Sign out' }).click()
  await one.shop.waitForURL('**/signed-out')
  await other.shop.goto(`${shopOrigin}/me`)

  expect(await other.shop.locator('h1').textContent()).toBe('Your visit, ada')
})

it('a second factor of the shop is asked for after the provider, too', async () => {
  const { shop } = await visitor()
  await signInAtShop(shop, 'grace')
  await shop.waitForURL('**/step-up**')
  await shop.getByLabel('Code from your app').fill(codeOf(demo.codeKey))
  await shop.getByRole('button', { name: 'Go on' }).first().click()
  await shop.getByText('Your devices').waitFor()
  await shop.goto(`${shopOrigin}/me`)

  expect(await shop.locator('h1').textContent()).toBe('Your visit, grace')
})

it('a wrong password at the provider signs nobody in anywhere', async () => {
  const { shop } = await visitor()
  await shop.goto(`${shopOrigin}/login`)
  await enterBy(shop, 'Sign in with Sojourn ID')
  await shop.getByLabel('Name').fill('ada')
  await shop.getByLabel('Password').fill('not this one, surely')
  await shop.getByRole('button', { name: 'Sign in' }).click()
  await shop.getByRole('alert').waitFor()
  await shoot(shop, 'sso-provider')
  await shop.goto(`${shopOrigin}/me`)

  expect(await shop.locator('h1').textContent()).toMatch(/sign in again|Come in/i)
})

async function knows(page: Page): Promise<boolean> {
  await page.goto(club)
  return (await page.locator('[data-member]').count()) > 0
}
