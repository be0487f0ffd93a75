// The attacker has: a stolen token of a session that an administrator has just ended.
// The attacker does: asks for a rotation or a step-up at the same moment and afterwards.
// The attacker must not obtain: a token that works.
import { describe, expect, it } from 'vitest'
import { codeOf, signedIn } from '../core/support.ts'
import { STORES } from './stores.ts'

describe.each(STORES)('%s', (_name, open) => {
  it.each([
    ['rotate', (session) => session.rotate()],
    ['elevate', (session) => session.elevate({ method: 'otp' })],
  ] satisfies [string, (session: Awaited<ReturnType<ReturnType<typeof open>['sessions']['read']>>) => Promise<void>][])(
    '%s after the revocation is ERR_SESSION_ENDED and gives no token',
    async (_operation, work) => {
      const { sessions } = open()
      const token = await signedIn(sessions)
      const held = await sessions.read(token)
      await sessions.revoke(held.id!)

      expect(await codeOf(work(held))).toBe('ERR_SESSION_ENDED')
      expect((await held.commit()).token).toBeUndefined()
    },
  )

  it('no predecessor and no successor of the lineage is active after the revocation', async () => {
    const { sessions, clock } = open()
    const tokens = [await signedIn(sessions)]
    for (let i = 0; i < 3; i++) {
      const session = await sessions.read(tokens.at(-1))
      await session.rotate()
      tokens.push((await session.commit()).token!)
      await sessions.read(tokens.at(-1))
      clock.advance(31_000)
    }
    await sessions.revoke((await sessions.read(tokens.at(-1))).id!)

    const states = await Promise.all(tokens.map(async (token) => (await sessions.read(token)).state))
    expect(states).toEqual(['revoked', 'revoked', 'revoked', 'revoked'])
  })
})
