/** The demo over TLS with everything on, as a person sees it: the page that says what protects a visit, and what a thief gets. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { shoot, signIn, signUp } from './browser.ts'
import { tlsDemo } from './tls-demo.ts'

const visitor = tlsDemo()

/** What the page about one's own visit is headed. */
async function me(page: Page): Promise<string | null> {
  await page.goto('/me')
  return page.getByRole('heading', { level: 1 }).textContent()
}

const BOUND = 'This visit is bound to this device. Its cookies are worth nothing anywhere else.'

async function bound(page: Page): Promise<void> {
  await page.locator('[data-protection="device"]').getByText(BOUND).waitFor({ timeout: 20_000 })
}

describe('the page about a visit’s protection', { timeout: 60_000 }, () => {
  it('shows the binding as it comes about, and what each layer does', async () => {
    const { page, complaints } = await visitor()
    await signIn(page)
    await page.goto('/protection')

    await bound(page)
    await shoot(page, 'protection-bound')
    const strengths = await page
      .locator('[data-protection]')
      .evaluateAll((items) => items.map((item) => [item.getAttribute('data-protection'), item.getAttribute('data-strength')]))

    expect(Object.fromEntries(strengths)).toEqual({
      device: 'strong',
      traits: 'strong',
      token: 'strong',
      requests: 'strong',
      pages: 'strong',
    })
    expect(await page.getByText("frame-ancestors 'none'").count()).toBe(1)
    expect(complaints).toEqual([])
  })

  it('tells of a change while it is looked at', async () => {
    const { page, context } = await visitor()
    await signIn(page)
    await page.goto('/protection')
    await bound(page)
    const userAgent = await page.evaluate('navigator.userAgent')
    const newer = String(userAgent).replace(/Chrome\/(\d+)/, (_, major) => `Chrome/${Number(major) + 1}`)
    const devtools = await context.newCDPSession(page)
    await devtools.send('Network.setUserAgentOverride', { userAgent: newer })

    const traits = page.locator('[data-protection="traits"]')

    await traits.getByText('browser-update').waitFor({ timeout: 10_000 })
    expect(await traits.getAttribute('data-strength')).toBe('fair')
  })

  it('says to a visitor without a visit that there is nothing to steal', async () => {
    const { page, context, complaints } = await visitor()

    await page.goto('/protection')

    await page.getByText('No cookie, no token, nothing to steal.').waitFor()
    expect(await context.cookies()).toEqual([])
    expect(complaints).toEqual([])
  })
})

describe('a thief', { timeout: 60_000 }, () => {
  it('who copies the session’s cookie from a bound browser is nobody, and the owner stays in', async () => {
    const owner = await visitor()
    await signIn(owner.page)
    await owner.page.goto('/protection')
    await bound(owner.page)
    const token = (await owner.context.cookies()).filter(({ name }) => name === '__Host-sjn')
    const thief = await visitor()
    await thief.context.addCookies(token)

    // What the owner's browser sent before it had registered may still be under way, for two seconds.
    await expect.poll(() => me(thief.page), { timeout: 10_000 }).toBe('Please sign in again')
    await owner.page.goto('/me')

    expect(await thief.page.content()).not.toContain('ada')
    expect(await thief.page.content()).toContain('This visit is bound to a device')
    await owner.page.getByRole('heading', { name: 'Your visit, ada' }).waitFor()
  })

  it('who takes it to another system before it is bound ends the visit for both', async () => {
    const owner = await visitor({ javaScriptEnabled: false })
    await signUp(owner.page, 'edith')
    const cookies = await owner.context.cookies()
    const thief = await visitor({
      userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    })
    await thief.context.addCookies(cookies)

    await thief.page.goto('/me')
    await owner.page.goto('/me')

    for (const { page } of [thief, owner]) {
      await page.getByRole('heading', { name: 'Please sign in again' }).waitFor()
      expect(await page.content()).not.toContain('edith')
    }
  })
})
