// OWASP ASVS 5.0.0, V3.5 Browser Origin Separation: the rows a session library can show.
import { expect, it } from 'vitest'
import { csrfSite } from '../../http/support/csrf.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

it('ASVS-3.5.1: an unsafe request without proof that it is the application’s own is 403 before the handler', async () => {
  const shop = csrfSite()
  const cookie = await shop.signedIn()
  let isCalled = false
  const asked = shop.ask({ headers: { ...FORM, cookie } }, () => {
    isCalled = true
  })

  await expect(asked).rejects.toMatchObject({ status: 403, rule: 'token-missing' })
  expect(isCalled).toBe(false)
})

it.each([
  ['application/json', 'anonymous'],
  ['application/graphql-response+json; charset=utf-8', 'anonymous'],
  ['text/plain', 'token-missing'],
  ['application/x-www-form-urlencoded', 'token-missing'],
  ['multipart/form-data; boundary=x', 'token-missing'],
  ['TEXT/PLAIN', 'token-missing'],
])('ASVS-3.5.2: where a preflight is relied on, %s: %s', async (type, outcome) => {
  expect(await csrfSite().outcome({ headers: { 'content-type': type } })).toBe(outcome)
})

it('ASVS-3.5.3: a GET that does something can be held to Sec-Fetch-*, and no method but the safe ones passes unseen', async () => {
  const shop = csrfSite({ csrf: { protect: ['/unsubscribe'] } })
  const crossSite = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  const outcome = (method: string) => shop.outcome({ method, headers: crossSite, path: '/unsubscribe' })

  expect(await Promise.all(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'].map(outcome))).toEqual(
    Array(6).fill('sec-fetch-site'),
  )
})

it('ASVS-3.5.8: what only this site’s pages may load is refused to all others’', async () => {
  const shop = csrfSite({ csrf: { protect: () => 'subresources' } })
  const image = (site: string) =>
    shop.outcome({ method: 'GET', headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' } })

  expect([await image('same-origin'), await image('same-site'), await image('cross-site')]).toEqual([
    'anonymous',
    'sec-fetch-site',
    'sec-fetch-site',
  ])
})
