// The attacker has: a request of a stolen session held open at the server, before the owner signs out.
// The attacker does: lets it finish, with changes to write, after the owner's sign-out was acknowledged.
// The attacker must not obtain: a live session, a new row, a cookie, or the change kept anywhere.
import { describe, expect, it } from 'vitest'
import { codeOf, signedIn } from '../core/support.ts'
import { STORES } from './stores.ts'

describe.each(STORES)('%s', (_name, open) => {
  it('a change is refused and the session stays ended', async () => {
    const { sessions } = open()
    const token = await signedIn(sessions)
    const held = await sessions.read(token)
    held.data.basket = ['tea']
    await (await sessions.read(token)).signOut()

    expect(await codeOf(async () => held.commit())).toBe('ERR_SESSION_ENDED')
    expect([(await sessions.read(token)).state, await sessions.list('ada')]).toEqual(['revoked', []])
  })

  it('twenty held requests bring nothing back, whatever they do', async () => {
    const { sessions } = open()
    const token = await signedIn(sessions)
    const held = await Promise.all(Array.from({ length: 20 }, () => sessions.read(token)))
    const out = (await sessions.read(token)).signOut()
    const work = held.map(async (session, i) => {
      if (i % 4 === 0) await session.update((data) => Object.assign(data, { i }))
      else if (i % 4 === 1) await session.rotate()
      else if (i % 4 === 2) await session.elevate({ method: 'otp' })
      else await session.touch()
      return session.commit()
    })
    await Promise.allSettled([out, ...work])

    expect([(await sessions.read(token)).state, await sessions.list('ada')]).toEqual(['revoked', []])
  })

  it('a token given out while sign-out was on its way is dead too', async () => {
    const { sessions } = open()
    const token = await signedIn(sessions)
    const [rotating, leaving] = await Promise.all([sessions.read(token), sessions.read(token)])
    await Promise.allSettled([rotating.rotate(), leaving.signOut()])
    const given = (await rotating.commit()).token ?? token

    expect((await sessions.read(given)).state).toBe('revoked')
  })
})
