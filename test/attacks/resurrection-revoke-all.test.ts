// The attacker has: several stolen sessions of a subject, with writes on their way, when all of the subject's sessions are ended.
// The attacker does: lets creates, touches, rotations and changes race with the revocation.
// The attacker must not obtain: a session of before that lives on. (A sign-in that starts afterwards is a new proof, and new.)
import { describe, expect, it } from 'vitest'
import { signedIn } from '../core/support.ts'
import { STORES } from './stores.ts'

describe.each(STORES)('%s', (_name, open) => {
  it('no session that was there before outlives it, whatever was on its way', async () => {
    const { sessions } = open()
    const tokens = await Promise.all(Array.from({ length: 12 }, () => signedIn(sessions)))
    const held = await Promise.all(tokens.map((token) => sessions.read(token)))
    const racing = held.map(async (session, i) => {
      if (i % 3 === 0) await session.rotate()
      else if (i % 3 === 1) await session.update((data) => Object.assign(data, { i }))
      else await session.touch()
      return session.commit()
    })
    const results = await Promise.allSettled([...racing, sessions.revokeSubject('ada', { reason: 'password-reset' })])
    const given = results.flatMap((result) =>
      result.status === 'fulfilled' && typeof result.value === 'object' ? [result.value.token] : [],
    )

    const states = await Promise.all(
      [...tokens, ...given].filter(Boolean).map(async (token) => (await sessions.read(token)).state),
    )
    expect(new Set(states)).toEqual(new Set(['revoked']))
  })

  it('a session replaced in a race with it is not left alive', async () => {
    const { sessions } = open()
    const token = await signedIn(sessions)
    const session = await sessions.read(token)
    await Promise.all([session.signIn({ subject: 'ada', method: 'pwd' }), sessions.revokeSubject('ada')])

    expect((await sessions.read(token)).state).toBe('revoked')
  })

  it('afterwards the subject can sign in again', async () => {
    const { sessions } = open()
    await signedIn(sessions)
    await sessions.revokeSubject('ada')

    expect((await sessions.read(await signedIn(sessions))).state).toBe('active')
  })
})
