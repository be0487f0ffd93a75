import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { createStepUp } from '../../src/stepup/stepup.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { codeOf, setUp, thrownBy, tokenOf } from '../core/support.ts'
import { type SiteOptions, site, visitor } from './site.ts'

/** Ada with an app, signed in with both factors, and with a second session on another device. */
async function ada(options: SiteOptions = {}) {
  const shop = site(options)
  const { factorId, code } = await shop.enrol()
  const open = async () => tokenOf(await shop.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] }))
  const [token, otherToken] = [await open(), await open()]
  return { ...shop, factorId, code, token, otherToken, session: await shop.sessions.read(token) }
}

describe('removing a factor', () => {
  it('takes a full authentication of the last ten minutes, to the millisecond', async () => {
    const { session, stepUp, clock, factorId } = await ada()
    clock.advance(minutes(10) + 1)
    const late = await codeOf(stepUp.remove(session, factorId))
    await session.elevate({ method: ['pwd', 'otp'] })
    clock.advance(minutes(10))

    expect([late, await stepUp.remove(session, factorId)]).toEqual(['ERR_ASSURANCE_INSUFFICIENT', { others: true }])
  })

  it('offers to end the other sessions, which then end; this one stays under another token', async () => {
    const { session, stepUp, sessions, factorId, token, otherToken } = await ada()

    const change = await stepUp.remove(session, factorId)
    const meanwhile = (await sessions.read(otherToken)).state
    await session.revokeOthers()
    const now = await tokenOf(session)

    expect([change, meanwhile]).toEqual([{ others: true }, 'active'])
    expect(now).not.toBe(token)
    expect([(await sessions.read(now)).state, (await sessions.read(otherToken)).state]).toEqual(['active', 'revoked'])
  })

  it('gives the token of before no successor', async () => {
    const { session, stepUp, sessions, factorId, token, clock } = await ada()
    await stepUp.remove(session, factorId)
    const again = await sessions.read(token)
    const { kind } = await again.commit()
    await sessions.read(await tokenOf(session))
    clock.advance(seconds(31))

    expect([kind, (await sessions.read(token)).state]).toEqual(['none', 'reused'])
  })

  it('is on the record, once, and says which', async () => {
    const { session, stepUp, factorId, seen } = await ada()

    const results = await Promise.all([stepUp.remove(session, factorId), stepUp.remove(session, factorId)])

    expect(results.filter(Boolean)).toHaveLength(1)
    expect(await seen('factor.removed')).toMatchObject([{ kind: 'totp', factorId, subject: 'ada', sessionId: session.id }])
  })

  it('leaves the next sign-in with what is left', async () => {
    const { session, stepUp, factorId, ...shop } = await ada()
    await stepUp.remove(session, factorId)
    const browser = visitor({ ...shop, stepUp } as never)

    expect(await browser.json('/login')).toEqual({})
  })
})

describe('every change of factors', () => {
  it('offers to end the other sessions: an app, and recovery codes, too', async () => {
    const { session, stepUp, sessions, clock, token } = await ada()
    const { uri } = await stepUp.totp.begin(session, { account: 'ada' })
    const { appOf } = await import('./codes-support.ts')
    const confirmed = await stepUp.totp.confirm(session, appOf(uri)(clock()))
    const after = await tokenOf(session)
    const next = await sessions.read(after)
    const { codes, others } = await stepUp.recovery.generate(next)

    expect([confirmed, codes.length, others]).toMatchObject([{ ok: true, others: true }, 10, true])
    expect(new Set([token, after, await tokenOf(next)]).size).toBe(3)
  })

  it('ends them by itself where the policy says so', async () => {
    const { session, stepUp, sessions, factorId, otherToken, seen } = await ada({ stepUp: { onFactorChange: 'end' } })

    expect(await stepUp.remove(session, factorId)).toEqual({ others: false })
    expect((await sessions.read(otherToken)).state).toBe('revoked')
    expect((await sessions.read(await tokenOf(session))).state).toBe('active')
    expect(await seen('subject.revoked')).toMatchObject([expect.anything(), { reason: 'factor-changed', subject: 'ada' }])
  })
})

describe('a person’s factors', () => {
  it('are listed to them, without anything secret', async () => {
    const { session, stepUp, factorId } = await ada()

    const [factor, ...rest] = await stepUp.factors(session)

    expect([Object.keys(factor!).sort(), rest]).toEqual([['createdAt', 'id', 'kind', 'lastUsedAt', 'name'], []])
    expect(factor).toMatchObject({ id: factorId, kind: 'totp', name: 'Authenticator app' })
  })

  it('are not listed to a visitor, whose ways there are none of', async () => {
    const { stepUp, sessions } = await ada()

    expect(await codeOf(stepUp.factors(sessions.anonymous()))).toBe('ERR_ASSURANCE_INSUFFICIENT')
    expect(await stepUp.ways(sessions.anonymous())).toEqual([])
  })

  it('are named by kind, once each, to the page that asks for them', async () => {
    const { stepUp, sessions, session, clock } = await ada()
    await stepUp.recovery.generate(session)
    clock.advance(1)
    const half = sessions.anonymous()
    await stepUp.signIn(half, { subject: 'ada', method: 'pwd' })

    expect([half.pending, await stepUp.ways(half)]).toEqual(['aal2', ['totp', 'recovery']])
  })

  it('go all at once with their sessions, when an account is closed', async () => {
    const { stepUp, sessions, session, token, otherToken, seen } = await ada()
    await stepUp.recovery.generate(session)

    const count = await stepUp.removeAll('ada', { actor: 'support' })

    expect(count).toBe(2)
    expect([(await sessions.read(token)).state, (await sessions.read(otherToken)).state]).toEqual(['revoked', 'revoked'])
    expect((await seen('factor.removed')).length).toBe(2)
    expect((await seen('subject.revoked')).at(-1)).toMatchObject({ actor: 'support', reason: 'factors-removed' })
  })
})

it.each([undefined, '', 4, ['ada'], '\ud800'])('nobody signs in as %j, and the factor store is not asked', async (subject) => {
  const shop = site()
  shop.factors.list = () => Promise.reject(new Error('asked'))

  expect(await codeOf(shop.stepUp.signIn(shop.sessions.anonymous(), { subject: subject as never, method: 'pwd' }))).toBe(
    'ERR_ARGUMENT_INVALID',
  )
})

describe('calls of the factor store', () => {
  it('that hang are given up in time, and let nobody in', async () => {
    const shop = site({ storeTimeout: 50 })
    shop.factors.list = () => new Promise(() => {})
    const visitorOf = visitor(shop)

    expect((await visitorOf.visit('/login')).status).toBe(503)
    expect(await shop.seen('store.failed')).toMatchObject([{ operation: 'factors.list', code: 'ERR_STORE_UNAVAILABLE' }])
  })
})

describe('createStepUp', () => {
  const make = (options: object) => () =>
    createStepUp(setUp().sessions, { factors: memoryFactorStore(), issuer: 'Shop', ...options } as never)

  it.each([
    ['no factor store', { factors: undefined }],
    ['something else for one', { factors: {} }],
    ['a typing error', { facors: 1 }],
    ['a typing error below', { throttle: { trys: 3 } }],
    ['a page that is none', { pages: { stepUp: 'https://evil.example' } }],
    ['a page with a query', { pages: { stepUp: '/a?b' } }],
    ['a star in the middle', { pages: { whilePending: ['/a*b'] } }],
    ['everything', { pages: { whilePending: ['/*x'] } }],
    ['a text for a list', { pages: { whilePending: '/step-up' } }],
    ['no tries', { throttle: { tries: 0 } }],
    ['too many', { throttle: { tries: 21 } }],
    ['a few of a network', { throttle: { networkTries: 4 } }],
    ['a text for a function', { isDue: 'yes' }],
    ['another word', { onFactorChange: 'revoke' }],
    ['an approval for a day', { approvalLifetime: 86_400_000 }],
    ['a ledger that is none', { ledger: {} }],
    ['an issuer that apps cut', { issuer: 'Shop: the best' }],
    ['an origin that is none', { origins: ['shop.example'] }],
  ])('refuses %s at start-up', (_what, options) => {
    expect(thrownBy(make(options)).code).toBe('ERR_CONFIG_INVALID')
  })

  it('refuses a ledger that forgets, and takes another in its place', () => {
    const store = memoryStore()
    const forgetful = { name: 'forgetful', ledger: store.ledger, capabilities: { ...store.capabilities, evicts: true } }

    expect(thrownBy(make({ ledger: forgetful })).message).toContain("'forgetful' makes room by forgetting")
    expect(make({ ledger: store })).not.toThrow()
  })

  it('refuses to guard other sessions than its own', () => {
    const stepUp = make({})()

    expect(thrownBy(() => stepUp.attach({ sessions: setUp().sessions } as never)).code).toBe('ERR_CONFIG_INVALID')
  })

  it('has no passkeys without origins, and says so when one is asked for', () => {
    const { passkeys } = make({})()

    expect(thrownBy(() => passkeys.signInOptions(setUp().sessions.anonymous())).message).toContain('origins')
  })
})
