// Processes that share one SQLite file: they sign with one key, whoever of them was first.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { createTokens } from 'sojourn/tokens'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { days } from '../../src/core/duration.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { KEY } from '../core/support.ts'
import { API, ISSUER } from './support.ts'

let folder: string
let children: ChildProcess[]
const clock = fakeClock()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const env = { ...process.env, SESSIONS_FILE: join(folder, 'sessions.db') }
  const worker = new URL('signing-keys-worker.ts', import.meta.url)
  children = Array.from({ length: 3 }, () => fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }))
  await Promise.all(children.map((child) => once(child, 'message')))
})

afterAll(async () => {
  for (const child of children) {
    child.disconnect()
    await once(child, 'exit')
  }
  await rm(folder, { recursive: true })
})

/** The key each process signs with, all of them at the same moment. */
async function kidsNow(): Promise<string[]> {
  const word = { now: clock(), startAt: Date.now() + 100 }
  const answers = children.map(async (child) => {
    const answer = once(child, 'message')
    child.send(word)
    return String((await answer)[0])
  })
  return Promise.all(answers)
}

it('three processes that start at once, and enter a new period at once, have one key each time', async () => {
  const first = await kidsNow()
  clock.advance(days(60))
  const later = await kidsNow()

  expect([new Set(first).size, new Set(later).size]).toEqual([1, 1])
  expect(later[0]).not.toBe(first[0])
})

it('a process that starts later, over a handle of its own, publishes the key the others sign with', async () => {
  const kids = await kidsNow()
  const store = sqliteStore(join(folder, 'sessions.db'))
  const tokens = createTokens(createSessions({ store, keys: KEY, clock }), { issuer: ISSUER, audience: API })

  const published = (await tokens.signer.jwks()).keys.map(({ kid }) => kid)
  await tokens.close()
  await store.close()

  expect(published).toContain(kids[0])
})
