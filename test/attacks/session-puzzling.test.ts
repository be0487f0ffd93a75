// The attacker has: write access to an anonymous session's data, as every visitor does (WSTG-SESS-08).
// The attacker does: puts values there that the signed-in part of the application trusts, then the victim, or they, sign in.
// The attacker must not obtain: any value of before in the session after, unless the application named its key.
import { expect, it } from 'vitest'
import { setUp, tokenOf } from '../core/support.ts'

const poison = { isAdmin: true, userId: 'victim', subject: 'victim', facts: [{ method: 'pwd' }], acr: 'aal3' }

it('nothing is carried over by default', async () => {
  const { sessions } = setUp()
  const session = await sessions.start({ data: poison })
  await session.signIn({ subject: 'ada', method: 'pwd' })

  expect((await sessions.read(await tokenOf(session))).data).toEqual({})
})

it('naming one key carries that key alone', async () => {
  const { sessions } = setUp()
  const session = await sessions.start({ data: { ...poison, basket: ['tea'] } })
  await session.signIn({ subject: 'ada', method: 'pwd', keep: ['basket'] })

  expect((await sessions.read(await tokenOf(session))).data).toEqual({ basket: ['tea'] })
})

it('data named like identity is not identity', async () => {
  const { sessions } = setUp()
  const session = await sessions.read(await tokenOf(await sessions.start({ data: poison })))

  expect([session.subject, session.facts, session.acr, session.meets()]).toEqual([undefined, [], 'aal0', false])
})

it('the subject cannot be set but by signing in', async () => {
  const { sessions } = setUp()
  const session = await sessions.start({ data: {} })

  expect(() => Object.assign(session, { subject: 'victim' })).toThrow(TypeError)
  expect(session.subject).toBeUndefined()
})

it('a value planted while signed in as another is not carried into the victim’s session', async () => {
  const { sessions } = setUp()
  const session = await sessions.signIn({ subject: 'attacker', method: 'pwd' })
  session.data.basket = ['poison']
  await session.commit()
  const again = await sessions.read(await tokenOf(session))
  await again.signIn({ subject: 'victim', method: 'pwd', keep: ['basket'] })

  expect(again.data).toEqual({})
})
