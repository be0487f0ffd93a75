/** A headless Chromium for the tests of the demo. */
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { SEEDED } from '../../demo/people.ts'
import { fontsReady } from './in-page.js'

/** Where people keep it; `npm test` says which it found. */
const PLACES = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** No sandbox, because tests also run as root in a container; nothing that calls home. */
export const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const SHOTS = join(import.meta.dirname, '..', '..', 'test-results')

/** Full Chromium, whichever it is. */
export function chromiumPath(): string {
  const path = PLACES.find((place) => place !== undefined && existsSync(place))
  if (path !== undefined) return path
  throw new Error('The browser tests need Chromium: install it (Debian: apt-get install chromium) or name it in CHROMIUM_PATH.')
}

/**
 * @param more - Further arguments.
 * @param env - In place of the tests' own: `HOME` is where Chromium looks for the certificate authorities it trusts.
 */
export function launchBrowser(more: readonly string[] = [], env: Record<string, string> = {}): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: [...ARGS, ...more], env: { ...process.env, ...env } })
}

/** One person's browser: cookies of its own. Collects what must not be: errors, and requests to anywhere else. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  readonly complaints: string[]
  readonly urls: string[]
}

export async function newVisitor(browser: Browser, base: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ baseURL: base, ...options })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(10_000)
  const complaints: string[] = []
  const urls: string[] = []
  context.on('request', (request) => {
    urls.push(request.url())
    if (!request.url().startsWith(base)) complaints.push(`asked ${request.url()}`)
  })
  context.on('console', (message) => {
    // The browser itself remarks on every 401 and on what Clear-Site-Data cleared.
    const isRemark = message.text().startsWith('Failed to load resource') || message.text().startsWith('Clear-Site-Data')
    if (!isRemark) complaints.push(message.text())
  })
  context.on('weberror', (error) => complaints.push(String(error.error())))
  return { context, page: await context.newPage(), complaints, urls }
}

export async function signIn(page: Page, username: string = SEEDED.names[0], password: string = SEEDED.password): Promise<void> {
  await page.goto('/login?next=/me')
  await page.getByLabel('Your name here').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL('**/me')
}

/** Makes a reader who has a password and nothing else: `grace` is asked for a code. Leaves them signed in. */
export async function signUp(page: Page, name: string): Promise<void> {
  await page.goto('/signup?next=/me')
  await page.getByLabel('Choose a name').fill(name)
  await page.getByLabel('Choose a password').fill(passwordOf(name))
  await page.getByRole('button', { name: 'Become a reader' }).click()
  await page.waitForURL('**/me')
}

export function passwordOf(name: string): string {
  return `${name} likes plain words`
}

export async function addToBasket(page: Page, book: string): Promise<void> {
  await page.goto(`/books/${book}`)
  await page.getByRole('button', { name: 'Add to your basket', exact: true }).click()
  await page.getByText('is in your basket.').waitFor()
}

/** Kept for people to look at, in a folder git ignores. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true })
  await page.evaluate(fontsReady)
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })
}
