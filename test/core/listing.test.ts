import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { setUp, signedIn } from './support.ts'

it('a list has what a devices page needs, and nothing secret', async () => {
  const { sessions, clock } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd', isPersistent: true }, { device: 'Safari on iPhone' })
  const now = clock()

  expect(await sessions.list('ada')).toEqual([
    {
      id: session.id,
      subject: 'ada',
      startedAt: now,
      lastSeenAt: now,
      idleDeadline: now + minutes(30),
      absoluteDeadline: now + minutes(720),
      acr: 'aal1',
      device: 'Safari on iPhone',
      isPersistent: true,
    },
  ])
})

it('sessions that are over are not listed', async () => {
  const { sessions, clock } = setUp()
  await signedIn(sessions)
  clock.advance(minutes(30))

  expect(await sessions.list('ada')).toEqual([])
})
