import { createSessions, hours, minutes } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { fakeClock } from 'sojourn/testing'
import { expect, it } from 'vitest'
import { testKey } from '../http/support/keys.ts'

function setUp() {
  const clock = fakeClock()
  return { clock, sessions: createSessions({ store: memoryStore(), keys: testKey(), clock }) }
}

it('a proof that somebody else saw hours ago is that old here, and one of the future is of now', async () => {
  const { clock, sessions } = setUp()
  const now = clock()
  const old = await sessions.signIn({ subject: 'ada', method: 'pwd', provedAt: now - hours(2) })
  const future = await sessions.signIn({ subject: 'ada', method: 'pwd', provedAt: now + hours(2) })

  expect([old.authTime, future.authTime]).toEqual([now - hours(2), now])
  expect([old.meets({ maxAge: hours(1) }), old.meets()]).toEqual([false, true])
})

it('an old proof does not restart the clocks of a session, and a new one does', async () => {
  const { clock, sessions } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const first = session.absoluteDeadline
  clock.advance(minutes(20))
  await session.elevate({ method: 'pwd', provedAt: clock() - minutes(15) })
  const afterOld = session.absoluteDeadline
  await session.elevate({ method: 'pwd' })

  expect([afterOld, session.absoluteDeadline]).toEqual([first, first! + minutes(20)])
})

it.each([[-1], [Number.NaN], [Number.POSITIVE_INFINITY], ['now']])('provedAt %j is refused', async (provedAt) => {
  const { sessions } = setUp()

  await expect(sessions.signIn({ subject: 'ada', method: 'pwd', provedAt: provedAt as number })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
  })
})
