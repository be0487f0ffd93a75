// The attacker has: a way to add cookies to the victim's requests, as many as fit.
// The attacker does: sends a thousand of our name, before, after and around the real one.
// The attacker must not obtain: time out of proportion, a crash, or anybody's session.
import { expect, it } from 'vitest'
import { browser, COOKIE, site } from './support.ts'

const garbage = Array.from({ length: 1000 }, (_, i) => `${COOKIE}=${i}`)

async function victim() {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const request = async (cookie: string) =>
    (await (await shop.answer('/me', { headers: { cookie } })).json()) as { subject: string | null }
  return { shop, request, ours: `${COOKIE}=${ada.token()}` }
}

it('a thousand of garbage are answered as nobody', async () => {
  const { request } = await victim()

  expect((await request(garbage.join('; '))).subject).toBeNull()
})

it('ours in front of a thousand is still found', async () => {
  const { request, ours } = await victim()

  expect((await request([ours, ...garbage].join('; '))).subject).toBe('ada')
})

it('ours a thousand times is one session', async () => {
  const { request, ours } = await victim()

  expect((await request(Array(1000).fill(ours).join('; '))).subject).toBe('ada')
})

it('garbage never reaches the store', async () => {
  const { shop, request } = await victim()
  const before = shop.store.calls.length
  await request(garbage.join('; '))

  expect(shop.store.calls.length).toBe(before)
})

it('a thousand cost little more than one', async () => {
  const { request, ours } = await victim()
  const header = [...garbage, ours].join('; ')
  const startedAt = performance.now()
  for (let i = 0; i < 100; i++) await request(header)

  expect(performance.now() - startedAt).toBeLessThan(2000)
})
