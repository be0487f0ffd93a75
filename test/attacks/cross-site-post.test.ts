// The attacker has: a page on another site, on a sibling host or in a sandboxed frame, and a victim who is signed in and looks at it.
// The attacker does: has a form there send itself, or a script post, to the site; the browser may add the victim's cookie.
// The attacker must not obtain: anything done in the victim's name. WSTG-SESS-05.
import { describe, expect, it } from 'vitest'
import { browser, COOKIE, ORIGIN, site } from './support.ts'

const EVIL = 'https://evil.example'
const SIBLING = 'https://blog.shop.example'

/** What a form of any page can send. A cookie that is Lax goes along within two minutes of being set ("Lax+POST"), one that is None always. */
const forms: Record<string, RequestInit> = {
  'a form': { body: new URLSearchParams({ to: 'mallory', amount: '100' }) },
  'a form with a file': { body: multipart() },
  'JSON in a form of plain text': { body: '{"to":"mallory","amount":100,"x":"="}', headers: { 'content-type': 'text/plain' } },
  'an empty POST': {},
  'an empty POST by keepalive or beacon': { body: '', headers: { 'content-type': 'text/plain;charset=UTF-8' } },
}

/** What browsers say of it, the newest first. */
const browsers: Record<string, Record<string, string>> = {
  'another site': { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', origin: EVIL },
  'another site, without Fetch Metadata': { origin: EVIL, referer: `${EVIL}/` },
  'a sandboxed frame': {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
    origin: 'null',
  },
  'a sandboxed frame, without Fetch Metadata': { origin: 'null' },
  'a sibling host': { 'sec-fetch-site': 'same-site', origin: SIBLING, referer: `${SIBLING}/` },
  'a sibling host, without Fetch Metadata': { origin: SIBLING },
  'another port': { 'sec-fetch-site': 'same-site', origin: `${ORIGIN}:8443` },
  'the host without TLS': { 'sec-fetch-site': 'cross-site', origin: 'http://shop.example' },
  'another site, by an old browser with Referer alone': { referer: `${EVIL}/${ORIGIN}/` },
  'another site that sends no Referer, by an old browser': {},
  'another site, through a proxy that cut Fetch Metadata and Origin': { referer: `${EVIL}/` },
}

async function victimOf(options: Parameters<typeof site>[1] = {}) {
  const shop = site({}, options)
  const victim = browser(shop)
  await victim.visit('/login?as=victim')
  const cookie = victim.jar.header(ORIGIN)!
  const attack = async (init: RequestInit, said: Record<string, string>) => {
    const headers = new Headers(init.headers)
    for (const [name, value] of Object.entries({ cookie, ...said })) headers.set(name, value)
    return shop.answer('/transfer', { method: 'POST', ...init, headers })
  }
  return { shop, victim, attack, transfers: async () => ((await victim.me()).data as { transfers?: number }).transfers ?? 0 }
}

describe.each(Object.entries(forms))('%s', (_what, init) => {
  it.each(Object.entries(browsers))('from %s', async (_where, said) => {
    const { victim, attack, transfers } = await victimOf()
    const { status } = await attack(init, said)

    expect([status, await transfers(), (await victim.me()).subject]).toEqual([403, 0, 'victim'])
  })
})

it.each(['lax', 'strict', 'none'] as const)('it does not hang on SameSite: %s', async (sameSite) => {
  const { attack, transfers } = await victimOf({ cookie: { sameSite } })
  const { status } = await attack(forms['a form']!, browsers['another site']!)

  expect([status, await transfers()]).toEqual([403, 0])
})

it('the same form of the site’s own does what it says', async () => {
  const { attack, transfers } = await victimOf()
  await attack(forms['a form']!, { 'sec-fetch-site': 'same-origin', origin: ORIGIN })

  expect(await transfers()).toBe(1)
})

it('the refusal tells the attacker’s page nothing of the victim, and sets nothing', async () => {
  const { victim, attack } = await victimOf()
  const response = await attack(forms['a form']!, browsers['another site']!)
  const told = `${await response.text()} ${JSON.stringify([...response.headers])}`

  expect(told).not.toMatch(new RegExp(`victim|${COOKIE}|set-cookie|${victim.token()}`))
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
})

it('each is an event', async () => {
  const { shop, attack } = await victimOf()
  for (const said of Object.values(browsers)) await attack(forms['a form']!, said)

  const rules = (await shop.seen('csrf.refused')).map((event) => event.type === 'csrf.refused' && event.rule)
  expect(rules).toHaveLength(Object.keys(browsers).length)
  expect(new Set(rules)).toEqual(new Set(['sec-fetch-site', 'origin', 'referer', 'token-missing']))
})

function multipart(): FormData {
  const form = new FormData()
  form.set('to', 'mallory')
  form.set('file', new Blob(['x']), 'x.txt')
  return form
}
