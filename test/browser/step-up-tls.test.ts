/** Second factors over HTTPS, with the device's key beside them: each proof replaces the token, and the binding goes on. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Demo, startDemo } from '../demo/demo-process.ts'
import { addPasskey, deviceOf } from './authenticator.ts'
import { keyHashOf, launchBinding } from './binding-chromium.ts'
import { addToBasket, newVisitor, signUp } from './browser.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-browser-'))
let demo: Demo
let browser: Browser

beforeAll(async () => {
  demo = await startDemo(folder, {}, ['--tls'])
  browser = await launchBinding(await keyHashOf(demo))
})
afterAll(async () => {
  await browser?.close()
  await demo?.kill()
  rmSync(folder, { recursive: true, force: true })
})

it('a visit that is bound to its device takes a passkey, pays with it, and stays bound', { timeout: 90_000 }, async () => {
  const { page, context, complaints } = await newVisitor(browser, demo.url)
  await deviceOf(page)
  await signUp(page, 'xenia')
  await page.goto('/protection')
  const device = page.locator('[data-protection="device"]')
  await device.getByText('This visit is bound to this device.').waitFor({ timeout: 20_000 })

  await addPasskey(page, 'Xenia’s laptop')
  await addToBasket(page, 'b1')
  await page.goto('/basket')
  await page.getByRole('button', { name: 'Pay €14.50' }).click()
  await page.getByRole('button', { name: 'Use your passkey' }).click()
  await page.getByText('Approved and done: €14.50.').waitFor()
  await page.goto('/protection')
  await device.getByText('This visit is bound to this device.').waitFor({ timeout: 20_000 })
  const proved = await page.locator('[data-fact="Proved so far"]').textContent()
  const cookies = await context.cookies()

  expect(proved).toContain('aal2: pwd')
  for (const { secure, httpOnly } of cookies) expect([secure, httpOnly]).toEqual([true, true])
  expect(cookies.map(({ name }) => name)).toContain('__Host-sjn-known')
  expect(complaints).toEqual([])
})
