import { describe, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { days, minutes, seconds } from '../../src/core/duration.ts'
import type { Session } from '../../src/core/session.ts'
import { LedgerThrottle } from '../../src/stepup/throttle.ts'
import { codeOf } from '../core/support.ts'
import { type SiteOptions, site, visitor } from './site.ts'

/** A request from an address, by a client that nobody knows. */
function strangers(options: SiteOptions = {}) {
  const shop = site(options)
  const { throttle } = shop.stepUp
  const from = (clientAddress?: string) => shop.sessions.anonymous({ clientAddress }) as Session<unknown>
  const attempt = (address?: string, subject = 'ada', kind = 'password') => throttle.attempt(kind, subject, from(address))
  const allowed = async (count: number, ...given: Parameters<typeof attempt>) => {
    const verdicts = await Promise.all(Array.from({ length: count }, () => attempt(...given)))
    return verdicts.filter(({ isAllowed }) => isAllowed).length
  }
  return { ...shop, throttle, from, attempt, allowed }
}

describe('a stranger’s tries', () => {
  it('are five, however many come at once', async () => {
    const { allowed } = strangers()

    expect([await allowed(100, '192.0.2.1'), await allowed(100, '192.0.2.1')]).toEqual([5, 0])
  })

  it('come one at a time then, each after twice the wait of the one before, up to a day', async () => {
    const { allowed, attempt, clock } = strangers({ stepUp: { throttle: { networkTries: 1000 } } })
    await allowed(5, '192.0.2.1')
    const waits: number[] = []
    for (let i = 0; i < 14; i++) {
      const verdict = await attempt('192.0.2.1')
      if (verdict.isAllowed) throw new Error('too early')
      waits.push(verdict.retryAfter)
      clock.advance(verdict.retryAfter - 1)
      expect((await attempt('192.0.2.1')).isAllowed).toBe(false)
      clock.advance(1)
      expect(await allowed(20, '192.0.2.1')).toBe(1)
    }

    const doubled = waits.map((_wait, index) => Math.min(seconds(30) * 2 ** index, days(1)))
    expect(waits).toEqual(doubled)
    expect(waits.at(-1)).toBe(days(1))
  })

  it('are forgotten a month after the last', async () => {
    const { allowed, clock } = strangers()
    await allowed(10, '192.0.2.1')
    clock.advance(days(30) + 1)

    expect(await allowed(10, '192.0.2.1')).toBe(5)
  })

  it('count by network: neighbours share them, others have their own', async () => {
    const { allowed } = strangers()

    expect(await allowed(6, '192.0.2.1')).toBe(5)
    expect(await allowed(1, '192.0.2.200')).toBe(0)
    expect(await allowed(6, '198.51.100.1')).toBe(5)
    expect(await allowed(6, '2001:db8:1:2::3')).toBe(5)
    expect(await allowed(1, '2001:db8:1:ffff::1')).toBe(0)
    expect(await allowed(1, '2001:db8:2::1')).toBe(1)
  })

  it('have a bound for all networks together', async () => {
    const { allowed } = strangers()
    let sum = 0
    for (let i = 0; i < 30; i++) sum += await allowed(10, `203.0.${i}.1`)

    expect(sum).toBe(20)
  })

  it('at one account, or at one kind of secret, are not those at another', async () => {
    const { allowed } = strangers()

    expect(await allowed(6, '192.0.2.1', 'ada', 'totp')).toBe(5)
    expect([await allowed(6, '192.0.2.1', 'bob', 'totp'), await allowed(6, '192.0.2.1', 'ada', 'recovery')]).toEqual([5, 5])
  })

  it('at all accounts are bounded by network, and start anew with time', async () => {
    const { attempt, clock } = strangers({ stepUp: { throttle: { networkTries: 10 } } })
    let people = 0
    const spray = async (count: number) => {
      let sum = 0
      for (let i = 0; i < count; i++) if ((await attempt('192.0.2.1', `person ${people++}`)).isAllowed) sum++
      return sum
    }

    expect(await spray(30)).toBe(10)
    expect((await attempt('198.51.100.1', 'ada')).isAllowed).toBe(true)
    clock.advance(minutes(10) + 1)
    expect(await spray(30)).toBe(10)
    for (let i = 0; i < 20; i++) {
      await spray(10)
      clock.advance(minutes(10) + 1)
    }
    expect(await spray(10)).toBe(0)
    clock.advance(days(1))
    expect(await spray(30)).toBe(10)
  })

  it('from a network that has none left count at no account', async () => {
    const { allowed, attempt } = strangers({ stepUp: { throttle: { networkTries: 5 } } })
    await allowed(5, '192.0.2.1', 'bob')
    await allowed(100, '192.0.2.1', 'ada')

    expect((await attempt('198.51.100.1', 'ada')).isAllowed).toBe(true)
    expect(await allowed(30, '198.51.100.2', 'ada')).toBe(4)
  })

  it('whose address nobody knows share one lane', async () => {
    const { allowed } = strangers()

    expect([await allowed(10, undefined), await allowed(10, 'unix:'), await allowed(10, '192.0.2.1')]).toEqual([5, 0, 5])
  })

  it('start anew with a success, their network’s do not', async () => {
    const { allowed, throttle, from } = strangers({ stepUp: { throttle: { networkTries: 12 } } })
    await allowed(5, '192.0.2.1')
    await throttle.succeeded('password', 'ada', from('192.0.2.1'))

    expect(await allowed(5, '192.0.2.1')).toBe(5)
    await throttle.succeeded('password', 'ada', from('192.0.2.1'))
    expect(await allowed(5, '192.0.2.1')).toBe(2)
  })

  it('are as many at accounts that do not exist', async () => {
    const { allowed } = strangers()

    expect(await allowed(10, '192.0.2.1', 'nobody at all')).toBe(5)
  })

  it('are reported when they are used up, once for each wait', async () => {
    const { allowed, seen, clock } = strangers({ stepUp: { throttle: { networkTries: 1000 } } })
    await allowed(50, '192.0.2.1')
    clock.advance(seconds(30))
    await allowed(50, '192.0.2.1')

    expect(await seen('throttle.reached')).toMatchObject([
      { kind: 'password', subject: 'ada', lane: 'account', retryAfter: seconds(30) },
      { kind: 'password', subject: 'ada', lane: 'account', retryAfter: minutes(1) },
    ])
  })

  it('of a network are reported once, when they are used up', async () => {
    const { attempt, seen } = strangers({ stepUp: { throttle: { networkTries: 5 } } })
    for (let i = 0; i < 9; i++) await attempt('192.0.2.1', `person ${i}`)

    expect(await seen('throttle.reached')).toMatchObject([{ lane: 'network', kind: 'password', retryAfter: minutes(10) }])
  })

  it('at a password start anew with a sign-in by it', async () => {
    const { allowed, from, stepUp } = strangers()
    await allowed(5, '192.0.2.1')
    await stepUp.signIn(from('192.0.2.1'), { subject: 'ada', method: 'pwd' })

    expect(await allowed(6, '192.0.2.1')).toBe(5)
  })

  it('are none while the ledger is away', async () => {
    const { attempt, store } = strangers()
    store.setFaults({ 'ledger.count': { kind: 'error' } })

    expect(await codeOf(attempt('192.0.2.1'))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('end in time when the ledger hangs', async () => {
    const { attempt, store } = strangers({ storeTimeout: 50 })
    store.setFaults({ 'ledger.get': { kind: 'partition' } })

    expect(await codeOf(attempt('192.0.2.1'))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('are never more for a process that dies between its claim and its note', async () => {
    const { allowed, store, clock } = strangers()
    await allowed(4, '192.0.2.1')
    store.setFaults({ 'ledger.put': [{ kind: 'error' }] })
    await allowed(1, '192.0.2.1').catch(() => {})
    const meanwhile = await allowed(10, '192.0.2.1')
    clock.advance(seconds(30) + 1)
    const after = await allowed(10, '192.0.2.1')
    clock.advance(seconds(30) + 1)

    expect([meanwhile, after, await allowed(10, '192.0.2.1')]).toEqual([0, 0, 1])
  })

  it('do not wait for a clock that was ahead once', async () => {
    const { allowed, attempt, clock } = strangers()
    clock.advance(days(400))
    await allowed(6, '192.0.2.1')
    clock.advance(-days(400))
    const first = await attempt('192.0.2.1')
    clock.advance(seconds(30) - 1)
    const early = await allowed(3, '192.0.2.1')
    clock.advance(1)

    expect([first, early]).toEqual([{ isAllowed: false, retryAfter: seconds(30) }, 0])
    expect(await allowed(3, '192.0.2.1')).toBe(1)
  })

  it('may be at any name that a visitor types, and it is not repeated where no account can be called so', async () => {
    const { allowed, seen } = strangers({ stepUp: { throttle: { networkTries: 1000 } } })
    const names = ['', 'x'.repeat(100_000), '\ud800', 'a\u0000b', '__proto__', '$1;--', '漢字'.repeat(600)]
    for (const name of names) expect(await allowed(6, '192.0.2.1', name)).toBe(5)

    const named = (await seen('throttle.reached')).map(({ subject }) => subject)
    expect(named).toEqual([undefined, undefined, undefined, 'a\u0000b', '__proto__', '$1;--', undefined])
  })

  it.each([
    ['password', undefined],
    ['password', ['ada']],
    ['password', {}],
    ['', 'ada'],
    ['Pass word', 'ada'],
    ['x'.repeat(33), 'ada'],
    [undefined, 'ada'],
  ])('at %j of %j are a mistake of the caller’s', async (kind, subject) => {
    const { throttle, from } = strangers()

    expect(await codeOf(throttle.attempt(kind as never, subject as never, from('192.0.2.1')))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('write nobody’s name into the ledger', async () => {
    const { allowed, store } = strangers()
    const keys: string[] = []
    const { ledger } = store
    const { count, get } = ledger
    ledger.count = (key, options) => {
      keys.push(key)
      return count(key, options)
    }
    ledger.get = (key, options) => {
      keys.push(key)
      return get(key, options)
    }
    await allowed(2, '192.0.2.1', 'ada@example.org')

    expect(keys.length).toBeGreaterThan(3)
    expect(keys.join()).not.toContain('ada')
    expect(keys.every((key) => Buffer.byteLength(key) <= 512)).toBe(true)
  })
})

describe('a client that proved the account before', () => {
  const signedIn = async (options: SiteOptions = {}) => {
    const shop = site(options)
    const { code } = await shop.enrol()
    const ada = visitor(shop)
    await ada.json('/login')
    await ada.type(code())
    shop.clock.advance(seconds(30))
    return { ...shop, code, ada }
  }

  it('has a cookie that says so to the server alone', async () => {
    const { ada } = await signedIn()
    const cookie = ada.jar.cookies('https://shop.example').find(({ name }) => name === '__Host-sjn-known')!

    expect(cookie).toMatchObject({ isHttpOnly: true, isSecure: true })
    expect(cookie.value).toMatch(/^[A-Za-z0-9_-]{52}$/)
    expect(Buffer.from(cookie.value, 'base64url').toString('latin1')).not.toContain('ada')
  })

  it('gets none before the second factor is proved', async () => {
    const shop = site()
    await shop.enrol()
    const thief = visitor(shop)
    await thief.json('/login')
    await thief.json('/step-up')

    expect(thief.jar.cookies('https://shop.example').map(({ name }) => name)).toEqual(['__Host-sjn'])
  })

  it('gets in while strangers use up theirs', async () => {
    const shop = await signedIn()
    for (let network = 0; network < 30; network++) {
      const mallory = visitor(shop, `203.0.${network}.1`)
      await mallory.json('/login')
      for (let i = 0; i < 6; i++) await mallory.type('000000')
    }
    await shop.ada.visit('/logout')
    await shop.ada.json('/login')

    expect(await shop.ada.type(shop.code())).toMatchObject({ ok: true })
  })

  it('has five tries of its own, and waits then', async () => {
    const shop = await signedIn()
    await shop.ada.visit('/logout')
    await shop.ada.json('/login')
    const results = []
    for (let i = 0; i < 6; i++) results.push((await shop.ada.type('000000')).reason)

    expect(results).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 'throttled'])
  })

  it('is a stranger with the cookie of another account, or a changed one', async () => {
    const shop = await signedIn()
    const own = shop.ada.jar.cookies('https://shop.example').find(({ name }) => name === '__Host-sjn-known')!.value
    const changed = own.slice(0, 20) + (own[20] === 'A' ? 'B' : 'A') + own.slice(21)
    const { code } = await shop.enrol('bob')
    const cases = [
      ['bob', own],
      ['ada', changed],
      ['ada', 'x'.repeat(52)],
      ['ada', `${own}x`],
    ] as const
    for (let i = 0; i < 6; i++) {
      for (const subject of ['ada', 'bob'])
        await shop.stepUp.throttle.attempt('totp', subject, shop.sessions.anonymous({ clientAddress: '192.0.2.1' }))
    }
    const verdicts = []
    for (const [subject, value] of cases) {
      const browser = visitor(shop)
      await browser.json(`/login?as=${subject}`)
      const token = browser.token()
      const headers = {
        cookie: `__Host-sjn=${token}; __Host-sjn-known=${value}`,
        'x-address': '192.0.2.1',
        'sec-fetch-site': 'same-origin',
      }
      verdicts.push(
        ((await (await shop.answer('/step-up/code', { method: 'POST', body: code(), headers })).json()) as { reason: string })
          .reason,
      )
    }

    expect(verdicts).toEqual(['throttled', 'throttled', 'throttled', 'throttled'])
  })

  it('is a stranger again after three months', async () => {
    const shop = await signedIn()
    const known = shop.ada.jar.cookies('https://shop.example').find(({ name }) => name === '__Host-sjn-known')!.value
    const lane = async () => {
      const browser = visitor(shop)
      await browser.json('/login')
      const headers = { cookie: `__Host-sjn=${browser.token()}; __Host-sjn-known=${known}`, 'sec-fetch-site': 'same-origin' }
      for (let i = 0; i < 6; i++) await shop.answer('/step-up/code', { method: 'POST', body: '000000', headers })
      return ((await shop.seen('throttle.reached')).at(-1) as { lane: string }).lane
    }
    const before = await lane()
    shop.clock.advance(days(90))

    expect([before, await lane()]).toEqual(['known', 'account'])
  })

  it('is a stranger where all known clients together have failed a hundred times', async () => {
    const { store, clock, sessions, from } = strangers()
    let client = 0
    const parts = { ledger: store.ledger, clock, random: pooledRandom(), events: sessions.events }
    const throttle = new LedgerThrottle({ ...parts, knownLaneOf: () => `k:${client}` }, { tries: 5, networkTries: 1000 })
    const guesses = async (clients: number) => {
      let sum = 0
      for (const last = client + clients; client < last; client++) {
        for (let i = 0; i < 5; i++) {
          if ((await throttle.attempt('password', 'ada', from(`203.0.${client % 250}.1`))).isAllowed) sum++
        }
      }
      return sum
    }

    // As many cookies as whoever had the password made, and then what strangers have.
    expect([await guesses(20), await guesses(100)]).toEqual([100, 20])
    await throttle.succeeded('password', 'ada', from('192.0.2.1'))
    expect(await guesses(20)).toBe(100)
  })

  it('that never proved a second factor has no lane to guess one in', async () => {
    const shop = site({ stepUp: { isDue: () => false } })
    await shop.enrol()
    const results: unknown[] = []
    for (let i = 0; i < 8; i++) {
      const thief = visitor(shop)
      await thief.json('/login')
      results.push((await thief.type('000000')).reason)
    }

    expect(results).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 'throttled', 'throttled', 'throttled'])
  })

  it('keeps its lane by its session where it has no other cookie', async () => {
    const shop = await signedIn()
    const token = shop.ada.token()
    for (let i = 0; i < 6; i++) await shop.stepUp.throttle.attempt('totp', 'ada', shop.sessions.anonymous())

    const session = await shop.sessions.read(token)

    expect(await shop.stepUp.totp.verify(session, shop.code())).toMatchObject({ ok: true })
  })
})

it('a refusal has one shape, right code or wrong, and tells how long to wait', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const mallory = visitor(shop)
  await mallory.json('/login')
  for (let i = 0; i < 5; i++) await mallory.type('000000')

  const [wrong, right] = [await mallory.type('000000'), await mallory.type(code())]

  expect(wrong).toEqual({ ok: false, reason: 'throttled', retryAfter: seconds(30) })
  expect(right).toEqual(wrong)
})
