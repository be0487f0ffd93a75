// Two further processes on one store: a token is spent once among all of them, as CVE-2026-1035 was not.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { createTokens } from 'sojourn/tokens'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { KEY } from '../../core/support.ts'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { API, ISSUER } from '../support.ts'
import { openStore } from './processes-stores.ts'
import type { Word } from './processes-worker.ts'
import { CLIENTS } from './support.ts'

const ROUNDS = 10
const AT_ONCE = 5

describe.each(['sqlite', 'redis'] as const)('over %s', (kind) => {
  const clock = fakeClock()
  let children: ChildProcess[]
  let folder: string
  let redis: RedisServer | undefined
  let close: () => Promise<void>
  let grant: () => Promise<string>
  let isAlive: () => Promise<boolean>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    redis = kind === 'redis' ? await startRedis() : undefined
    const where = redis === undefined ? { SESSIONS_FILE: join(folder, 'sessions.db') } : { REDIS_PORT: String(redis.port) }
    const { store, close: closeStore } = await openStore(where)
    const sessions = createSessions({ store, keys: KEY, clock })
    const tokens = createTokens(sessions, { issuer: ISSUER, audience: API, clients: CLIENTS })
    close = async () => {
      await tokens.close()
      await closeStore()
    }
    grant = async () => {
      const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
      return (await tokens.grant(session, { clientId: 'app', scope: ['read'] })).refreshToken
    }
    isAlive = async () => (await sessions.list('ada')).length > 0
    const worker = new URL('processes-worker.ts', import.meta.url)
    const env = { ...process.env, ...where }
    children = Array.from({ length: 2 }, () => fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }))
    await Promise.all(children.map((child) => once(child, 'message')))
  }, 30_000)

  afterAll(async () => {
    for (const child of children) {
      child.disconnect()
      await once(child, 'exit')
    }
    await close()
    await redis?.stop()
    await rm(folder, { recursive: true })
  })

  async function refreshedEverywhere(refreshToken: string): Promise<string[]> {
    const word: Word = { refreshToken, now: clock(), times: AT_ONCE, startAt: Date.now() + 50 }
    const answers = children.map(async (child) => {
      const answer = once(child, 'message')
      child.send(word)
      return (await answer)[0] as string[]
    })
    return (await Promise.all(answers)).flat()
  }

  it('all who refresh with one token at once get one successor, round after round', { timeout: 60_000 }, async () => {
    let refreshToken = await grant()
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await refreshedEverywhere(refreshToken)
      expect(answers).toHaveLength(2 * AT_ONCE)
      expect([...new Set(answers)]).toEqual([expect.stringMatching(/^sjr1_/)])
      expect(answers[0]).not.toBe(refreshToken)
      refreshToken = answers[0]!
      clock.advance(60_000)
    }
  })

  it('a token of before is refused in all of them, and the session has ended', { timeout: 60_000 }, async () => {
    const refreshToken = await grant()
    const second = (await refreshedEverywhere(refreshToken))[0]!
    await refreshedEverywhere(second)
    clock.advance(60_000)
    const answers = await refreshedEverywhere(refreshToken)

    expect([...new Set(answers)]).toEqual(['refused: invalid_grant 400'])
    expect([...new Set(await refreshedEverywhere(second))]).toEqual(['refused: invalid_grant 400'])
    clock.advance(3_600_000)
    expect(await isAlive()).toBe(false)
  })
})
