// OWASP ASVS 5.0.0, V7.5: defences against session abuse.
import { expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { setUp, signedIn } from '../../core/support.ts'

it('ASVS-7.5.1: a session whose authentication is too old is refused until it is done again, in full', async () => {
  const { sessions, clock } = setUp()
  const token = await signedIn(sessions, { method: ['pwd', 'otp'] })
  clock.advance(minutes(6))
  const session = await sessions.read(token)
  const needed = { acr: 'aal2', maxAge: minutes(5) } as const
  const before = session.meets(needed)
  await session.elevate({ method: 'pwd' })
  const half = session.meets(needed)
  await session.elevate({ method: 'otp' })

  expect([before, half, session.meets(needed)]).toEqual([false, false, true])
})

it('ASVS-7.5.2: people see their sessions by ids that are no secret, and end any or all of them', async () => {
  const { sessions } = setUp()
  const [token, other] = [await signedIn(sessions), await signedIn(sessions)]
  const session = await sessions.read(token)
  const list = await session.list()
  const states = await Promise.all(list.map(async ({ id }) => (await sessions.read(id)).state))
  await session.revoke(list.find(({ isCurrent }) => !isCurrent)!.id)

  expect([list.length, states, (await sessions.read(other)).state]).toEqual([2, ['malformed', 'malformed'], 'revoked'])
})
