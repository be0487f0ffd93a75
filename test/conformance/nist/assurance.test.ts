// NIST SP 800-63B-4: assurance levels, re-authentication and throttling, by step-up.
import { expect, it } from 'vitest'
import { acrOf, type Fact } from '../../../src/core/assurance.ts'
import { days, hours, minutes } from '../../../src/core/duration.ts'
import { policies } from '../../../src/core/policies.ts'
import { setUp, tokenOf } from '../../core/support.ts'
import { site, visitor } from '../../stepup/site.ts'

const fact = (method: string, strength: Fact['strength'] = 1): Fact => ({ method, at: 0, strength })

it('NIST-2.2.1: two factors of different kinds, or one authenticator of both, reach AAL2; two of one kind do not', () => {
  const levels = [
    [fact('pwd'), fact('otp')],
    [fact('pwd'), fact('recovery')],
    [fact('pwd'), fact('hwk')],
    [fact('hwk', 2)],
    [fact('pwd'), fact('pin')],
    [fact('otp'), fact('recovery')],
    [fact('pwd'), fact('fpt')],
    [fact('pwd')],
  ].map(acrOf)

  expect(levels).toEqual(['aal2', 'aal2', 'aal2', 'aal2', 'aal1', 'aal1', 'aal1', 'aal1'])
})

it('NIST-2.2.3: re-authentication at AAL2 takes both factors anew: one of them, or both of before, is not enough', async () => {
  const { sessions, clock } = setUp({ policy: policies.aal2 })
  const session = await sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
  const needed = { acr: 'aal2', maxAge: minutes(30) } as const
  clock.advance(minutes(30))
  const atLimit = session.meets(needed)
  clock.advance(1)
  const after = session.meets(needed)
  await session.elevate({ method: 'otp' })
  const one = session.meets(needed)
  await session.elevate({ method: 'pwd' })

  expect([atLimit, after, one, session.meets(needed)]).toEqual([true, false, false, true])
})

it('NIST-REAUTH-3: a full re-authentication sets both clocks back; one factor of two sets the absolute one back no more', async () => {
  const { sessions, clock } = setUp({ policy: policies.aal2 })
  const session = await sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
  const first = session.absoluteDeadline!
  clock.advance(minutes(30))
  await session.elevate({ method: 'pwd' })
  const afterOne = session.absoluteDeadline!
  await session.elevate({ method: ['pwd', 'otp'] })

  expect([afterOne, session.absoluteDeadline! - first]).toEqual([first, minutes(30)])
  expect(session.absoluteDeadline! - clock()).toBe(hours(24))
})

it('NIST-SB-4: the cookie that knows a browser again signs nobody in and stands in for no factor', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const ada = visitor(shop)
  await ada.json('/login')
  await ada.type(code())
  await ada.visit('/logout')
  const known = ada.jar.header('https://shop.example/')

  expect(known).toMatch(/^__Host-sjn-known=[\w-]+$/)
  expect(await ada.me()).toMatchObject({ subject: null, state: 'absent' })
  expect(await ada.json('/login')).toEqual({ pending: 'aal2' })
})

it('NIST-SB-7: a session has no higher level than what was proved to its very token', async () => {
  const { sessions } = setUp()
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const before = await tokenOf(session)
  const stepping = await sessions.read(before)
  await stepping.elevate({ method: 'otp' })
  const levels = [(await sessions.read(before)).acr, (await sessions.read(await tokenOf(stepping))).acr]

  expect(levels).toEqual(['aal1', 'aal2'])
})

it('NIST-3.2.2: failures in a row are bounded and slowed down, far below a hundred in a month; a success starts anew', async () => {
  const { stepUp, sessions, clock } = site()
  const session = sessions.anonymous({ clientAddress: '192.0.2.1' })
  let evaluated = 0
  const until = clock() + days(30)
  while (clock() < until) {
    const verdict = await stepUp.throttle.attempt('totp', 'ada', session)
    if (verdict.isAllowed) evaluated++
    else clock.advance(verdict.retryAfter)
  }
  await stepUp.throttle.succeeded('totp', 'ada', session)
  const afterSuccess = await stepUp.throttle.attempt('totp', 'ada', session)

  expect(evaluated).toBeGreaterThan(5)
  expect(evaluated).toBeLessThan(50)
  expect(afterSuccess).toEqual({ isAllowed: true })
})
