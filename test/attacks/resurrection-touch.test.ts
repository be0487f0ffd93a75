// The attacker has: a session that was revoked, and requests whose touch is still on its way.
// The attacker does: keeps the touches coming, before and after the revocation is acknowledged.
// The attacker must not obtain: a later deadline or a live record.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { signedIn } from '../core/support.ts'
import { STORES } from './stores.ts'

describe.each(STORES)('%s', (_name, open) => {
  it('a touch after the revocation changes nothing', async () => {
    const { sessions, clock } = open()
    const token = await signedIn(sessions)
    clock.advance(minutes(5))
    const held = await sessions.read(token)
    await sessions.revoke(held.id!)
    await held.touch()
    held.commit()

    expect(await sessions.read(token)).toMatchObject({ state: 'revoked', stateReason: 'revoked' })
  })

  it('an expired session is not prolonged by a touch that was late', async () => {
    const { sessions, clock } = open()
    const token = await signedIn(sessions)
    clock.advance(minutes(29))
    const held = await sessions.read(token)
    clock.advance(minutes(1))
    const late = await sessions.read(token)
    await late.touch()

    expect([held.state, (await sessions.read(token)).state]).toEqual(['active', 'expired'])
  })
})
