import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import type { Session } from '../../src/core/session.ts'
import { canonicalText } from '../../src/stepup/canonical.ts'
import { codeOf, thrownBy, tokenOf } from '../core/support.ts'
import { site } from './site.ts'

const PAY = { operation: 'pay', parameters: { to: 'X', cents: 4000 } }
const ASKED = { ...PAY, words: 'Pay 40 € to X' }

async function bank() {
  const shop = site()
  const { approvals } = shop.stepUp
  const signIn = async (subject = 'ada') => {
    const session = await shop.sessions.signIn({ subject, method: 'pwd' })
    const next = await shop.sessions.read(await tokenOf(session))
    shop.clock.advance(seconds(1))
    return next
  }
  /** The next request of the same browser. */
  const next = async (session: Session) => shop.sessions.read(await tokenOf(session))
  const granted = async (session: Session) => {
    const id = await approvals.request(session, ASKED)
    shop.clock.advance(1)
    await session.elevate({ method: 'otp' })
    await approvals.grant(session, id)
    return session
  }
  return { ...shop, approvals, signIn, next, granted }
}

describe('an approval', () => {
  it('is described, granted by a proof, and spent once', async () => {
    const { approvals, signIn, clock, seen } = await bank()
    const session = await signIn()
    const requestedAt = clock()
    const id = await approvals.request(session, ASKED)
    clock.advance(1)
    await session.elevate({ method: 'otp' })

    expect(await approvals.describe(session, id)).toEqual({ ...ASKED, id, requestedAt, deadline: requestedAt + minutes(10) })
    expect(await approvals.grant(session, id)).toBe(true)
    expect([await approvals.spend(session, PAY), await approvals.spend(session, PAY)]).toEqual([true, false])
    expect([await seen('approval.granted'), await seen('approval.spent')]).toMatchObject([
      [{ operation: 'pay', subject: 'ada' }],
      [{ operation: 'pay', subject: 'ada' }],
    ])
  })

  it('is spent once by however many ask at once', async () => {
    const { approvals, signIn, granted } = await bank()
    const session = await granted(await signIn())

    const spent = await Promise.all(Array.from({ length: 50 }, () => approvals.spend(session, PAY)))

    expect(spent.filter(Boolean)).toEqual([true])
  })

  it('is not granted by what was proved before it was asked for', async () => {
    const { approvals, signIn } = await bank()
    const session = await signIn()
    await session.elevate({ method: 'otp' })
    const id = await approvals.request(session, ASKED)

    expect([await approvals.grant(session, id), await approvals.spend(session, PAY)]).toEqual([false, false])
  })

  it('is not granted by what was proved before it was asked for, whatever the clock has done since', async () => {
    const { approvals, signIn, clock } = await bank()
    const session = await signIn()
    await session.elevate({ method: 'otp' })
    clock.advance(-minutes(5))
    const id = await approvals.request(session, ASKED)
    const before = [await approvals.grant(session, id), await approvals.spend(session, PAY)]
    clock.advance(1)
    await session.elevate({ method: 'otp' })

    expect(before).toEqual([false, false])
    expect([await approvals.grant(session, id), await approvals.spend(session, PAY)]).toEqual([true, true])
  })

  it('takes a proof of its own: one grants one', async () => {
    const { approvals, signIn, clock } = await bank()
    const session = await signIn()
    const first = await approvals.request(session, ASKED)
    const second = await approvals.request(session, { ...ASKED, parameters: { to: 'Y', cents: 1 } })
    clock.advance(1)
    await session.elevate({ method: ['hwk', 'user'], strength: 2 })

    expect([await approvals.grant(session, first), await approvals.grant(session, second)]).toEqual([true, false])
  })

  it('can be spent for as long as its lifetime, and not a millisecond longer', async () => {
    const { approvals, signIn, granted, clock } = await bank()
    const session = await granted(await signIn())
    clock.advance(minutes(2))
    const last = await approvals.spend(session, PAY)
    const other = await granted(await signIn())
    clock.advance(minutes(2) + 1)

    expect([last, await approvals.spend(other, PAY)]).toEqual([true, false])
  })

  it('waits ten minutes for its proof', async () => {
    const { approvals, signIn, clock } = await bank()
    const session = await signIn()
    const id = await approvals.request(session, ASKED)
    clock.advance(minutes(10) + 1)
    await session.elevate({ method: 'otp' })

    expect([await approvals.describe(session, id), await approvals.grant(session, id)]).toEqual([undefined, false])
  })

  it('is not spent by a token from before the proof, nor used up by it', async () => {
    const { approvals, signIn, sessions, next, clock } = await bank()
    const session = await signIn()
    const before = await tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd' }))
    const own = await sessions.read(before)
    const id = await approvals.request(own, ASKED)
    clock.advance(1)
    await own.elevate({ method: 'otp' })
    await approvals.grant(own, id)
    const after = await next(own)
    const thief = await sessions.read(before)

    expect([thief.id === after.id, await approvals.spend(thief, PAY)]).toEqual([true, false])
    expect([await approvals.spend(session, PAY), await approvals.spend(after, PAY)]).toEqual([false, true])
  })

  it('is not spent once the client is doubted', async () => {
    const { approvals, signIn, granted, clock } = await bank()
    const { workOf } = await import('../../src/core/session.ts')
    const session = await granted(await signIn())
    await workOf(session).amend(({ details }) => ({ details: { ...details, doubtedAt: clock() } }))

    expect(await approvals.spend(session, PAY)).toBe(false)
  })

  it('of a visitor, of a stranger’s id, or of garbage there is none', async () => {
    const { approvals, signIn, sessions } = await bank()
    const session = await signIn()
    await session.elevate({ method: 'otp' })
    const anonymous = sessions.anonymous()
    const ids = ['', 'x', '../..', 'A'.repeat(22), 'A'.repeat(10_000), undefined, null, 4, {}, ['x']]

    expect(await codeOf(approvals.request(anonymous, ASKED))).toBe('ERR_ASSURANCE_INSUFFICIENT')
    expect(await approvals.spend(anonymous, PAY)).toBe(false)
    expect(await Promise.all(ids.map((id) => approvals.grant(session, id)))).toEqual(ids.map(() => false))
    expect(await Promise.all(ids.map((id) => approvals.describe(session, id)))).toEqual(ids.map(() => undefined))
  })

  it('is sealed where it waits, and its keys name nothing', async () => {
    const kept: string[] = []
    const shop = await bank()
    const { ledger } = shop.store
    const put = ledger.put
    ledger.put = (key, value, options) => {
      kept.push(key, Buffer.from(value).toString('latin1'))
      return put(key, value, options)
    }
    const session = await shop.granted(await shop.signIn())
    await shop.approvals.spend(session, PAY)

    expect(kept.length).toBe(4)
    expect(kept.join()).not.toMatch(/Pay|4000|cents|ada/)
  })

  it('cannot be made up by who writes to the ledger', async () => {
    const { approvals, signIn, granted, store, clock } = await bank()
    const session = await signIn()
    let grant = ''
    const { put } = store.ledger
    store.ledger.put = (key, value, options) => {
      grant = key
      return put(key, value, options)
    }
    await granted(session)
    const spent = await approvals.spend(session, PAY)
    const { method, at } = session.facts.at(-1)!
    const made = Buffer.from(JSON.stringify({ method, at }))
    await put(grant, made, { now: clock(), deadline: clock() + minutes(1) })

    expect([spent, await approvals.spend(session, PAY)]).toEqual([true, false])
  })

  it('needs the ledger: while it is away nothing is spent', async () => {
    const { approvals, signIn, granted, store } = await bank()
    const session = await granted(await signIn())
    store.setFaults({ 'ledger.take': { kind: 'error' } })

    expect(await codeOf(approvals.spend(session, PAY))).toBe('ERR_STORE_UNAVAILABLE')
  })

  it.each([
    ['an operation that is no word', { ...ASKED, operation: 'Pay now!' }],
    ['no words', { ...ASKED, words: ' ' }],
    ['a novel', { ...ASKED, words: 'x'.repeat(501) }],
    ['an amount that is no number', { ...ASKED, parameters: { cents: Number.NaN } }],
    ['a date', { ...ASKED, parameters: { on: new Date(0) } }],
    ['something left out of JSON', { ...ASKED, parameters: { to: undefined } }],
    ['too much', { ...ASKED, parameters: 'x'.repeat(20_000) }],
  ])('is not asked for with %s', async (_what, asked) => {
    const { approvals, signIn } = await bank()

    expect(await codeOf(approvals.request(await signIn(), asked))).toBe('ERR_ARGUMENT_INVALID')
  })
})

describe('parameters', () => {
  it('are the same in whatever order they are written', () => {
    expect(canonicalText({ b: [1, { d: null, c: true }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":true,"d":null}]}')
    expect(canonicalText({ a: 'x', b: [1, { c: true, d: null }] })).toBe(canonicalText({ b: [1, { d: null, c: true }], a: 'x' }))
  })

  it('differ where what they say differs', () => {
    const all = [
      40,
      '40',
      40.5,
      [40],
      ['40'],
      { a: 40 },
      { a: '40' },
      null,
      'null',
      true,
      'true',
      {},
      [],
      '',
      '{}',
      { a: { b: 1 } },
      { 'a.b': 1 },
    ]

    expect(new Set(all.map(canonicalText)).size).toBe(all.length)
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a big integer', 1n],
    ['half a character', '\ud800'],
    ['a map', new Map()],
    ['an instance', new (class Money {})()],
    ['a hole in a list', new Array(2)],
    ['a property under a symbol', { [Symbol('x')]: 1 }],
    ['infinity', Number.POSITIVE_INFINITY],
  ])('cannot hold %s', (_what, value) => {
    expect(thrownBy(() => canonicalText({ value })).code).toBe('ERR_ARGUMENT_INVALID')
  })

  it('that hold themselves are refused, not followed', () => {
    const loop: Record<string, unknown> = {}
    loop.self = loop

    expect(thrownBy(() => canonicalText(loop)).code).toBe('ERR_ARGUMENT_INVALID')
  })

  it('may have any key, that of a prototype included', () => {
    expect(canonicalText(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}')
  })
})
