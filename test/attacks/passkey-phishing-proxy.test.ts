// The attacker has: a page at a name much like the shop's, a proxy behind it that fetches challenges from the shop, and a victim who believes them.
// The attacker does: relays the shop's options to the victim's browser, and its answer to the shop, untouched or with the origin put right.
// The attacker must not obtain: a session. The browser signs where it was asked, and the signature is over that.
import { expect, it } from 'vitest'
import { enrolled, ORIGIN, Person } from '../stepup/passkeys/support.ts'

async function setUp() {
  const victim = await enrolled({ as: 'victim' })
  const proxy = new Person(victim.site, victim.authenticator)
  const options = await proxy.signInOptions()
  return { ...victim, proxy, options }
}

it.each([
  'https://sh0p.example',
  'https://shop.example.evil.test',
  'https://evil.shop.example',
  'https://shop.example:8443',
  'http://shop.example',
  'https://SHOP.example',
  'https://shop.example/',
  'null',
  '',
])('an answer made at %j', async (origin) => {
  const { proxy, options, authenticator, site } = await setUp()

  expect(await proxy.ask('/sign-in', authenticator.get(options, origin))).toEqual({ ok: false, reason: 'origin' })
  expect((await proxy.me()).subject).toBeNull()
  expect(await site.reasons()).toEqual(['origin'])
})

it('one whose origin the proxy put right afterwards', async () => {
  const { proxy, options, authenticator } = await setUp()
  const answer = authenticator.get(options, 'https://sh0p.example')
  const client = JSON.parse(Buffer.from(answer.response.clientDataJSON as string, 'base64url').toString()) as object
  const clientDataJSON = Buffer.from(JSON.stringify({ ...client, origin: ORIGIN })).toString('base64url')

  expect(await proxy.ask('/sign-in', { ...answer, response: { ...answer.response, clientDataJSON } })).toEqual({
    ok: false,
    reason: 'wrong',
  })
})

it('one that the authenticator made for another RP id', async () => {
  const { proxy, options, authenticator } = await setUp()

  expect(await proxy.ask('/sign-in', authenticator.get(options, ORIGIN, { rpId: 'sh0p.example' }))).toEqual({
    ok: false,
    reason: 'origin',
  })
})

it.each([
  { crossOrigin: true },
  { crossOrigin: true, topOrigin: 'https://evil.example' },
  { crossOrigin: false, topOrigin: 'https://evil.example' },
  { crossOrigin: 'true' },
])('one made in a frame of the attacker’s page: %j', async (client) => {
  const { proxy, options, authenticator } = await setUp()

  expect(await proxy.ask('/sign-in', authenticator.get(options, ORIGIN, { client }))).toEqual({ ok: false, reason: 'origin' })
})

it('a passkey made at the attacker’s page for the victim’s account', async () => {
  const { person, authenticator } = await setUp()
  await person.stepUp()
  const response = authenticator.create(await person.registrationOptions(), 'https://sh0p.example')

  expect(await person.ask('/register', { response })).toEqual({ ok: false, reason: 'origin' })
  const framed = authenticator.create(await person.registrationOptions(), ORIGIN, { client: { crossOrigin: true } })
  expect(await person.ask('/register', { response: framed })).toEqual({ ok: false, reason: 'origin' })
})
