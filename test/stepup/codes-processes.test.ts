// Two further processes on the same files: a code counts once among all of them.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sqliteFactorStore } from '../../src/stepup/stores/sqlite.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { KEY } from '../core/support.ts'
import { appOf, partsOver } from './codes-support.ts'

let folder: string
let children: ChildProcess[]
const clock = fakeClock()
let site: ReturnType<typeof partsOver> & { sessions: ReturnType<typeof createSessions>; close: () => Promise<void> }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const env = { ...process.env, SESSIONS_FILE: join(folder, 'sessions.db'), FACTORS_FILE: join(folder, 'factors.db') }
  const store = sqliteStore(env.SESSIONS_FILE)
  const factors = sqliteFactorStore(env.FACTORS_FILE)
  const sessions = createSessions({ store, keys: KEY, clock })
  const close = async () => {
    await factors.close()
    await store.close()
  }
  site = { ...partsOver(sessions, factors, 'Library', {}), sessions, close }
  const worker = new URL('codes-worker.ts', import.meta.url)
  children = Array.from({ length: 2 }, () => fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }))
  await Promise.all(children.map((child) => once(child, 'message')))
})

afterAll(async () => {
  for (const child of children) {
    child.disconnect()
    await once(child, 'exit')
  }
  await site.close()
  await rm(folder, { recursive: true })
})

/** How many of eight tries, four in each process, were let in. */
async function triedEverywhere(kind: 'totp' | 'recovery', code: string): Promise<number> {
  const word = { kind, code, now: clock(), startAt: Date.now() + 100 }
  const answers = children.map(async (child) => {
    const answer = once(child, 'message')
    child.send(word)
    return Number((await answer)[0])
  })
  return (await Promise.all(answers)).reduce((sum, count) => sum + count)
}

it('a code of an app counts once in all processes, and one of before it never', async () => {
  const session = await site.sessions.signIn({ subject: 'ada', method: 'pwd' })
  const app = appOf((await site.totp.begin(session, { account: 'ada' })).uri)
  expect((await site.totp.confirm(session, app(clock()))).ok).toBe(true)
  const counts: number[] = [await triedEverywhere('totp', app(clock()))]
  for (let round = 0; round < 5; round++) {
    const before = app(clock.advance(30_000))
    clock.advance(30_000)
    counts.push(await triedEverywhere('totp', app(clock())), await triedEverywhere('totp', before))
  }

  expect(counts).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
})

it('a recovery code counts once in all processes', async () => {
  const session = await site.sessions.signIn({ subject: 'ada', method: ['pwd', 'otp'] })
  const list = await site.recovery.generate(session)
  const counts: number[] = []
  for (const code of list.slice(0, 5))
    counts.push(await triedEverywhere('recovery', code), await triedEverywhere('recovery', code))

  expect(counts).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
  expect(await site.recovery.status(session)).toMatchObject({ left: 5 })
})
