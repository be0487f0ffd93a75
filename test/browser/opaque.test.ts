/** The shop opened with `--opaque`, in a real browser: no password leaves it. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SEEDED } from '../../demo/people.ts'
import { Client } from '../demo/client.ts'
import { demoForTest, temporaryFolder } from '../demo/demo-process.ts'
import { addToBasket, launchBrowser, newVisitor, shoot } from './browser.ts'
import { missing } from './in-page.js'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

const NEW = 'seven green umbrellas'

/** All that the page sent, as text. */
function listenTo(page: Page): string[] {
  const sent: string[] = []
  page.on('request', (request) => sent.push(`${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ''}`))
  return sent
}

async function givePassword(page: Page, name: string, password: string): Promise<void> {
  await page.goto('/login?next=/me')
  await page.getByLabel('Your name here').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

it('signs up, out and in again, and the password never leaves the browser', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder()
  const demo = await demoForTest({ folder, args: ['--opaque'] })
  const { page, complaints } = await newVisitor(browser, demo.url)
  const sent = listenTo(page)
  const found: string[] = []

  await page.goto('/signup?next=/me')
  await page.getByLabel('Choose a name').fill('vera')
  await page.getByLabel('Choose a password').fill(NEW)
  found.push(...(await page.evaluate(missing)))
  await shoot(page, 'opaque-sign-up')
  await page.getByRole('button', { name: 'Become a reader' }).click()
  await page.getByRole('heading', { name: 'Your visit, vera' }).waitFor()
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'See you again' }).waitFor()
  await addToBasket(page, 'b1')
  await givePassword(page, 'vera', 'eight green umbrellas')
  await page.getByText('do not belong together').waitFor()
  await shoot(page, 'opaque-sign-in-wrong')
  await page.getByLabel('Password').fill(NEW)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByText('Welcome back, vera. Your basket came with you.').waitFor()

  const kept = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'))
  for (const text of [...sent, ...kept, demo.output()]) {
    expect(text).not.toContain(NEW)
    expect(text).not.toContain(encodeURIComponent(NEW))
    expect(text).not.toContain(createHash('sha256').update(NEW).digest('base64url'))
  }
  expect(sent.some((text) => text.includes('startLoginRequest'))).toBe(true)
  expect(found).toEqual([])
  expect(complaints).toEqual([])
})

it('lets the readers of the window in, and asks grace for her code as ever', { timeout: 60_000 }, async () => {
  const demo = await demoForTest({ args: ['--opaque'] })
  const { page, complaints } = await newVisitor(browser, demo.url)

  await givePassword(page, 'ada', SEEDED.password)
  await page.getByRole('heading', { name: 'Your visit, ada' }).waitFor()
  await givePassword(page, 'grace', SEEDED.password)
  await page.getByText('Your password was right, grace.').waitFor()

  expect(complaints).toEqual([])
})

it('takes no password from a form or a program, and says so', { timeout: 60_000 }, async () => {
  const demo = await demoForTest({ args: ['--opaque'] })
  const { page } = await newVisitor(browser, demo.url, { javaScriptEnabled: false })
  await page.goto('/login')

  const login = await new Client(demo.url).signIn()
  const signUp = await new Client(demo.url).page('/signup', { form: { username: 'walt', password: NEW } })

  expect([login.status, signUp.status]).toEqual([400, 400])
  expect(login.json).toEqual({ error: expect.stringContaining('--opaque') })
  expect(await page.getByLabel('Password').isDisabled()).toBe(true)
  await page.getByText('That takes script').waitFor()
})

it('lets pages compile WebAssembly with the switch alone', { timeout: 60_000 }, async () => {
  const [plain, opaque] = await Promise.all([demoForTest(), demoForTest({ args: ['--opaque'] })])
  const policyOf = async (url: string) => (await fetch(`${url}/login`)).headers.get('content-security-policy')

  expect(await policyOf(plain.url)).not.toContain('wasm-unsafe-eval')
  expect(await policyOf(opaque.url)).toContain("'wasm-unsafe-eval'")
  expect(await policyOf(opaque.url)).not.toContain("'unsafe-eval'")
})
