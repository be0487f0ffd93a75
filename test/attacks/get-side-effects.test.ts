// The attacker has: a page or a mail with a link or an image that leads to the site, and a victim who is signed in.
// The attacker does: has the browser GET what changes something, or a POST dressed as a GET, or a GET dressed as something else.
// The attacker must not obtain: the deed, where the application says that this GET is one.
import { expect, it } from 'vitest'
import { browser, site } from './support.ts'

const IMAGE = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }
const LINK = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
}
const OLD_IMAGE = { referer: 'https://evil.example/' }

async function victimOf(protect: Parameters<typeof site>[1]) {
  const shop = site({}, protect)
  const victim = browser(shop)
  await victim.visit('/login?as=victim', { headers: { 'sec-fetch-site': 'same-origin' } })
  const get = async (headers: Record<string, string>, method = 'GET') =>
    (await victim.visit('/transfer', { method, headers })).status
  return { victim, get, transfers: async () => ((await victim.me()).data as { transfers?: number }).transfers ?? 0 }
}

it('an image, a link, a silent browser and HEAD do nothing on a GET that is protected', async () => {
  const { get, transfers } = await victimOf({ csrf: { protect: ['/transfer'] } })
  const statuses = [await get(IMAGE), await get(LINK), await get(OLD_IMAGE), await get({}), await get(IMAGE, 'HEAD')]

  expect([statuses, await transfers()]).toEqual([[403, 403, 403, 403, 403], 0])
})

it('the site’s own link does', async () => {
  const { get, transfers } = await victimOf({ csrf: { protect: ['/transfer'] } })

  expect([await get({ 'sec-fetch-site': 'same-origin' }), await transfers()]).toEqual([200, 1])
})

it('a page that other sites may link to can still be none of their images, frames and scripts', async () => {
  const { get } = await victimOf({ csrf: { protect: () => 'subresources' } })
  const frame = { ...LINK, 'sec-fetch-dest': 'iframe' }
  const embed = { ...LINK, 'sec-fetch-dest': 'embed' }
  const statuses = [
    await get(LINK),
    await get(IMAGE),
    await get(frame),
    await get(embed),
    await get({ origin: 'https://evil.example' }),
  ]

  expect(statuses).toEqual([200, 403, 403, 403, 403])
})

it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])('%s makes no read of a write', async (name) => {
  const { victim } = await victimOf({})
  const response = await victim.visit('/transfer', { method: 'POST', headers: { ...IMAGE, [name]: 'GET' } })

  expect(response.status).toBe(403)
})
