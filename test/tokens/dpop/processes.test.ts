// Two further processes on the same ledger: a proof is good once among all of them, and each knows the others' nonces.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { App } from './app.ts'
import { tokenServer } from './support.ts'

const NOW = 1_800_000_000_000

describe.each(['sqlite', 'redis'] as const)('over %s', (engine) => {
  let folder: string
  let redis: RedisServer | undefined
  let children: ChildProcess[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    redis = engine === 'redis' ? await startRedis() : undefined
    const at = redis === undefined ? { SESSIONS_FILE: join(folder, 'sessions.db') } : { REDIS_PORT: String(redis.port) }
    const worker = new URL('processes-worker.ts', import.meta.url)
    const options = { env: { ...process.env, ...at }, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }
    // One after the other: the first makes the file.
    children = []
    for (let i = 0; i < 2; i++) {
      const child = fork(worker, options)
      await once(child, 'message')
      children.push(child)
    }
  })

  afterAll(async () => {
    for (const child of children) {
      child.disconnect()
      await once(child, 'exit')
    }
    await redis?.stop()
    await rm(folder, { recursive: true })
  })

  /** How many of eight uses, four in each process, were good. */
  async function usedEverywhere(proof: string, now = NOW): Promise<number> {
    const answers = children.map(async (child) => {
      const answer = once(child, 'message')
      child.send({ proof, now, startAt: Date.now() + 50 })
      return Number((await answer)[0])
    })
    return (await Promise.all(answers)).reduce((sum, count) => sum + count)
  }

  it('a proof is good once', async () => {
    const app = new App()
    const counts: number[] = []
    for (let round = 0; round < 10; round++) {
      const proof = app.proof({ now: NOW })
      counts.push(await usedEverywhere(proof), await usedEverywhere(proof, NOW + 60_000))
    }

    expect(counts).toEqual(Array.from({ length: 10 }, () => [1, 0]).flat())
  })

  it('a nonce of one process is good in each', async () => {
    const third = tokenServer()
    third.clock.set(NOW)
    const app = new App()
    const proof = app.proof({ now: 0, nonce: third.proofs.nonce() })

    expect([await usedEverywhere(proof), await usedEverywhere(proof)]).toEqual([1, 0])
  })
})
