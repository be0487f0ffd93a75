/** The shop's second factors as people meet them, in a real browser with a virtual authenticator (DevTools protocol, domain WebAuthn). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SEEDED } from '../../demo/people.ts'
import { codeOf } from '../demo/client.ts'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { addPasskey, deviceOf } from './authenticator.ts'
import { addToBasket, launchBrowser, newVisitor, passwordOf, signUp } from './browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let demo: Demo
let browser: Browser
/** Passkeys are made for a name; at the address of the other tests there are none. */
let site: string

beforeAll(async () => {
  demo = await startDemo(folder)
  site = `http://localhost:${demo.port}`
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

async function visitor(options: BrowserContextOptions = {}) {
  const made = await newVisitor(browser, site, options)
  return { ...made, device: await deviceOf(made.page) }
}

async function addApp(page: Page): Promise<string> {
  await page.goto('/security')
  await page.getByRole('button', { name: 'Add an app' }).click()
  const key = (await page.locator('[data-key]').getAttribute('data-key')) ?? ''
  await page.getByLabel('Code from your app').fill(codeOf(key, -1))
  await page.getByRole('button', { name: 'Add this app' }).click()
  await page.getByText('Your authenticator app is added.').waitFor()
  return key
}

async function givePassword(page: Page, name: string, password = passwordOf(name)): Promise<void> {
  await page.getByLabel('Your name here').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
}

async function signOut(page: Page): Promise<void> {
  await page.getByRole('banner').getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'See you again' }).waitFor()
}

describe('a passkey', { timeout: 60_000 }, () => {
  it('is added, signs in by itself with the basket, and approves exactly what is paid', async () => {
    const { page, complaints, device } = await visitor()
    await signUp(page, 'nora')
    await addPasskey(page, 'Nora’s laptop')
    const listed = await page.getByRole('listitem').filter({ hasText: 'Nora’s laptop' }).textContent()
    await signOut(page)
    await addToBasket(page, 'b1')

    // The offer in the field takes the first finger there is; this one is for the button.
    await page.goto('/login?next=/me')
    await page.waitForURL('**/me')
    const acr = await page.getByText('aal2').textContent()
    await page.goto('/basket')
    await page.getByRole('button', { name: 'Pay €14.50' }).click()
    await page.getByText('Pay €14.50 for 1 book: The Lamp at Saint Orrin').waitFor()
    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByText('Approved and done: €14.50.').waitFor()
    await page.goto('/security')
    const used = await page.getByRole('listitem').filter({ hasText: 'Nora’s laptop' }).textContent()
    const { credentials } = await device.cdp.send('WebAuthn.getCredentials', { authenticatorId: device.authenticatorId })

    expect(listed).toContain('never')
    expect(acr).toContain('a passkey')
    expect(used).not.toContain('never')
    expect(credentials).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }])
    expect(complaints).toEqual([])
  })

  it('signs in at the press of the button as well', async () => {
    const { page, complaints, device } = await visitor()
    await signUp(page, 'otto')
    await addPasskey(page, 'Otto’s key')
    await signOut(page)
    // No finger for the offer in the field, which waits on; one for the button.
    await device.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: device.authenticatorId, enabled: false })
    await page.goto('/login?next=/me')
    await page.getByRole('button', { name: 'Use a passkey' }).waitFor()
    await device.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: device.authenticatorId, enabled: true })

    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await page.getByRole('heading', { name: 'Your visit, otto' }).waitFor()

    expect(complaints).toEqual([])
  })

  it('finishes what a password began', async () => {
    const { page, complaints, device } = await visitor()
    await signUp(page, 'pia')
    await addPasskey(page, 'Pia’s phone')
    await signOut(page)
    await device.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: device.authenticatorId, enabled: false })
    await page.goto('/login?next=/me')
    await givePassword(page, 'pia')
    await page.getByRole('heading', { name: 'Show that it is you' }).waitFor()
    await page.goto('/sessions')
    const sentBack = new URL(page.url())
    await device.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId: device.authenticatorId, enabled: true })

    await page.getByRole('button', { name: 'Use your passkey' }).click()
    await page.getByRole('heading', { name: 'Your devices' }).waitFor()

    expect([sentBack.pathname, sentBack.searchParams.get('returnTo')]).toEqual(['/step-up', '/sessions'])
    expect(complaints).toEqual([])
  })

  it('of somebody who stopped is not asked for again, and says in words what happened', async () => {
    const { page, device } = await visitor()
    await signUp(page, 'quinn')
    await page.goto('/security')
    await device.cdp.send('WebAuthn.setUserVerified', { authenticatorId: device.authenticatorId, isUserVerified: false })

    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('Nothing was done: it was called off').waitFor()

    expect(await page.getByRole('listitem').filter({ hasText: 'passkey' }).count()).toBe(0)
  })

  it('is not offered at another name of the shop, which says where it works', async () => {
    const { page, complaints } = await newVisitor(browser, demo.url)
    await page.goto('/login')
    const hasButton = await page.getByRole('button', { name: 'Use a passkey' }).isVisible()
    await signUp(page, 'rosa')
    await page.goto('/security')

    expect(hasButton).toBe(false)
    expect(await page.getByRole('button', { name: 'Add a passkey' }).isVisible()).toBe(false)
    await page.getByText(`the shop’s own address (localhost:${demo.port})`).waitFor()
    expect(complaints).toEqual([])
  })
})

describe('an authenticator app', { timeout: 60_000 }, () => {
  it('is asked for after the password, which brings the visitor where they wanted to be', async () => {
    const { page, complaints } = await visitor()
    await page.goto('/sessions')
    await givePassword(page, 'grace', SEEDED.password)
    await page.getByText('Your password was right, grace.').waitFor()
    await page.getByLabel('Code from your app').fill('000 000')
    await page.getByRole('button', { name: 'Go on' }).first().click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Code from your app').fill(codeOf(demo.codeKey))
    await page.getByRole('button', { name: 'Go on' }).first().click()
    await page.getByRole('heading', { name: 'Your devices' }).waitFor()

    await page.getByText('Welcome back, grace.').waitFor()
    expect(complaints).toEqual([])
  })

  it.each([
    ['with script', {}],
    ['without script', { javaScriptEnabled: false }],
  ])('is added, approves, and is removed, %s', async (how, options) => {
    const { page, complaints } = await newVisitor(browser, site, options)
    const name = how === 'with script' ? 'sam' : 'tess'
    await signUp(page, name)
    const key = await addApp(page)
    await page.getByRole('button', { name: 'Sign out the others' }).waitFor()
    await addToBasket(page, 'b2')
    await page.goto('/basket')
    await page.getByRole('button', { name: /^Pay/ }).click()
    await page.getByText('Pay €16.90 for 1 book').waitFor()
    await page.getByLabel('Code from your app').fill(codeOf(key))
    await page.getByRole('button', { name: 'Approve' }).first().click()
    await page.getByText('Approved and done: €16.90.').waitFor()

    await page.goto('/security')
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('It is removed').waitFor()

    await page.getByText('So far it is the password alone.').waitFor()
    expect(complaints).toEqual([])
  })

  it('lost, is made up for by a recovery code, once', async () => {
    const { page, complaints } = await newVisitor(browser, site)
    await signUp(page, 'uma')
    await addApp(page)
    await page.goto('/security')
    await page.getByRole('button', { name: 'Make recovery codes' }).click()
    await page.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    const [code = ''] = await page.locator('.codes code').allTextContents()
    await signOut(page)

    for (const isFirst of [true, false]) {
      await page.goto('/login?next=/security')
      await givePassword(page, 'uma')
      await page.getByText('Use a recovery code').click()
      await page.getByLabel('Recovery code').fill(code)
      await page.getByRole('button', { name: 'Go on' }).last().click()
      if (!isFirst) break
      await page.getByText('That recovery code is spent; 9 are left.').waitFor()
      await signOut(page)
    }

    await page.getByRole('alert').waitFor()
    expect(complaints).toEqual([])
  })
})
