// OWASP Web Security Testing Guide, WSTG-SESS-05: its three proofs of concept, with the victim's cookie, in the first two minutes too.
import { expect, it } from 'vitest'
import { browser, ORIGIN, site } from '../../attacks/support.ts'

const EVIL = { origin: 'https://evil.example', referer: 'https://evil.example/', 'sec-fetch-site': 'cross-site' }

it.each<[string, RequestInit]>([
  ['a form that sends itself', { method: 'POST', body: new URLSearchParams({ amount: '100' }) }],
  ['JSON in a form of text/plain', { method: 'POST', body: '{"amount":100,"x":"="}', headers: { 'content-type': 'text/plain' } }],
  ['an image', { method: 'GET' }],
])('WSTG-SESS-05.1: %s does nothing', async (_what, init) => {
  const shop = site({}, { csrf: { protect: ['/transfer'] } })
  const victim = browser(shop)
  await victim.visit('/login')
  const cookie = victim.jar.header(ORIGIN)!

  const { status } = await shop.answer('/transfer', { ...init, headers: { ...init.headers, ...EVIL, cookie } })

  expect([status, (await victim.me()).data]).toEqual([403, {}])
})
