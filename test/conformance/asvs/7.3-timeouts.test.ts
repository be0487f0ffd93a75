// OWASP ASVS 5.0.0, V7.3: session timeout.
import { expect, it } from 'vitest'
import { hours, minutes } from '../../../src/core/duration.ts'
import { setUp, signedIn } from '../../core/support.ts'

const policy = { idleTimeout: minutes(15), absoluteTimeout: hours(8) }

it('ASVS-7.3.1: one second before the inactivity timeout a session is accepted, at it it is refused', async () => {
  const { sessions, clock } = setUp({ policy })
  const token = await signedIn(sessions)
  clock.advance(minutes(15) - 1000)
  const before = (await sessions.read(token, { isActivity: false })).state
  clock.advance(1000)

  expect([before, (await sessions.read(token)).state]).toEqual(['active', 'expired'])
})

it('ASVS-7.3.2: constant activity and rotation never extend a session beyond its absolute lifetime', async () => {
  const { sessions, clock } = setUp({ policy })
  let token = await signedIn(sessions)
  const end = clock() + hours(8)
  while (clock() < end - minutes(10)) {
    clock.advance(minutes(10))
    const session = await sessions.read(token)
    token = (await session.commit()).token ?? token
  }
  const last = (await sessions.read(token)).state
  clock.set(end)

  expect([last, await sessions.read(token)]).toMatchObject(['active', { state: 'expired', stateReason: 'absolute' }])
})
