// The person's own page in Chromium: with script off, by keyboard alone, on a phone and on a wide screen, in the light and in the dark.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { createSessions } from 'sojourn'
import { accountPages } from 'sojourn/console'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KEY } from '../core/support.ts'
import { serve } from '../http/support/servers.ts'
import { launchBrowser, newVisitor, shoot } from './browser.ts'
import { axeViolations, focus } from './in-page.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const HOME = '/account/devices'
const HOSTILE = `<script>alert(1)</script>\u202E${'very long '.repeat(100)}`

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** A site where `/in` signs in as ada, who has four more sessions and a log. */
async function site() {
  const sessions = createSessions({ store: memoryStore(), keys: KEY })
  const marked: (string | undefined)[] = []
  const log: object[] = []
  const pages = accountPages(sessions, {
    onNotMe: ({ sessionId }) => marked.push(sessionId),
    passwordPage: '/password',
    place: ({ device }) => (device?.includes('iPhone') ? 'Lviv, Ukraine' : device?.includes('script') ? HOSTILE : undefined),
    words: { product: 'the Library' },
    notice: {
      describe: async () => ({ state: 'open', at: Date.now(), device: HOSTILE, methods: ['pwd'], ends: 'session' }),
      confirm: async () => ({ ok: false, reason: 'used' }),
    },
    audit: { search: async () => ({ entries: log as never[] }) },
  })
  const others: string[] = []
  for (const [device, due] of [['Safari on iPhone'], ['Chrome on Windows'], [HOSTILE], ['Firefox on Android', 'aal2']] as const) {
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd', ...(due && { due }) }, { device })
    await session.commit()
    others.push(session.id!)
  }
  const now = Date.now()
  const entry = (minutes: number, type: string, sessionId?: string, details = {}) =>
    log.push({ type, at: now - minutes * 60_000, subject: 'ada', sessionId, details })
  entry(3, 'session.started', others[3], { methods: ['pwd'], pending: 'aal2' })
  entry(12, 'factor.refused', others[3], { kind: 'totp' })
  entry(95, 'session.started', others[0], { methods: ['pwd', 'otp'] })
  entry(96, 'factor.used', others[0], { kind: 'totp' })
  entry(1500, 'factor.added', undefined, { kind: 'passkey' })
  entry(3000, 'session.expired', 'x', {})
  const base = await serve(
    withSession(
      sessions,
      async (request, response, session) => {
        if (request.url === '/in') await session.signIn({ subject: 'ada', method: 'pwd' })
        else if (await pages.node(request, response, session)) return
        response.setHeader('content-type', 'text/html')
        response.end('<!doctype html><html lang="en"><title>The application</title><h1>The application</h1>')
      },
      { dangerouslyAllowHttp: true, stepUpPage: '/step-up' },
    ),
  )
  return { base, sessions, marked, others }
}

/** Every page, each named. */
async function everyPage(page: Page, others: readonly string[], look: (name: string) => Promise<void>) {
  await page.goto(HOME)
  await look('devices')
  for (const [name, query] of [
    ['end-one', `end?id=${others[0]}`],
    ['end-others', 'end?which=others'],
    ['end-all', 'end?which=all'],
    ['not-me', `not-me?id=${others[2]}`],
    ['next-steps', 'next-steps'],
    ['notice', 'notice?token=x'],
    ['notice-next-steps', 'notice/next-steps'],
    ['nothing', 'nothing'],
  ] as const) {
    await page.goto(`${HOME}/${query}`)
    await look(name)
  }
  await page.goto(`${HOME}?done=one`)
  await look('devices-done')
}

describe.each([360, 900, 1440])('at %i px', (width) => {
  it.each(['light', 'dark'] as const)(
    'every page fits, and axe finds nothing, in the %s',
    { timeout: 60_000 },
    async (colorScheme) => {
      const { base, others } = await site()
      const { page, complaints } = await newVisitor(browser, base, {
        viewport: { width, height: 800 },
        colorScheme,
        bypassCSP: true,
      })
      await page.goto('/in')
      const found: string[] = []

      await everyPage(page, others, async (name) => {
        await shoot(page, `account-${name}-${width}-${colorScheme}`)
        if (await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth')) found.push(`${name}: too wide`)
        await page.evaluate(AXE)
        found.push(...(await page.evaluate(axeViolations)).map((what) => `${name}: ${what}`))
      })

      expect(found).toEqual([])
      expect(complaints).toEqual([])
    },
  )
})

describe('without script', () => {
  it('one is ended, all others are, and everything is', async () => {
    const { base, sessions, others } = await site()
    const { page, complaints } = await newVisitor(browser, base, { javaScriptEnabled: false })
    const count = async () => (await sessions.list('ada')).length
    await page.goto('/in')
    await page.goto(HOME)
    await page.locator(`[data-session="${others[1]}"]`).getByRole('link', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign out 1 device' }).click()
    await page.getByRole('status').getByText('The device is signed out.').waitFor()
    const afterOne = await count()
    await page.getByRole('link', { name: 'Sign out all other devices (3)' }).click()
    await page.getByRole('button', { name: 'Sign out 3 other devices' }).click()
    await page.getByText('You are signed in nowhere else.').waitFor()
    const afterOthers = await count()
    await page.getByRole('link', { name: 'Sign out everywhere, here too' }).click()
    await page.getByRole('button', { name: 'Sign out 1 device' }).click()
    await page.waitForURL(`${base}/`)

    expect([afterOne, afterOthers, await count()]).toEqual([4, 1, 0])
    expect(complaints).toEqual([])
  })

  it('"this wasn’t me" ends that session, and leads to a new password', async () => {
    const { base, sessions, marked, others } = await site()
    const { page } = await newVisitor(browser, base, { javaScriptEnabled: false })
    await page.goto('/in')
    await page.goto(HOME)
    await page.locator(`[data-session="${others[2]}"]`).getByRole('link', { name: 'This wasn’t me' }).click()
    await page.getByRole('button', { name: 'Yes, this wasn’t me' }).click()
    await page.getByRole('link', { name: 'Choose a new password' }).click()
    await page.waitForURL(`${base}/password`)

    expect(marked).toEqual([others[2]])
    expect((await sessions.list('ada')).map(({ id }) => id)).not.toContain(others[2])
  })
})

it('by keyboard alone: every stop can be seen, and a device is signed out', async () => {
  const { base, sessions } = await site()
  const { page } = await newVisitor(browser, base)
  await page.goto('/in')
  await page.goto(HOME)
  const stops: { text: string; outline: string }[] = []
  // The one in use, then "Sign out" of the next.
  for (let i = 0; i < 2; i++) {
    await page.keyboard.press('Tab')
    stops.push(await page.evaluate(focus))
  }
  await page.keyboard.press('Enter')
  await page.waitForURL('**/end?id=*')
  await page.keyboard.press('Tab')
  stops.push(await page.evaluate(focus))
  await page.keyboard.press('Enter')
  await page.getByRole('status').waitFor()

  expect(stops.map(({ text }) => text)).toEqual(['Sign out', 'Sign out', 'Sign out 1 device'])
  expect(stops.map(({ outline }) => outline)).toEqual(Array(3).fill('3px solid'))
  expect(await sessions.list('ada')).toHaveLength(4)
})

it('a hostile name runs nothing under the page’s own policy', async () => {
  const { base } = await site()
  const { page, complaints, urls } = await newVisitor(browser, base)
  page.on('dialog', (dialog) => complaints.push(dialog.message()))
  await page.goto('/in')
  await page.goto(HOME)
  await page.getByText('<script>alert(1)</script>').first().waitFor()

  expect(complaints).toEqual([])
  expect(urls.filter((url) => url.includes('.css'))).toHaveLength(1)
})
