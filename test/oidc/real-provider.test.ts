import { setTimeout as pause } from 'node:timers/promises'
import { type TcpProxy, tcpProxy } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { place, Walker } from './support/apps.ts'
import { realProvider } from './support/provider.ts'

/** Polls for up to ten seconds: this machine may be busy. */
async function eventually<T>(read: () => Promise<T> | T, isIt: (value: T) => boolean): Promise<T> {
  const until = performance.now() + 10_000
  for (;;) {
    const value = await read()
    if (isIt(value) || performance.now() > until) return value
    await pause(20)
  }
}

async function proxied(port: number): Promise<TcpProxy> {
  const proxy = await tcpProxy({ port })
  onTestFinished(() => proxy.close())
  return proxy
}

/** A provider, a shop and a club; each hears of logouts through a network of its own. */
async function town() {
  const [shopPlace, clubPlace] = [await place('shop'), await place('club')]
  const [toShop, toClub] = [await proxied(shopPlace.port), await proxied(clubPlace.port)]
  const provider = await realProvider(() => [
    shopPlace.client(`http://localhost:${toShop.port}`),
    clubPlace.client(`http://localhost:${toClub.port}`),
  ])
  onTestFinished(() => provider.close())
  return { provider, shop: shopPlace.open(provider.issuer), club: clubPlace.open(provider.issuer), shopPlace, toShop, toClub }
}

it('a person signs in at the provider and is back where they were', async () => {
  const { provider, shop } = await town()
  const ada = new Walker()
  const end = await ada.signIn(shop, { as: 'ada', amr: 'pwd otp' }, { returnTo: '/?from=basket' })
  await shop.sessions.events.drained()

  expect(end.url).toBe(`${shop.origin}/?from=basket`)
  expect(await ada.me(shop)).toMatchObject({ subject: 'ada', sid: expect.any(String) })
  expect(shop.events).toContainEqual(
    expect.objectContaining({ type: 'session.started', subject: 'ada', provider: provider.issuer }),
  )
})

it('who is signed in there is asked nothing for the second application, and somebody else’s browser is', async () => {
  const { shop, club } = await town()
  const ada = new Walker()
  await ada.signIn(shop)
  const end = await ada.go(`${club.origin}/sign-in`, { method: 'POST' })
  const eve = await new Walker().go(`${club.origin}/sign-in`, { method: 'POST' })

  expect([end.url, (await ada.me(club)).subject]).toEqual([`${club.origin}/`, 'ada'])
  expect(eve.url).toContain('/interaction/')
})

it('who says no at the provider is not signed in', async () => {
  const { shop } = await town()
  const ada = new Walker()
  const there = await ada.go(`${shop.origin}/sign-in`, { method: 'POST' })
  const end = await ada.post(there.url)

  expect([end.status, end.body, (await ada.me(shop)).subject]).toEqual([400, 'denied', null])
})

it('a step-up asks anew, and elevates the session', async () => {
  const { shop } = await town()
  const ada = new Walker()
  await ada.signIn(shop, { as: 'ada', amr: 'pwd' })
  const before = await ada.me(shop)
  const acrs = { acrValues: ['urn:example:mfa'], maxAge: 0 }
  await ada.signIn(shop, { as: 'ada', amr: 'pwd otp', acr: 'urn:example:mfa' }, acrs, '/step-up')
  const after = await ada.me(shop)

  expect([before.acr, after.acr, after.subject]).toEqual(['aal1', 'aal2', 'ada'])
})

it('signing out at one application signs out of the provider and of the other, and comes back', async () => {
  const { shop, club, provider } = await town()
  const [ada, bob] = [new Walker(), new Walker()]
  for (const app of [shop, club]) {
    await ada.signIn(app)
    await bob.signIn(app, { as: 'bob' })
  }
  const end = await ada.signOut(shop)
  const there = await eventually(
    () => ada.me(club),
    ({ subject }) => subject === null,
  )
  const again = await ada.go(`${shop.origin}/sign-in`, { method: 'POST' })

  expect([end.url, (await ada.me(shop)).subject, there.subject]).toEqual([`${shop.origin}/?bye`, null, null])
  expect(again.url).toContain(`${provider.issuer}/interaction/`)
  expect([(await bob.me(shop)).subject, (await bob.me(club)).subject]).toEqual(['bob', 'bob'])
})

it('signing out at the provider itself signs out everywhere', async () => {
  const { shop, club, provider } = await town()
  const ada = new Walker()
  await ada.signIn(shop)
  await ada.signIn(club)
  await ada.confirm(await ada.go(`${provider.issuer}/session/end`))
  const subjects = await eventually(
    async () => [(await ada.me(shop)).subject, (await ada.me(club)).subject],
    (found) => found.every((subject) => subject === null),
  )

  expect(subjects).toEqual([null, null])
})

it('the provider’s page can sign out by a frame, without a cookie of the application', async () => {
  const { shop, provider } = await town()
  const ada = new Walker()
  await ada.signIn(shop)
  const { sid } = await ada.me(shop)
  const frame = new Walker()
  const answer = await frame.go(
    `${shop.origin}/sso/front-channel-logout?${new URLSearchParams({ iss: provider.issuer, sid: sid! })}`,
  )

  expect([answer.status, (await ada.me(shop)).subject]).toEqual([200, null])
})

it.each(['cut', 'lose-reply'] as const)(
  'a logout that meets a broken network (%s) arrives later, and has its effect once',
  async (kind) => {
    const { shop, club, toClub, provider } = await town()
    const ada = new Walker()
    await ada.signIn(shop)
    await ada.signIn(club)
    toClub.setMode({ kind })
    await ada.signOut(shop)
    const missed = await eventually(
      () => provider.waiting,
      (waiting) => waiting === 1 || kind === 'lose-reply',
    )
    const during = (await ada.me(club)).subject
    toClub.setMode({ kind: 'pass' })
    const later = await eventually(
      () => ada.me(club),
      ({ subject }) => subject === null,
    )
    await eventually(
      () => provider.waiting,
      (waiting) => waiting === 0,
    )
    await club.sessions.events.drained()
    const ended = club.events.filter(({ type }) => type === 'session.revoked')

    if (kind === 'cut') expect([missed, during]).toEqual([1, 'ada'])
    expect([later.subject, ended.length]).toEqual([null, 1])
  },
)

it('while the provider is away nobody is signed in or out by it, the application says so, and goes on when it is back', async () => {
  const shopPlace = await place('shop')
  const provider = await realProvider(() => [shopPlace.client()])
  const shop = shopPlace.open(provider.issuer, { timeout: 2000 })
  await provider.close()
  const ada = new Walker()
  const during = await ada.go(`${shop.origin}/sign-in`, { method: 'POST' })
  const again = await realProvider(() => [shopPlace.client()], provider.port)
  onTestFinished(() => again.close())

  expect([during.status, during.body]).toEqual([503, 'ERR_PROVIDER_UNAVAILABLE'])
  // It is left alone for a moment.
  const who = async () => {
    await ada.signIn(shop)
    return (await ada.me(shop)).subject
  }
  await expect.poll(who, { timeout: 10_000, interval: 100 }).toBe('ada')
})

it('a provider that hangs costs a sign-in its timeout, and no other request anything', async () => {
  const shopPlace = await place('shop')
  const real = await realProvider(() => [shopPlace.client()])
  onTestFinished(() => real.close())
  const network = await proxied(real.port)
  const shop = shopPlace.open(`http://localhost:${network.port}`, { timeout: 300 })
  network.setMode({ kind: 'stall' })
  const ada = new Walker()
  const hanging = Promise.all([1, 2, 3].map(() => new Walker().go(`${shop.origin}/sign-in`, { method: 'POST' })))
  const meanwhile = await ada.me(shop)

  expect(meanwhile.subject).toBe(null)
  expect((await hanging).map(({ status }) => status)).toEqual([503, 503, 503])
})

it('no token of the provider is in any address but the one hint at sign-out, nor in a cookie, nor in an event', async () => {
  const { shop } = await town()
  const ada = new Walker()
  await ada.signIn(shop)
  const way = [...ada.trail]
  await ada.signOut(shop)
  await shop.sessions.events.drained()
  const tokens = /eyJ[\w-]+\.[\w-]+\.[\w-]+/

  expect(way.filter((url) => tokens.test(url))).toEqual([])
  expect(ada.trail.filter((url) => tokens.test(url)).every((url) => url.includes('/session/end?'))).toBe(true)
  expect(tokens.test(JSON.stringify(shop.events))).toBe(false)
})
