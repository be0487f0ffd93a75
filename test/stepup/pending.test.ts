import { describe, expect, it } from 'vitest'
import { days, minutes, seconds } from '../../src/core/duration.ts'
import { codeOf, tokenOf } from '../core/support.ts'
import { site, visitor } from './site.ts'

describe('a sign-in with a second factor due', () => {
  it('is nobody’s everywhere but on the pages that ask for it', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)

    const signedIn = await ada.json('/login')
    const page = await ada.json('/step-up')
    const elsewhere = await ada.me()

    expect(signedIn).toEqual({ pending: 'aal2' })
    expect(page).toEqual({ subject: 'ada', pending: 'aal2', state: 'active' })
    expect(elsewhere).toEqual({ subject: null, id: null, acr: 'aal0', state: 'pending', pending: null })
  })

  it('is a session once it is proved, under another token', async () => {
    const shop = site()
    const { code } = await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    const before = ada.token()

    const result = await ada.type(code())

    expect(result).toMatchObject({ ok: true })
    expect(ada.token()).not.toBe(before)
    expect(await ada.me()).toMatchObject({ subject: 'ada', acr: 'aal2', state: 'active', pending: null })
  })

  it('stays due after a wrong code', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')

    expect(await ada.type('000000')).toEqual({ ok: false, reason: 'wrong' })
    expect(await ada.me()).toMatchObject({ subject: null, state: 'pending' })
  })

  it('meets nothing, lists nothing and ends nothing on the pages that ask for it', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')

    const session = await shop.sessions.read(ada.token(), { mayBePending: true })

    expect([session.subject, session.pending, session.meets(), session.meets({ acr: 'aal0' })]).toEqual([
      'ada',
      'aal2',
      false,
      false,
    ])
    const calls = [
      () => session.list(),
      () => session.revokeOthers(),
      () => session.revoke(session.id!),
      () => shop.stepUp.factors(session),
      () => shop.stepUp.totp.begin(session, { account: 'mallory' }),
      () => shop.stepUp.recovery.generate(session),
      () => shop.stepUp.remove(session, 'x'),
    ]
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'ERR_ASSURANCE_INSUFFICIENT'))
  })

  it('is kept from who reads the token without an adapter, too', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')

    expect((await shop.sessions.read(ada.token())).state).toBe('pending')
  })

  it('can be given up, and the session ends', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    const token = ada.token()

    await ada.visit('/logout')

    expect(ada.token()).toBeUndefined()
    expect((await shop.sessions.read(token)).state).toBe('revoked')
  })

  it('is replaced by another sign-in, and ends', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    const token = ada.token()

    await ada.json('/login?as=bob')

    expect(await ada.me()).toMatchObject({ subject: 'bob' })
    expect((await shop.sessions.read(token)).state).toBe('revoked')
  })

  it('is not pushed out by what a page keeps for a visitor', async () => {
    const shop = site()
    const { code } = await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')

    const answer = await ada.visit('/note')

    expect(answer.status).toBe(401)
    await ada.type(code())
    expect(await ada.me()).toMatchObject({ subject: 'ada' })
  })

  it('does not stay alive by visits to other pages', async () => {
    const shop = site()
    await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    for (let i = 0; i < 7; i++) {
      shop.clock.advance(minutes(5))
      await ada.me()
    }

    expect(await ada.me()).toMatchObject({ state: 'expired' })
  })

  it('is asked for of who signed in by another way, and of sessions from before', async () => {
    const shop = site()
    const { code } = await shop.enrol()
    const ada = visitor(shop)

    await ada.visit('/old-login')
    const before = await ada.me()
    await ada.type(code())

    expect(before).toMatchObject({ subject: null, state: 'pending' })
    expect(await ada.me()).toMatchObject({ subject: 'ada', acr: 'aal2' })
  })

  it('is nobody’s business without a second factor, and the factors are looked up once', async () => {
    const shop = site()
    let lists = 0
    const list = shop.factors.list.bind(shop.factors)
    shop.factors.list = (subject) => {
      lists++
      return list(subject)
    }
    const ada = visitor(shop)
    await ada.visit('/old-login')
    for (let i = 0; i < 3; i++) expect(await ada.me()).toMatchObject({ subject: 'ada', state: 'active' })

    expect(lists).toBe(1)
  })

  it('is due for the last copy of a session, too, while its store is away', async () => {
    const { memoryStore } = await import('../../src/stores/memory.ts')
    const { faultyStore } = await import('../../src/testing/faulty-store.ts')
    const engine = memoryStore()
    const shop = site({ store: faultyStore(engine) })
    Object.assign(shop.store, { lastCopyOf: (id: string) => engine.read(id) })
    await shop.enrol()
    const token = await tokenOf(await shop.sessions.signIn({ subject: 'ada', method: 'pwd' }))
    shop.store.setFaults({ read: { kind: 'error' } })
    const session = await shop.sessions.read(token, { onOutage: 'readonly' })
    const before = [session.isReadonly, session.subject]
    await shop.stepUp.inspect(session, {} as never)

    expect([before, session.state, session.subject]).toEqual([[true, 'ada'], 'pending', undefined])
  })

  it('lets nobody in while the factors cannot be read', async () => {
    const shop = site()
    shop.factors.list = () => Promise.reject(new Error('away'))
    const ada = visitor(shop)

    const bySignIn = await ada.visit('/login')
    await ada.visit('/old-login')
    const byOldWay = await ada.visit('/me')

    expect([bySignIn.status, byOldWay.status]).toEqual([503, 503])
  })

  it('holds with sealed cookies as with records', async () => {
    const { cookieStore } = await import('../../src/stores/cookie.ts')
    const { memoryStore } = await import('../../src/stores/memory.ts')
    const { faultyStore } = await import('../../src/testing/faulty-store.ts')
    const shop = site({ store: faultyStore(cookieStore({ ledger: memoryStore() })), stepUp: { ledger: memoryStore() } })
    const { code } = await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    const half = await ada.me()
    await ada.type(code())

    expect([half, await ada.me()]).toMatchObject([{ state: 'pending' }, { subject: 'ada', acr: 'aal2' }])
  })

  it.each([
    ['/step-up/../account', false],
    ['/step-up/%2e%2e/account', false],
    ['/step-up//account', false],
    ['/step-up/.git', false],
    ['/step-up/', false],
    ['/STEP-UP', false],
    ['/step-upx', false],
    ['/step-up', true],
    ['/step-up/code', true],
    ['/step-up/a/b.js', true],
  ])('of the paths below the page, %s is one: %s', (path, isOne) => {
    const { stepUp } = site()

    expect(stepUp.admitsPending!({ facts: { path } } as never)).toBe(isOne)
  })
})

describe('the token of before the second factor', () => {
  it('keeps what it could do, for the grace, and never gets its successor', async () => {
    const shop = site()
    const { code } = await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    const before = ada.token()!
    await ada.type(code())
    const within = await shop.answer('/me', { headers: { cookie: `__Host-sjn=${before}` } })
    await ada.me()
    shop.clock.advance(seconds(31))
    const after = await shop.sessions.read(before)

    expect(await within.json()).toMatchObject({ subject: null, state: 'pending' })
    expect(within.headers.getSetCookie()).toEqual([])
    expect(after.state).toBe('reused')
  })
})

it('who is asked can be decided by the application', async () => {
  const shop = site({ stepUp: { isDue: (subject, factors) => subject === 'ada' && factors.length > 0 } })
  await shop.enrol('ada')
  await shop.enrol('bob')

  const [ada, bob] = [visitor(shop), visitor(shop)]

  expect([await ada.json('/login'), await bob.json('/login?as=bob')]).toEqual([{ pending: 'aal2' }, {}])
})

it('an application that forgets to answer asks everybody', async () => {
  const shop = site({ stepUp: { isDue: (() => undefined) as never } })

  expect(await visitor(shop).json('/login')).toEqual({ pending: 'aal2' })
})

it('a session that waits for its second factor ends by its clocks like any other', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  shop.clock.advance(days(1))

  expect(await codeOf(async () => (await ada.visit('/step-up/code', { method: 'POST', body: code() })).json())).toBeUndefined()
  expect(await ada.me()).toMatchObject({ subject: null })
})
