import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { addToBasket, launchBrowser, newVisitor, passwordOf, signIn, signUp } from './browser.ts'
import { withinReach } from './in-page.js'

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

const visitor = (options = {}) => newVisitor(browser, demo.url, options)

describe('a visit', () => {
  it('carries the basket from before sign-in through it, and leaves nothing after', async () => {
    const { page, context, complaints } = await visitor()
    await addToBasket(page, 'b1')
    await addToBasket(page, 'b32')
    const before = (await context.cookies())[0]
    await signIn(page)
    const after = (await context.cookies())[0]
    await page.getByRole('link', { name: /^Basket/ }).click()
    const titles = await page.getByRole('main').getByRole('heading', { level: 2 }).allTextContents()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'See you again' }).waitFor()
    const left = await context.cookies()

    expect(titles).toContain('The Lamp at Saint Orrin')
    expect(titles).toContain('Sojourn')
    expect(before?.value).not.toBe(after?.value)
    expect(after).toMatchObject({ name: 'sjn', httpOnly: true, sameSite: 'Lax', path: '/', expires: -1 })
    expect(left).toEqual([])
    expect(complaints).toEqual([])
  })

  it('changes quantities and puts books back', async () => {
    const { page, complaints } = await visitor()
    await addToBasket(page, 'b10')
    await page.goto('/basket')
    await page.getByLabel('How many of Quince').fill('3')
    await page.getByRole('button', { name: 'Change how many of Quince' }).click()
    await page.getByText('× 3 = €37.50').waitFor()

    await page.getByRole('button', { name: 'Put back Quince' }).click()
    await page.getByRole('heading', { name: 'Nothing in it yet' }).waitFor()

    expect(complaints).toEqual([])
  })

  it('begins with a sign-up that says beside the field what is wrong', async () => {
    const { page } = await visitor()
    await page.goto('/signup?next=/sessions')
    await page.getByLabel('Choose a name').fill('wren')
    await page.getByLabel('Choose a password').fill('too short')
    await page.getByRole('button', { name: 'Become a reader' }).click()
    const problem = await page.locator('#password-problem').textContent()
    await page.getByLabel('Choose a password').fill('seven green umbrellas')
    await page.getByRole('button', { name: 'Become a reader' }).click()
    await page.getByRole('heading', { name: 'Your devices' }).waitFor()

    expect(problem).toContain('at least 15 characters')
  })
})

describe('two browsers', () => {
  it('see each other, and one ends the other at once', async () => {
    const desk = await visitor()
    const phone = await visitor({
      userAgent:
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    })
    await signUp(desk.page, 'edith')
    await signIn(phone.page, 'edith', passwordOf('edith'))
    await desk.page.goto('/sessions')
    const device = desk.page.getByRole('listitem').filter({ hasText: 'Safari on iPhone' })
    await device.getByRole('button', { name: 'Sign out' }).click()
    await desk.page.getByText('That device is signed out.').waitFor()
    const isListed = await device.count()

    await phone.page.goto('/me')

    expect(isListed).toBe(0)
    await phone.page.getByText('This device was signed out from another one.').waitFor()
    expect(await phone.page.content()).not.toContain('edith')
    expect(await desk.page.getByText('this one', { exact: true }).count()).toBe(1)
    expect([...desk.complaints, ...phone.complaints]).toEqual([])
  })

  it('end together when one of them says so', async () => {
    const here = await visitor()
    const there = await visitor()
    await signIn(here.page)
    await signIn(there.page)
    await here.page.goto('/sessions')

    await here.page.getByRole('button', { name: 'Sign out everywhere, here too' }).click()
    await here.page.getByText('You are signed out on every device.').waitFor()
    await there.page.reload()

    await there.page.getByRole('heading', { name: 'Please sign in again' }).waitFor()
  })
})

describe('after sign-out', () => {
  it.each([
    ['with script', true],
    ['without script', false],
  ])('the back button shows nothing private, %s', async (_how, javaScriptEnabled) => {
    const { page } = await visitor({ javaScriptEnabled })
    await signIn(page)
    await page.goto('/sessions')
    await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'See you again' }).waitFor()

    await page.goBack()
    const first = { url: page.url(), text: await page.getByRole('main').textContent() }
    await page.goBack()
    const second = { url: page.url(), text: await page.getByRole('main').textContent() }

    expect(first.url).toContain('/sessions')
    expect(second.url).toContain('/me')
    for (const { text } of [first, second]) expect(text).not.toMatch(/ada|Chrome on|this one/)
  })
})

describe('without script', () => {
  it('everything works: shop, sign in, devices, stay, sign out', async () => {
    const { page } = await visitor({ javaScriptEnabled: false })
    await addToBasket(page, 'b4')
    await signIn(page)
    await page.getByText('If you do nothing, this visit ends in 30 minutes').waitFor()
    await page.getByRole('contentinfo').getByRole('button', { name: 'Stay signed in' }).click()
    await page.getByText('Take your time. You stay signed in.').waitFor()
    await page.getByRole('link', { name: 'Basket' }).click()
    await page.getByRole('button', { name: 'Set them aside for me' }).click()
    await page.getByText('We have set aside 1 book for you').waitFor()
    await page.goto('/sessions')
    await page.getByRole('listitem').filter({ hasText: 'this one' }).getByRole('button', { name: 'Sign out' }).click()

    await page.getByRole('heading', { name: 'See you again' }).waitFor()
  })
})

describe('the token', () => {
  it('is in no page, no address, no storage, and out of reach of scripts', async () => {
    const { page, context, urls } = await visitor()
    const tokens = new Set<string>()
    const seen: string[] = []
    const look = async (path: string) => {
      await page.goto(path)
      seen.push(await page.content(), page.url(), await page.evaluate(withinReach))
      for (const cookie of await context.cookies()) tokens.add(cookie.value)
    }
    await addToBasket(page, 'b2')
    await look('/basket')
    await signIn(page)
    for (const path of ['/', '/me', '/sessions', '/basket', '/login', '/about', '/nowhere']) await look(path)

    expect(tokens.size).toBe(2)
    const everything = [...seen, ...urls, demo.output()].join('\n')
    for (const token of tokens) expect(everything).not.toContain(token)
    expect(everything).not.toContain('sjn1_')
  })
})
