// Who may be granted a family, for what, and how much of it a record keeps.
import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import { serviceOf } from '../../../src/core/service.ts'
import { cookieStore } from '../../../src/stores/cookie.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { codeOf } from '../../core/support.ts'
import { API } from '../support.ts'
import { CLIENTS, OTHER_API, refreshSite } from './support.ts'

describe('a grant', () => {
  it('is a pair, and told', async () => {
    const site = refreshSite()
    const { refreshToken, accessToken, scope, tokenType, expiresAt, sessionId } = await site.app()

    expect([refreshToken.length, refreshToken.slice(0, 5), scope, tokenType]).toEqual([96, 'sjr1_', ['read', 'write'], 'Bearer'])
    expect([accessToken.split('.').length, expiresAt > site.clock()]).toEqual([3, true])
    expect(await site.seen('refresh-token.granted')).toMatchObject([{ sessionId, subject: 'ada', clientId: 'app' }])
  })

  it.each([
    ['a client that nobody configured', { clientId: 'stranger' }],
    ['a client named like what every object has', { clientId: '__proto__' }],
    ['a scope its client may not have', { scope: ['admin'] }],
    ['an audience its client may not have', { audience: 'https://elsewhere.example' }],
    ['one good audience and one that is not', { audience: [API, 'https://elsewhere.example'] }],
    ['no audience at all', { audience: [] }],
    ['no key where one must be proved', { clientId: 'bound', scope: ['read'] }],
    ['a key that is no thumbprint', { jkt: 'x' }],
  ])('refuses %s, and writes nothing', async (_what, options) => {
    const site = refreshSite()
    const { session, sessionId } = await site.signIn()

    expect(await codeOf(site.grant(session, options))).toBe('ERR_ARGUMENT_INVALID')
    expect(await site.notesOf(sessionId)).toBe(undefined)
  })

  it.each([
    ['a visitor', async (site: ReturnType<typeof refreshSite>) => site.sessions.read(undefined), 'ERR_SESSION_ENDED'],
    [
      'somebody whose second factor is due',
      async (site: ReturnType<typeof refreshSite>) => site.sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' }),
      'ERR_SESSION_ENDED',
    ],
    [
      'a session that ended while the request ran',
      async (site: ReturnType<typeof refreshSite>) => {
        const { session } = await site.signIn()
        await site.sessions.revoke(session.id!)
        return session
      },
      'ERR_SESSION_ENDED',
    ],
  ])('refuses %s', async (_what, sessionIn, code) => {
    const site = refreshSite()
    expect(await codeOf(site.grant(await sessionIn(site)))).toBe(code)
  })

  it('that cannot be answered, since no key can be had, leaves nothing behind that would push out others', async () => {
    const ledger = faultyStore(memoryStore())
    const site = refreshSite({ tokens: { ledger } })
    const { session, sessionId } = await site.signIn()
    ledger.setFaults({ all: { kind: 'error' } })
    const codes = [await codeOf(site.grant(session)), await codeOf(site.grant(session))]

    expect([codes, await site.notesOf(sessionId)]).toEqual([['ERR_STORE_UNAVAILABLE', 'ERR_STORE_UNAVAILABLE'], undefined])
  })

  it('is for several audiences, and stays so', async () => {
    const site = refreshSite()
    const { refreshToken } = await site.app({ audience: [API, OTHER_API] })
    const outcome = await site.refresh(refreshToken)
    const { accessToken } = outcome.ok ? outcome.tokens : { accessToken: '' }

    expect(JSON.parse(Buffer.from(accessToken.split('.')[1]!, 'base64url').toString()).aud).toEqual([API, OTHER_API])
  })

  it('stays beside what the request writes afterwards, and what others note', async () => {
    const site = refreshSite()
    const { session, cookieToken } = await site.signIn()
    const { refreshToken } = await site.grant(session)
    session.data.basket = ['tea']
    await session.commit()

    expect((await site.sessions.read(cookieToken)).data).toEqual({ basket: ['tea'] })
    expect(await site.reasonOf(refreshToken)).toBe('good')
  })

  it('ninth of a session makes the one unused for longest go, and says so', async () => {
    const site = refreshSite()
    const { session, sessionId } = await site.signIn()
    const families: string[] = []
    for (let i = 0; i < 8; i++) {
      families.push((await site.grant(session)).refreshToken)
      site.clock.advance(seconds(1))
    }
    families[0] = await site.next(families[0]!)
    await site.grant(session)

    const reasons = []
    for (const token of families) reasons.push(await site.reasonOf(token))
    expect(reasons).toEqual(['good', 'ended', ...Array.from({ length: 6 }, () => 'good')])
    expect(await site.seen('refresh-token.ended')).toMatchObject([{ sessionId, clientId: 'app', reason: 'limit' }])
  })

  it('takes the place of one that nobody uses any more, without a word', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(1) } })
    const { session } = await site.signIn()
    for (let i = 0; i < 8; i++) await site.grant(session)
    site.clock.advance(minutes(1))
    await site.grant(session)

    expect(await site.seen('refresh-token.ended')).toEqual([])
  })

  it('of an app that stopped coming leaves the record when another one refreshes', async () => {
    const site = refreshSite({ tokens: { refreshIdleTimeout: minutes(1) } })
    const { session, sessionId } = await site.signIn()
    for (let i = 0; i < 3; i++) await site.grant(session)
    let { refreshToken } = await site.grant(session)
    const counts = []
    for (let i = 0; i < 3; i++) {
      counts.push(((await site.notesOf(sessionId)) as { f: unknown[] }).f.length)
      site.clock.advance(seconds(40))
      refreshToken = await site.next(refreshToken)
    }
    counts.push(((await site.notesOf(sessionId)) as { f: unknown[] }).f.length)

    expect(counts).toEqual([4, 4, 1, 1])
  })

  it.each(['sqlite-sized', 'full'])('keeps a record small (%s)', async (what) => {
    const site = refreshSite()
    const { session, sessionId } = await site.signIn()
    for (let i = 0; i < (what === 'full' ? 8 : 1); i++) {
      let { refreshToken } = await site.grant(session)
      for (let j = 0; j < 3; j++) refreshToken = await site.next(refreshToken)
    }
    const found = await serviceOf(site.sessions).calls.read(sessionId)
    const size = found?.kind === 'record' ? found.record.body.length : 0

    expect(size).toBeLessThan(what === 'full' ? 4_600 : 900)
  })
})

describe('at start-up', () => {
  it('clients are refused where the store keeps no records', () => {
    const store = faultyStore(cookieStore({ ledger: memoryStore() }))
    const start = (tokens: object) => () => refreshSite({ core: { store }, tokens: { ledger: memoryStore(), ...tokens } })

    expect(start({ clients: CLIENTS })).toThrow(/keeps no records/)
    expect(start({ clients: [] })).not.toThrow()
  })
})
