// The attacker has: a refresh token copied from the victim's app, at any moment of its life.
// The attacker does: uses it before the app does, or after it; once, or again and again; in step with it, or alone.
// The attacker must not obtain: tokens for longer than it takes the app to come back. Once both have acted, nobody has any.
import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { refreshSite } from '../tokens/refresh/support.ts'

describe('a thief who comes first', () => {
  it('is found out when the app comes back, and the browser’s session ends too', async () => {
    const site = refreshSite()
    const { refreshToken: stolen, sessionId } = await site.app()
    const thief = await site.next(await site.next(stolen))
    site.clock.advance(minutes(5))

    expect(await site.reasonOf(stolen)).toBe('reused')
    expect([await site.reasonOf(thief), await site.isAlive(sessionId)]).toEqual(['ended', false])
  })

  it('and keeps refreshing is found out at the app’s next refresh', async () => {
    const site = refreshSite()
    const { refreshToken: stolen } = await site.app()
    let thief = stolen
    for (let i = 0; i < 6; i++) {
      thief = await site.next(thief)
      site.clock.advance(minutes(4))
    }
    expect([await site.reasonOf(stolen), await site.reasonOf(thief)]).toEqual(['reused', 'ended'])
  })

  it('but for the one answer gets what the app gets, and no second chain', async () => {
    const site = refreshSite()
    const { refreshToken: stolen } = await site.app()
    const thief = await site.next(stolen)
    site.clock.advance(minutes(5))

    expect(await site.next(stolen)).toBe(thief)
  })
})

describe('a thief who comes second', () => {
  it('is found out at once, after the grace', async () => {
    const site = refreshSite()
    const { refreshToken: stolen, sessionId } = await site.app()
    const app = await site.next(await site.next(stolen))
    site.clock.advance(seconds(30))

    expect(await site.reasonOf(stolen)).toBe('reused')
    expect([await site.reasonOf(app), await site.isAlive(sessionId)]).toEqual(['ended', false])
  })

  it('within the grace gets a token that betrays him when he uses it later', async () => {
    const site = refreshSite()
    const { refreshToken: stolen, sessionId } = await site.app()
    let app = await site.next(await site.next(stolen))
    const thief = await site.next(stolen)
    for (let i = 0; i < 2; i++) {
      site.clock.advance(minutes(5))
      app = await site.next(app)
    }
    expect([await site.reasonOf(thief), await site.isAlive(sessionId)]).toEqual(['reused', false])
  })

  it('after many refreshes is told as one of long ago', async () => {
    const site = refreshSite()
    const { refreshToken: stolen } = await site.app()
    let app = stolen
    for (let i = 0; i < 20; i++) {
      app = await site.next(app)
      site.clock.advance(minutes(1))
    }
    expect(await site.reasonOf(stolen)).toBe('reused')
    expect(await site.seen('refresh-token.reused')).toMatchObject([{ outcome: 'session-revoked' }])
  })
})

it('a thief with the cookie learns nothing of refresh tokens, and neither passes for the other', async () => {
  const site = refreshSite()
  const { refreshToken, cookieToken, sessionId } = await site.app()
  const asCookie = await site.sessions.read(refreshToken)
  const bytesOf = (token: string) => Buffer.from(token.slice(5), 'base64url')
  const dressed = await site.sessions.read(`sjn1_${bytesOf(refreshToken).toString('base64url', 0, 64)}`)
  const undressed = `sjr1_${Buffer.concat([bytesOf(cookieToken), Buffer.alloc(4)]).toString('base64url')}`

  expect([asCookie.state, dressed.state]).toEqual(['malformed', 'forged'])
  expect(await site.reasonOf(cookieToken)).toBe('malformed')
  expect(await site.reasonOf(undressed)).toBe('forged')
  expect(await site.isAlive(sessionId)).toBe(true)
})

it('a refresh token of before a step-up never gets what was proved after it', async () => {
  const site = refreshSite()
  const { refreshToken: stolen, session } = await site.app()
  site.clock.advance(seconds(1))
  await session.elevate({ method: 'otp' })
  const outcome = await site.refresh(stolen)
  const claims = JSON.parse(Buffer.from(outcome.ok ? outcome.tokens.accessToken.split('.')[1]! : '', 'base64url').toString())

  expect([claims.acr, claims.amr]).toEqual(['aal1', ['pwd']])
})
