// The attacker has: a way to make the store fail, hang or lie at a moment of their choosing.
// The attacker does: breaks each call of each step: reading, signing in, stepping up, rotating, signing out.
// The attacker must not obtain: a request taken for somebody, a step-up that did not happen, or a sign-out believed and not done.
import { expect, it } from 'vitest'
import type { FaultyOperation } from '../../src/testing/faulty-store.ts'
import { browser, site, subjectOf } from './support.ts'

it.each<[FaultyOperation, string]>([
  ['create', 'aal0'],
  ['read', 'aal1'],
  ['update', 'aal1'],
  ['revoke', 'aal2'],
  ['list', 'aal2'],
])('with a failing %s a visitor gets no further than what was written: %s', async (operation, reached) => {
  const shop = site()
  shop.store.setFaults({ [operation]: { kind: 'error', error: new Error('down') } })
  const visitor = browser(shop)
  await visitor.visit('/login')
  await visitor.visit('/rotate')
  await visitor.visit('/step-up')
  shop.store.setFaults({})

  expect((await visitor.me()).acr).toBe(reached)
})

it('a store that is away is 503 with Retry-After, never the page of somebody signed out', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  shop.store.setFaults({ read: { kind: 'error' } })
  const response = await ada.visit('/me')

  expect([
    response.status,
    response.headers.get('retry-after'),
    response.headers.getSetCookie(),
    (await response.text()).includes('ERR_'),
  ]).toEqual([503, '1', [], false])
})

it('a store that hangs is 503 within the store’s timeout', async () => {
  const shop = site({ storeTimeout: 50 })
  const ada = browser(shop)
  await ada.visit('/login')
  shop.store.setFaults({ read: { kind: 'partition' } })
  const startedAt = performance.now()
  const { status } = await ada.visit('/me')

  expect([status, performance.now() - startedAt < 1000]).toEqual([503, true])
})

it('a sign-out that could not be written is an error, and the session is still there to be ended', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const token = ada.token()
  shop.store.setFaults({ revoke: { kind: 'error' } })
  const { status } = await ada.visit('/logout')
  shop.store.setFaults({})

  expect([status, await subjectOf(shop, token)]).toEqual([503, 'ada'])
})

it('a step-up that could not be written gives nothing', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  shop.store.setFaults({ update: { kind: 'error' } })
  await ada.visit('/step-up')
  shop.store.setFaults({})

  expect((await ada.me()).acr).toBe('aal1')
})

it('a reuse that could not be revoked is refused all the same', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const stolen = ada.token()
  await ada.visit('/rotate')
  await ada.me()
  shop.clock.advance(31_000)
  shop.store.setFaults({ revoke: { kind: 'error' } })
  const response = await shop.answer('/me', { headers: { cookie: `__Host-sjn=${stolen}` } })

  expect(response.status).toBe(503)
})
