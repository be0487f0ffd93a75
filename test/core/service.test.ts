import { expect, it } from 'vitest'
import type { PolicySubject } from '../../src/core/config.ts'
import { setUp } from './support.ts'

it('a policy function sees subject, facts and persistence, and no more', async () => {
  const asked: PolicySubject[] = []
  const { sessions, clock } = setUp({
    policyFor: (session) => {
      asked.push(session)
      return undefined
    },
  })
  await sessions.signIn({ subject: 'ada', method: 'pwd', isPersistent: true })

  expect(asked[0]).toEqual({ subject: 'ada', facts: [{ method: 'pwd', at: clock(), strength: 1 }], isPersistent: true })
})
