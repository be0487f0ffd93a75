// The attacker has: a copy of the victim's cookie, and the back button of the victim's browser.
// The attacker does: sends the old cookie after the victim signed out, on every page.
// The attacker must not obtain: any page as the victim, nor a cookie that makes one.
import { expect, it } from 'vitest'
import { browser, site, withToken } from './support.ts'

it.each(['/me', '/public', '/rotate', '/step-up', '/basket?item=x', '/login?as=attacker'])(
  '%s with the old cookie is nobody’s',
  async (path) => {
    const shop = site()
    const victim = browser(shop)
    await victim.visit('/login?as=victim')
    const copy = victim.token()
    await victim.visit('/logout')
    await withToken(shop, copy, path)

    expect([
      await shop.sessions.list('victim'),
      ((await (await withToken(shop, copy)).json()) as { subject: null }).subject,
    ]).toEqual([[], null])
  },
)

it('the browser’s own copy is cleared, and personal pages are not kept for the back button', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const page = await victim.visit('/me')
  const response = await victim.visit('/logout')

  expect([victim.token(), page.headers.get('cache-control'), response.headers.get('clear-site-data')]).toEqual([
    undefined,
    expect.stringMatching(/no-store|private/),
    expect.stringContaining('"'),
  ])
})

it('each use of the old cookie is an event', async () => {
  const shop = site()
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const copy = victim.token()
  await victim.visit('/logout')
  await withToken(shop, copy)

  expect(await shop.seen('session.used-after-end')).toMatchObject([{ reason: 'logout' }])
})
