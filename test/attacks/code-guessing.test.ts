// The attacker has: the victim's password, and two servers of the site to ask at once.
// The attacker does: signs in with it and sends a hundred codes at the same moment, half of them to each server, before any count can tell.
// The attacker must not obtain: more guesses than the throttle allows; and the right code among those that came too late is not looked at.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { createStepUp } from 'sojourn/stepup'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { KEY, tokenOf } from '../core/support.ts'
import { appOf, wrongCode } from '../stepup/codes-support.ts'
import { site, visitor } from '../stepup/site.ts'

it('of a hundred guesses at once five are evaluated, and the right code behind them is not', async () => {
  const shop = site()
  const { code } = await shop.enrol()
  const mallory = visitor(shop)
  await mallory.json('/login')

  const results = await Promise.all(Array.from({ length: 100 }, () => mallory.type('000000')))
  const right = await mallory.type(code())

  expect(results.filter(({ reason }) => reason === 'wrong')).toHaveLength(5)
  expect(results.filter(({ reason }) => reason === 'throttled')).toHaveLength(95)
  expect(right).toMatchObject({ ok: false, reason: 'throttled' })
  expect(await mallory.me()).toMatchObject({ subject: null, state: 'pending' })
})

it('the same by two processes on one SQLite file; and an approval is spent by one of them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const env = { ...process.env, SESSIONS_FILE: join(folder, 'sessions.db'), FACTORS_FILE: join(folder, 'factors.db') }
  const clock = fakeClock()
  const store = sqliteStore(env.SESSIONS_FILE)
  const factors = sqliteFactorStore(env.FACTORS_FILE)
  const sessions = createSessions({ store, keys: KEY, clock })
  const stepUp = createStepUp(sessions, { factors, issuer: 'Shop' })
  const worker = new URL('code-guessing-worker.ts', import.meta.url)
  const children = Array.from({ length: 2 }, () =>
    fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }),
  )
  onTestFinished(async () => {
    for (const child of children) {
      child.disconnect()
      await once(child, 'exit')
    }
    await factors.close()
    await store.close()
    await rm(folder, { recursive: true })
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  const owner = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  const app = appOf((await stepUp.totp.begin(owner, { account: 'ada' })).uri)
  await stepUp.totp.confirm(owner, app(clock()))
  clock.advance(30_000)
  const mallory = sessions.anonymous()
  await stepUp.signIn(mallory, { subject: 'ada', method: 'pwd' })

  const guesses = await askAll(children, {
    work: 'guess',
    token: await tokenOf(mallory),
    code: wrongCode(app, clock()),
    count: 50,
    now: clock(),
  })

  const payment = { operation: 'pay', parameters: { cents: 4000 } }
  const id = await stepUp.approvals.request(owner, { ...payment, words: 'Pay 40 €' })
  clock.advance(1)
  await owner.elevate({ method: 'otp' })
  await stepUp.approvals.grant(owner, id)
  const spent = await askAll(children, { work: 'spend', token: await tokenOf(owner), payment, count: 10, now: clock() })

  expect(guesses.reduce((sum, count) => sum + count)).toBe(5)
  expect(spent.reduce((sum, count) => sum + count)).toBe(1)
}, 20_000)

async function askAll(children: readonly ChildProcess[], word: object): Promise<number[]> {
  const startAt = Date.now() + 100
  return Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message')
      child.send({ ...word, startAt })
      return Number((await answer)[0])
    }),
  )
}
