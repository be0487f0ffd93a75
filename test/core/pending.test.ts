// What core keeps of a sign-in that is half done, and what such a session may do: nothing, but where the caller says so.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { decodeRecord, dueOf, encodeRecord } from '../../src/core/record.ts'
import { workOf } from '../../src/core/session.ts'
import { codeOf, RING, recordOf, setUp, signedIn, tokenOf } from './support.ts'

describe('due', () => {
  it.each([undefined, 'aal0', 'aal2', 'aal3'] as const)(
    '%s is kept with the record, and asked for without a look at its details',
    (due) => {
      const record = recordOf({ details: { facts: [], due } })
      const decoded = decodeRecord({ ...encodeRecord(record, RING), version: 1, epoch: 0 }, RING)!

      expect([dueOf(record), dueOf(decoded), decoded.details.due]).toEqual([due, due, due])
    },
  )

  it('is a level, or the sign-in is refused', async () => {
    const { sessions } = setUp()

    expect(await codeOf(sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal9' as never }))).toBe('ERR_ARGUMENT_INVALID')
  })

  it('holds a session back until it is reached, and no longer', async () => {
    const { sessions } = setUp()
    const token = await signedIn(sessions, { due: 'aal2' })
    const before = await sessions.read(token)
    const page = await sessions.read(token, { mayBePending: true })
    const seen = [before.state, before.stateReason, before.subject, page.state, page.subject, page.pending]
    await page.elevate({ method: 'otp' })

    expect(seen).toEqual(['pending', 'mfa-due', undefined, 'active', 'ada', 'aal2'])
    expect(page.pending).toBeUndefined()
    expect(await sessions.read(await tokenOf(page))).toMatchObject({ state: 'active', subject: 'ada', acr: 'aal2' })
  })

  it('is nothing where the sign-in has proved it', async () => {
    const { sessions } = setUp()

    expect((await sessions.read(await signedIn(sessions, { method: ['pwd', 'otp'], due: 'aal2' }))).subject).toBe('ada')
    expect((await sessions.read(await signedIn(sessions, { due: 'aal0' }))).subject).toBe('ada')
  })

  it('is not made by age, nor by doubt: who was in stays in, and proves anew what is asked', async () => {
    const { sessions, clock } = setUp({ policy: { idleTimeout: minutes(60), rotateAfter: minutes(120) } })
    const token = await signedIn(sessions, { method: ['pwd', 'otp'], due: 'aal2' })
    clock.advance(minutes(30))
    const session = await sessions.read(token)
    await workOf(session).amend(({ details }) => ({ details: { ...details, doubtedAt: clock() } }))
    const again = await sessions.read(token)

    expect([again.state, again.subject, again.acr, again.pending]).toEqual(['active', 'ada', 'aal0', undefined])
    expect(again.meets()).toBe(false)
  })

  it('survives renewal, data and touches', async () => {
    const { sessions, clock } = setUp()
    const first = await signedIn(sessions, { due: 'aal2' })
    await sessions.read(first, { mayBePending: true })
    clock.advance(minutes(16))
    const session = await sessions.read(first, { mayBePending: true })
    session.data.note = 'kept'
    const next = await tokenOf(session)

    expect(next).not.toBe(first)
    expect((await sessions.read(next)).state).toBe('pending')
    expect((await sessions.read(next, { mayBePending: true })).data).toEqual({ note: 'kept' })
  })

  it('lets a held request write nothing, and its cookie stays', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions, { due: 'aal2' })
    const session = await sessions.read(token)
    const calls = store.calls.length

    const change = (data: Record<string, unknown>) => {
      data.note = 'kept'
    }

    expect(await codeOf(session.update(change))).toBe('ERR_ASSURANCE_INSUFFICIENT')
    expect(await codeOf(session.elevate({ method: 'otp' }))).toBe('ERR_SESSION_ENDED')
    expect(await session.commit()).toEqual({ kind: 'none', isLogout: false })
    expect(store.calls.length).toBe(calls)
  })

  it('ends with a sign-out and with a new sign-in, from wherever they come', async () => {
    const { sessions } = setUp()
    const [one, two] = [await signedIn(sessions, { due: 'aal2' }), await signedIn(sessions, { due: 'aal2' })]
    const out = await sessions.read(one)
    await out.signOut()
    const over = await sessions.read(two)
    await over.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' })

    expect([await out.commit(), (await sessions.read(one)).stateReason]).toEqual([{ kind: 'clear', isLogout: true }, 'logout'])
    expect((await sessions.read(two)).stateReason).toBe('replaced')
    expect(await tokenOf(over)).not.toBe(two)
  })

  it('is shown to the person’s other sessions, and on the record: somebody knows the password', async () => {
    const { sessions, seen } = setUp()
    await signedIn(sessions, { due: 'aal2' })
    const whole = await sessions.read(await signedIn(sessions, { method: ['pwd', 'otp'] }))

    expect((await whole.list()).map(({ acr, pending }) => [acr, pending]).toSorted()).toEqual([
      ['aal1', 'aal2'],
      ['aal2', undefined],
    ])
    expect((await seen('session.started')).map((event) => (event as { pending?: string }).pending)).toEqual(['aal2', undefined])
  })
})

describe('session.requireAssurance', () => {
  it('lets through what meets lets through, and throws what was asked for', async () => {
    const { sessions, clock, seen } = setUp()
    const session = await sessions.read(await signedIn(sessions))
    const needed = { acr: 'aal2', maxAge: minutes(5) } as const
    session.requireAssurance()
    session.requireAssurance({ acr: 'aal1', maxAge: 0 })

    expect(() => session.requireAssurance(needed)).toThrow(
      expect.objectContaining({ code: 'ERR_ASSURANCE_INSUFFICIENT', status: 401, ...needed, isSignedIn: true }),
    )
    expect(() => sessions.anonymous().requireAssurance()).toThrow(expect.objectContaining({ acr: 'aal1', isSignedIn: false }))
    await session.elevate({ method: 'otp' })
    clock.advance(minutes(5))
    session.requireAssurance(needed)
    clock.advance(1)
    expect(() => session.requireAssurance(needed)).toThrow(expect.objectContaining({ code: 'ERR_ASSURANCE_INSUFFICIENT' }))
    expect((await seen('assurance.refused')).length).toBe(3)
  })

  it('takes nobody for signed out while the store is away', async () => {
    const { sessions, store } = setUp()
    const token = await signedIn(sessions)
    store.setFaults({ read: { kind: 'error' } })
    const session = await sessions.read(token, { onOutage: 'anonymous' })

    expect(await codeOf(() => session.requireAssurance())).toBe('ERR_STORE_UNAVAILABLE')
  })

  it('tells a pending session from none', async () => {
    const { sessions } = setUp()
    const session = await sessions.read(await signedIn(sessions, { due: 'aal2' }))

    expect(() => session.requireAssurance()).toThrow(expect.objectContaining({ isSignedIn: true }))
  })

  it.each([[{ acr: 'aal4' }], [{ acr: 'AAL2' }], [{ acr: null }], [{ acr: '' }]])(
    'refuses %j: a misspelt level must not be one that everybody meets',
    async (requirement) => {
      const { sessions } = setUp()
      const session = await sessions.read(await signedIn(sessions))

      expect(await codeOf(() => session.requireAssurance(requirement as never))).toBe('ERR_ARGUMENT_INVALID')
      expect(await codeOf(() => sessions.anonymous().requireAssurance(requirement as never))).toBe('ERR_ARGUMENT_INVALID')
    },
  )
})
