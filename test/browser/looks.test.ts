import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../demo/client.ts'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { addToBasket, launchBrowser, newVisitor, passwordOf, shoot, signIn, signUp } from './browser.ts'
import { focus, missing, worstContrast } from './in-page.js'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let demo: Demo
let browser: Browser

beforeAll(async () => {
  demo = await startDemo(folder)
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }
const DESKTOP = { viewport: { width: 1280, height: 900 } }

describe.each([
  ['phone', PHONE],
  ['desktop', DESKTOP],
])('on a %s', (device, screen) => {
  it.each(['light', 'dark'] as const)(
    'every page fits, can be read in the %s, and is whole for who cannot see it',
    { timeout: 60_000 },
    async (colorScheme) => {
      const { page, complaints } = await newVisitor(browser, `http://localhost:${demo.port}`, { ...screen, colorScheme })
      const found: string[] = []
      const look = async (name: string) => {
        await shoot(page, `${name}-${device}-${colorScheme}`)
        found.push(...(await page.evaluate(missing)).map((what) => `${name}: ${what}`))
      }
      const visit = async (name: string, path: string) => {
        await page.goto(path)
        await look(name)
      }

      await visit('home', '/')
      await visit('basket-empty', '/basket')
      await addToBasket(page, 'b1')
      await addToBasket(page, 'b13')
      await look('book')
      await visit('sign-in', '/login')
      await visit('sign-up', '/signup')
      await page.getByLabel('Choose a name').fill('?')
      await page.getByLabel('Choose a password').fill('?')
      await page.getByRole('button', { name: 'Become a reader' }).click()
      await page.getByRole('alert').waitFor()
      await look('sign-up-wrong')
      await signIn(page)
      await visit('basket', '/basket')
      await visit('account', '/me')
      await visit('devices', '/sessions')
      await visit('protection', '/protection')
      await visit('about', '/about')
      await visit('nowhere', '/nowhere')
      await visit('signed-out', '/signed-out')

      const reader = `looks-${device}-${colorScheme}`
      await signUp(page, reader)
      await visit('security-empty', '/security')
      await page.getByRole('button', { name: 'Add an app' }).click()
      await look('app')
      const key = (await page.locator('[data-key]').getAttribute('data-key')) ?? ''
      await page.getByLabel('Code from your app').fill('000000')
      await page.getByRole('button', { name: 'Add this app' }).click()
      await page.getByRole('alert').waitFor()
      await look('app-wrong')
      await page.getByLabel('Code from your app').fill(codeOf(key))
      await page.getByRole('button', { name: 'Add this app' }).click()
      await page.getByText('Your authenticator app is added.').waitFor()
      await page.getByRole('button', { name: 'Make recovery codes' }).click()
      await look('recovery-codes')
      await page.getByRole('link', { name: 'I have kept them' }).click()
      await look('security')
      await addToBasket(page, 'b1')
      await visit('basket-to-pay', '/basket')
      await page.getByRole('button', { name: /^Pay/ }).click()
      await page.getByRole('heading', { name: 'Please approve' }).waitFor()
      await look('approve')
      await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
      await page.goto('/login')
      await page.getByLabel('Your name here').fill(reader)
      await page.getByLabel('Password').fill(passwordOf(reader))
      await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByText('Use a recovery code').click()
      await look('step-up')

      expect(found).toEqual([])
      expect(complaints).toEqual([])
      const worst = await page.evaluate(worstContrast)
      expect(worst.ratio, worst.pair).toBeGreaterThanOrEqual(4.5)
    },
  )
})

describe('by keyboard', () => {
  it('the first stop leads past the head, and every stop can be seen', async () => {
    const { page } = await newVisitor(browser, demo.url, DESKTOP)
    await page.goto('/')
    await page.keyboard.press('Tab')
    const first = await page.evaluate(focus)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')

    const second = await page.evaluate(focus)

    expect(first.text).toBe('Skip to the books')
    expect(second).toMatchObject({ isInMain: true, outline: '3px solid' })
  })
})
