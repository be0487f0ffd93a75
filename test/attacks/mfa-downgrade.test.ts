// The attacker has: the victim's password, or a copy of a session cookie whose owner proved both factors some time ago.
// The attacker does: tries to remove the second factor, one by one or by a race, so that the password alone is enough from then on.
// The attacker must not obtain: an account with one factor less; nor a sign-in by password alone.
import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { codeOf } from '../core/support.ts'
import { site, visitor } from '../stepup/site.ts'

async function signedIn() {
  const shop = site()
  const { code, factorId } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  await ada.type(code())
  return { ...shop, code, factorId, ada }
}

it('a stolen cookie whose proofs are over ten minutes old removes nothing', async () => {
  const { ada, clock, sessions, stepUp, factorId, factors } = await signedIn()
  clock.advance(minutes(10) + 1)
  const thief = await sessions.read(ada.token())

  expect(thief.acr).toBe('aal2')
  expect(await codeOf(stepUp.remove(thief, factorId))).toBe('ERR_ASSURANCE_INSUFFICIENT')
  expect(await factors.list('ada')).toHaveLength(1)
})

it('one fresh factor is not both: the password typed again removes nothing', async () => {
  const { ada, clock, sessions, stepUp, factorId } = await signedIn()
  clock.advance(minutes(10) + 1)
  const session = await sessions.read(ada.token())
  await session.elevate({ method: 'pwd' })

  expect(await codeOf(stepUp.remove(session, factorId))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})

it('a token of before the second factor removes nothing, in the grace or after it', async () => {
  const shop = site()
  const { code, factorId } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  const before = ada.token()
  await ada.type(code())
  const thief = await shop.sessions.read(before, { mayBePending: true })

  expect(await codeOf(shop.stepUp.remove(thief, factorId))).toBe('ERR_ASSURANCE_INSUFFICIENT')
})

it('nobody removes another’s factor, whoever they are', async () => {
  const { stepUp, sessions, factorId, factors } = await signedIn()
  const bob = await sessions.signIn({ subject: 'bob', method: ['pwd', 'otp'] })

  expect(await stepUp.remove(bob, factorId)).toBeUndefined()
  expect(await Promise.all(['', undefined, null, {}, [factorId], '__proto__'].map((id) => stepUp.remove(bob, id)))).toEqual(
    Array(6).fill(undefined),
  )
  expect(await factors.list('ada')).toHaveLength(1)
})

it('a sign-in that waits for its second factor is not let in because that factor goes meanwhile', async () => {
  const { ada, stepUp, sessions, factorId, factors, ...shop } = await signedIn()
  const mallory = visitor({ ...shop, stepUp, sessions, factors } as never)
  await mallory.json('/login')
  await stepUp.remove(await sessions.read(ada.token()), factorId)

  expect(await factors.list('ada')).toEqual([])
  expect(await mallory.me()).toMatchObject({ subject: null, state: 'pending' })
})

it('recovery codes do not stand in for the first factor, and alone let nobody in', async () => {
  const { ada, stepUp, sessions } = await signedIn()
  const session = await sessions.read(ada.token())
  const { codes } = await stepUp.recovery.generate(session)
  const stranger = sessions.anonymous()

  expect(await codeOf(stepUp.recovery.use(stranger, codes[0]))).toBe('ERR_SESSION_ENDED')
})
