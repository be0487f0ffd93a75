// The attacker has: the victim's password, and every code that the victim typed or read, seen over a shoulder or in a proxy's log.
// The attacker does: sends the codes again, after the victim, at the same moment, from many sessions, and to other parts of step-up.
// The attacker must not obtain: a second factor, by any code that the victim's own session has used, or that is older than one it has used.
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { appOf, codes } from '../stepup/codes-support.ts'

async function watched() {
  const site = codes()
  const victim = await site.enrolled('victim')
  site.clock.advance(minutes(1))
  return { ...site, victim }
}

it('after the victim: nothing, in the same half minute and while the code would still count', async () => {
  const { totp, victim, signIn, clock } = await watched()
  const code = victim.code()
  await totp.verify(victim.session, code)
  const outcomes: boolean[] = []
  for (let second = 0; second < 90; second += 10) {
    outcomes.push((await totp.verify(await signIn('victim'), code)).ok)
    clock.advance(seconds(10))
  }

  expect(outcomes).toEqual(Array(9).fill(false))
})

it('at the same moment, from fifty sessions: one of all gets in', async () => {
  const { totp, victim, signIn } = await watched()
  const code = victim.code()
  const sessions = [victim.session, ...(await Promise.all(Array.from({ length: 50 }, () => signIn('victim'))))]
  const outcomes = await Promise.all(sessions.map((session) => totp.verify(session, code)))

  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
})

it('a code that the victim read but did not use: nothing, once the next one was used', async () => {
  const { totp, victim, signIn, clock } = await watched()
  const read = victim.code()
  clock.advance(seconds(30))
  await totp.verify(victim.session, victim.code())

  expect((await totp.verify(await signIn('victim'), read)).ok).toBe(false)
})

it('written another way it is the same code', async () => {
  const { totp, victim, signIn } = await watched()
  const code = victim.code()
  await totp.verify(victim.session, code)
  const fullWidth = [...code].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('')

  for (const spelled of [` ${code} `, code.split('').join(' '), fullWidth])
    expect((await totp.verify(await signIn('victim'), spelled)).ok).toBe(false)
})

it('the code that confirmed the enrolment: nothing', async () => {
  const { totp, signIn, clock } = codes()
  const session = await signIn('victim')
  const code = appOf((await totp.begin(session, { account: 'victim' })).uri)(clock())
  await totp.confirm(session, code)

  expect((await totp.verify(await signIn('victim'), code)).ok).toBe(false)
})

it('a recovery code that the victim used: nothing, also at the same moment', async () => {
  const { recovery, victim, signIn } = await watched()
  const list = await recovery.generate(victim.session)
  const thieves = await Promise.all(Array.from({ length: 20 }, () => signIn('victim')))
  const together = await Promise.all([victim.session, ...thieves].map((session) => recovery.use(session, list[0])))
  const after = await recovery.use(await signIn('victim'), list[0])

  expect([together.filter(({ ok }) => ok).length, after.ok]).toEqual([1, false])
})
