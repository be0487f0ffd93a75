import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOSTILE, OPERATORS, type Site, startSite } from '../console/site.ts'
import { launchBrowser, newVisitor, shoot } from './browser.ts'
import { axeViolations, focus, missing } from './in-page.js'

const AXE = readFileSync(join(import.meta.dirname, '..', '..', 'node_modules', 'axe-core', 'axe.min.js'), 'utf8')
const DAY = 86_400_000

let site: Site
let browser: Browser
const ids: string[] = []

beforeAll(async () => {
  const counts = { watching: 12, due: 0, delivered: 240, dead: 1 }
  const dead = {
    sessionId: 'A'.repeat(22),
    clientId: 'club',
    subject: 'ada',
    nextAt: 0,
    endedAt: 0,
    attempts: 9,
    lastError: 'status-503',
  }
  const strange = {
    ...{ seq: 1, at: 0, type: 'anomaly.detected', subject: 'ada', sessionId: undefined, actor: undefined, times: 1 },
    ...{ level: 'warn' as const, sentence: '', reason: 'The sign-in came from too far away for the time since the last one.' },
    details: {
      signal: 'impossible-travel',
      score: 0.93,
      action: 'step-up',
      features: [
        { name: 'speed', contribution: 0.8 },
        { name: 'distance', contribution: 0.1 },
      ],
    },
  } as const
  site = await startSite({
    console: {
      hub: {
        deliveries: async () => ({
          counts,
          clients: [{ id: 'club', name: 'Reading club', isKnown: true, counts }],
          due: [],
          dead: [dead],
        }),
        retry: async () => 1,
      },
      tokens: {
        signingKeys: async () => [
          {
            kid: 'key-of-november',
            algorithm: 'EdDSA',
            state: 'signing',
            signsFrom: 0,
            signsUntil: DAY,
            publishedUntil: 2 * DAY,
          },
        ],
      },
      audit: {
        record: async () => {},
        search: async ({ types }) => ({ entries: types === undefined ? [] : [strange], older: undefined, newer: undefined }),
        verify: async () => ({ isIntact: true, findings: [] }),
      },
    },
  })
  const devices = ['Firefox on Linux', 'Safari on iPhone', 'Chrome on Windows']
  for (let index = 0; index < 12; index++) {
    const subject = ['ada', 'grace', 'linus', HOSTILE.subject][index % 4]!
    const device = index === 3 ? HOSTILE.device : devices[index % 3]!
    ids.push((await site.sessions.signIn({ subject, method: 'pwd' }, { device, network: '203.0.113.0/24' })).id!)
    site.clock.advance(60_000)
  }
  await site.sessions.revoke(ids[1]!, { reason: 'lost-device', actor: OPERATORS[1]! })
  for (let index = 0; index < 5; index++) site.sessions.events.emit({ type: 'token.refused', state: 'forged' })
  await site.sessions.events.drained()
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  site?.close()
})

async function visit(options: BrowserContextOptions = {}, subject = OPERATORS[0]!) {
  const visitor = await newVisitor(browser, site.url, options)
  const [name = '', value = ''] = (await site.operator(subject)).cookie.split('=')
  await visitor.context.addCookies([{ name, value, url: site.url, httpOnly: true }])
  return visitor
}

const PAGES: Readonly<Record<string, () => string>> = {
  overview: () => '',
  sessions: () => '/sessions',
  'sessions-none': () => '/sessions?q=nobody',
  session: () => `/sessions/${ids[0]}`,
  'session-ended': () => `/sessions/${ids[1]}`,
  'session-hostile': () => `/sessions/${ids[3]}`,
  'end-session': () => `/sessions/${ids[0]}/end`,
  'end-matching': () => '/sessions/end-matching?by=network&q=203.0.113.0%2F24',
  people: () => '/people',
  person: () => `/people?subject=${encodeURIComponent(HOSTILE.subject)}`,
  'end-person': () => '/people/end?subject=ada',
  anomalies: () => '/anomalies',
  audit: () => '/audit',
  applications: () => '/applications',
  policy: () => '/policy',
  keys: () => '/keys',
  nowhere: () => '/nowhere',
}

describe.each([360, 900, 1440])('at %d pixels', (width) => {
  it.each(['light', 'dark'] as const)(
    'every page fits, and is whole for who cannot see it, in the %s',
    { timeout: 120_000 },
    async (colorScheme) => {
      const { page, complaints } = await visit({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
      const found: string[] = []
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(`/console${path()}`)
        await shoot(page, `console-${name}-${width}-${colorScheme}`)
        await page.evaluate(AXE)
        found.push(...(await page.evaluate(axeViolations)).map((what) => `${name}: ${what}`))
        const widest = (await page.evaluate(missing)).filter((what) => what.startsWith('width'))
        found.push(...widest.map((what) => `${name}: ${what}`))
      }

      expect(found).toEqual([])
      expect(complaints).toEqual([])
    },
  )
})

describe.each([true, false])('with script: %s', (javaScriptEnabled) => {
  it('an operator finds a session, reads what will end, ends it, and is told', async () => {
    const { id = '' } = await site.sessions.signIn({ subject: `to-end-${javaScriptEnabled}`, method: 'pwd' })
    const { page, complaints } = await visit({ javaScriptEnabled })

    await page.goto('/console')
    await page.getByRole('link', { name: 'Sessions', exact: true }).click()
    await page.getByLabel('Look for').fill(`to-end-${javaScriptEnabled}`)
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator(`a[href="/console/sessions/${id}"]`).click()
    await page.getByRole('link', { name: 'End this session' }).click()
    await page.getByLabel('Why').selectOption('lost-device')
    await page.getByRole('button', { name: 'End 1 session' }).click()

    await page.getByText('The session has ended.').waitFor()
    expect(await site.sessions.list(`to-end-${javaScriptEnabled}`)).toEqual([])
    expect(complaints).toEqual([])
  })
})

it('the keyboard alone is enough to end a session, and every stop can be seen', async () => {
  const { id = '' } = await site.sessions.signIn({ subject: 'by-keyboard', method: 'pwd' })
  const { page } = await visit()
  await page.goto(`/console/sessions/${id}`)
  const press = async (name: RegExp) => {
    for (let stop = 0; stop < 40; stop++) {
      await page.keyboard.press('Tab')
      const { text, outline } = await page.evaluate(focus)
      expect(outline).toBe('3px solid')
      if (name.test(text ?? '')) return page.keyboard.press('Enter')
    }
    throw new Error(`No stop is called ${name}`)
  }

  await press(/^Skip to the page$/)
  await press(/^End this session$/)
  await page.waitForURL('**/end')
  await press(/^End 1 session$/)

  await page.getByText('The session has ended.').waitFor()
})

it('with script, counters follow and what another operator does is told, without a reload', async () => {
  const { page, complaints } = await visit()
  await page.goto('/console')
  await page.getByText('Live', { exact: true }).waitFor()
  const counter = page.locator('.stat dd').first()
  const before = await counter.textContent()

  const other = await site.sessions.signIn({ subject: 'moving', method: 'pwd' })
  await expect.poll(() => counter.textContent(), { timeout: 10_000 }).not.toBe(before)
  await site.sessions.revoke(other.id!, { reason: 'lost-device', actor: OPERATORS[1]! })

  await page.getByText('second-librarian ended a session of moving.').waitFor()
  expect(complaints).toEqual([])
})

it('hostile names run nothing in a real browser', async () => {
  const { page, complaints } = await visit()
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`))
  for (const path of ['session-hostile', 'person', 'sessions']) await page.goto(`/console${PAGES[path]!()}`)
  expect(await page.locator('main img, main b, main script').count()).toBe(0)
  expect(complaints).toEqual([])
})
