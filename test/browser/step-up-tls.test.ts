/** Second factors over HTTPS, with the device's key beside them: each proof replaces the token, and the binding goes on. */

import { expect, it } from 'vitest'
import { addPasskey, deviceOf } from './authenticator.ts'
import { addToBasket, signUp } from './browser.ts'
import { tlsDemo } from './tls-demo.ts'

const visitor = tlsDemo()

it('a visit that is bound to its device takes a passkey, pays with it, and stays bound', { timeout: 90_000 }, async () => {
  const { page, context, complaints } = await visitor()
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
