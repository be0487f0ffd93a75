// The attacker has: the victim's password, and any number of machines, sessions and requests at once.
// The attacker does: guesses codes of the app and recovery codes, in parallel and with patience, in new sessions and old ones.
// The attacker must not obtain: more tries than the throttle allows, whatever they do; nor the victim locked out by a stranger.
import { createStepUp } from 'sojourn/stepup'
import { expect, it } from 'vitest'
import { days, hours, minutes } from '../../src/core/duration.ts'
import type { Session } from '../../src/core/session.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { setUp } from '../core/support.ts'
import { appOf, factorsWith } from '../stepup/codes-support.ts'

async function target() {
  const { sessions, clock, seen } = setUp()
  const store = memoryFactorStore()
  let looks = 0
  const factors = factorsWith(store, {
    list: (subject) => {
      looks++
      return store.list(subject)
    },
  })
  const stepUp = createStepUp(sessions, { factors, issuer: 'Library' })
  const signIn = async (clientAddress: string) => {
    const session = sessions.anonymous({ mayBePending: true, clientAddress })
    await stepUp.signIn(session, { subject: 'victim', method: 'pwd' })
    return session
  }
  const owner = await signIn('192.0.2.1')
  const app = appOf((await stepUp.totp.begin(owner, { account: 'victim' })).uri)
  await stepUp.totp.confirm(owner, app(clock()))
  clock.advance(minutes(1))
  /** How many of these tries were looked at: each that is reads the victim's factors once. */
  const looked = async (tries: () => Promise<unknown>) => {
    const before = looks
    await tries()
    return looks - before
  }
  return { stepUp, signIn, owner, app, clock, seen, looked }
}

const guess = (i: number) => String(i).padStart(6, '0')
const RECOVERY = '0000-0000-0000-0000-0000-0000'

it('of a hundred guesses at once only the allowed five are looked at, and all look alike', async () => {
  const { stepUp, signIn, looked, seen } = await target()
  const sessions = await Promise.all(Array.from({ length: 100 }, () => signIn('198.51.100.7')))
  let outcomes: unknown[] = []
  const count = await looked(async () => {
    outcomes = await Promise.all(sessions.map((session, i) => stepUp.totp.verify(session, guess(i))))
  })

  expect(count).toBe(5)
  expect(outcomes.map((outcome) => Object.keys(outcome as object).join())).toEqual(Array(100).fill('ok,reason,retryAfter'))
  expect((await seen('throttle.reached')).length).toBeGreaterThan(0)
})

it('a hundred machines in a hundred networks have no more than the account’s lane, a few tries', async () => {
  const { stepUp, signIn, looked } = await target()
  const sessions = await Promise.all(Array.from({ length: 100 }, (_, i) => signIn(`10.${i}.0.1`)))
  const count = await looked(() => Promise.all(sessions.map((session, i) => stepUp.totp.verify(session, guess(i)))))

  expect(count).toBeLessThanOrEqual(20)
})

it('new sessions start no count anew, and patience for a month gives less than two hundred tries', async () => {
  const { stepUp, signIn, looked, clock } = await target()
  const end = clock() + days(30)
  let tries = 0
  while (clock() < end) {
    const session = await signIn('198.51.100.7')
    tries += await looked(() => stepUp.totp.verify(session, guess(tries)))
    clock.advance(hours(1))
  }

  expect(tries).toBeLessThan(200)
})

it('the right code among the guesses is worth nothing once the tries are used up', async () => {
  const { stepUp, signIn, app, clock } = await target()
  const session = await signIn('198.51.100.7')
  for (let i = 0; i < 5; i++) await stepUp.totp.verify(session, guess(i))

  expect(await stepUp.totp.verify(session, app(clock()))).toMatchObject({ ok: false, reason: 'throttled' })
})

it('the victim, whose session has both factors, proves again although strangers have used up theirs', async () => {
  const { stepUp, signIn, owner, app, clock } = await target()
  const sessions = await Promise.all(Array.from({ length: 50 }, (_, i) => signIn(`10.${i}.0.1`)))
  await Promise.all(sessions.map((session, i) => stepUp.totp.verify(session, guess(i))))

  expect((await stepUp.totp.verify(owner as Session, app(clock()))).ok).toBe(true)
})

it('recovery codes are counted apart, by the same rules', async () => {
  const { stepUp, signIn, looked, app, clock } = await target()
  const session = await signIn('198.51.100.7')
  const count = await looked(async () => {
    for (let i = 0; i < 20; i++) await stepUp.recovery.use(session, RECOVERY)
  })

  expect(count).toBe(5)
  expect(await stepUp.recovery.use(session, RECOVERY)).toMatchObject({ reason: 'throttled' })
  expect((await stepUp.totp.verify(session, app(clock()))).ok).toBe(true)
})
