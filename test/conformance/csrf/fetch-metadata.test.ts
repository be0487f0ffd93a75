// Fetch Metadata, and the CSRF Prevention Cheat Sheet's sections on it and on standard headers.
import { expect, it } from 'vitest'
import { csrfSite, type Given } from '../../http/support/csrf.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const OWN = 'https://shop.example'
const post = (headers: Record<string, string>): Given => ({ headers: { ...FORM, ...headers } })
const get = (headers: Record<string, string>): Given => ({ method: 'GET', headers })

it('FM-01: an unsafe request of another site is refused', async () => {
  expect(await csrfSite().outcome(post({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }))).toBe('sec-fetch-site')
})

it('FM-02: same-origin and none pass; a sibling host passes only where it is trusted by name', async () => {
  const sibling = { 'sec-fetch-site': 'same-site', origin: 'https://blog.shop.example' }
  const trusting = csrfSite({ csrf: { allowedOrigins: ['https://blog.shop.example'] } })

  expect([
    await csrfSite().outcome(post({ 'sec-fetch-site': 'same-origin' })),
    await csrfSite().outcome(post({ 'sec-fetch-site': 'none' })),
    await csrfSite().outcome(post(sibling)),
    await trusting.outcome(post(sibling)),
    await trusting.outcome(post({ 'sec-fetch-site': 'same-site' })),
  ]).toEqual(['anonymous', 'anonymous', 'sec-fetch-site', 'anonymous', 'sec-fetch-site'])
})

it('FM-03: without Fetch Metadata, Origin and then Referer decide, and with none of them a form is refused', async () => {
  expect([
    await csrfSite().outcome(post({ origin: OWN })),
    await csrfSite().outcome(post({ origin: 'https://evil.example' })),
    await csrfSite().outcome(post({ referer: `${OWN}/` })),
    await csrfSite().outcome(post({ referer: 'https://evil.example/' })),
    await csrfSite().outcome(post({})),
  ]).toEqual(['anonymous', 'origin', 'anonymous', 'referer', 'token-missing'])
})

it.each(['', 'SAME-ORIGIN', 'same-origin;x', 'same-origin, none', 'cross-origin', '"same-origin"', '?1'])(
  'FM-04: %j is no value of the specification and counts as none',
  async (value) => {
    expect(await csrfSite().outcome(post({ 'sec-fetch-site': value, origin: 'https://evil.example' }))).toBe('origin')
    expect(await csrfSite().outcome(post({ 'sec-fetch-site': value, origin: OWN }))).toBe('anonymous')
  },
)

it('FM-05: another site may link to what is protected as a subresource, and may not embed it', async () => {
  const shop = csrfSite({ csrf: { protect: () => 'subresources' } })
  const from = (mode: string, dest: string) =>
    shop.outcome(get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode, 'sec-fetch-dest': dest }))

  expect([
    await from('navigate', 'document'),
    await from('navigate', 'object'),
    await from('navigate', 'embed'),
    await from('navigate', 'iframe'),
    await from('no-cors', 'image'),
    await from('no-cors', 'script'),
  ]).toEqual(['anonymous', ...Array(5).fill('sec-fetch-site')])
})

it('FM-06: caches are told what an answer depends on, exemptions are listed by name, and one can look before refusing', async () => {
  const guarded = csrfSite({ csrf: { protect: ['/transfer'], safe: ['/hook'] } })
  const { headers } = await guarded.ask(get({ 'sec-fetch-site': 'same-origin' }), () => 1)
  const looking = csrfSite({ csrf: { dangerouslyReportOnly: true } })
  const outcome = await looking.outcome(post({ 'sec-fetch-site': 'cross-site' }))

  await looking.sessions.events.drained()
  expect(headers.get('vary')).toBe('Sec-Fetch-Site, Origin')
  expect(await guarded.outcome({ ...post({ 'sec-fetch-site': 'cross-site' }), path: '/hook' })).toBe('anonymous')
  expect([outcome, looking.events.at(-1)]).toMatchObject(['anonymous', { type: 'csrf.refused', isReportOnly: true }])
})

it.each([
  'https://shop.example.attacker.com',
  'https://attacker.com/shop.example',
  'http://shop.example',
  'https://shop.example:444',
  'null',
  '',
])('ORG-01: an origin is compared as a whole: %j is not https://shop.example', async (origin) => {
  expect(await csrfSite().outcome(post({ origin }))).toBe('origin')
})

it('ORG-02: the target is the Host or what the configuration names; X-Forwarded-Host is not believed', async () => {
  const given: Given = { ...post({ origin: OWN, 'x-forwarded-host': 'shop.example' }), authority: 'internal:8080' }

  expect(await csrfSite({ trustedProxies: ['loopback'] }).outcome(given)).toBe('origin')
  expect(await csrfSite({ csrf: { allowedOrigins: [OWN] } }).outcome(given)).toBe('anonymous')
})

it('ORG-03: neither Origin nor Referer is a refusal', async () => {
  expect(await csrfSite().outcome(post({}))).toBe('token-missing')
})
