/** What the tests of the redis store share. */
import { Redis } from 'ioredis'
import { type RedisStoreOptions, redisStore } from 'sojourn/stores/redis'
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { pooledRandom } from '../../../src/core/crypto.ts'
import type { NewRecord, Store } from '../../../src/core/store.ts'
import { encodeId, newId } from '../../../src/core/token.ts'
import { type RedisServer, startRedis } from '../../servers/redis.ts'

export const HOUR = 3_600_000
/** How long the store keeps a record past its deadline. */
export const KEPT_FOR = 60 * 60_000

/** Breaks whatever is pasted into a key, a script or the protocol. */
export const HOSTILE = '{x}:]] KEYS[1] "\\"\r\n*1\r\n$4\r\nPING\r\n\0 👩‍👩‍👧 __proto__'

const random = pooledRandom()

export const someId = (subject?: string): string => encodeId(newId(random, subject))
export const someSubject = (): string => `${HOSTILE}${someId()}`
export const presently = (): number => systemClock()

export function someRecord(now: number, parts: Partial<NewRecord> = {}): NewRecord {
  const id = someId(parts.subject)
  return {
    id,
    subject: undefined,
    startedAt: now,
    deadline: now + HOUR,
    absoluteDeadline: now + 12 * HOUR,
    body: Uint8Array.of(1, 2, 3),
    ...parts,
  }
}

export const kindOf = async (store: Store, id: string) => (await store.read(id))?.kind

/** Starts a server for the tests of a file, and gives stores on it that are closed in the end. */
export function useRedis(...extraArgs: string[]) {
  let server: RedisServer
  const ends: (() => unknown)[] = []
  const client = (options: object = {}) => {
    const made = new Redis({ port: server.port, ...options })
    made.on('error', () => {})
    ends.push(() => made.disconnect())
    return made
  }
  const open = (options?: RedisStoreOptions, redis = client()) => {
    const store = redisStore(redis, options)
    ends.unshift(() => store.close())
    return store
  }
  beforeAll(async () => {
    server = await startRedis(...extraArgs)
  })
  afterAll(async () => {
    for (const end of ends) await end()
    await server.stop()
  })
  return { open, client, server: () => server }
}

/** Waits until something holds; gives up after twenty seconds. */
export async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The commands a server is sent, by clients and by scripts. */
export async function commandsDuring(redis: Redis, work: () => Promise<unknown>) {
  const monitor = await redis.monitor()
  const seen: { readonly command: readonly string[]; readonly isOfScript: boolean }[] = []
  monitor.on('monitor', (_time: string, command: string[], source: string) => {
    seen.push({ command, isOfScript: source === 'lua' })
  })
  try {
    await work()
    await redis.echo('that is all')
    await until(() => seen.some(({ command }) => command[1] === 'that is all'), 'the monitor has seen everything')
  } finally {
    monitor.disconnect()
  }
  const all = seen.filter(({ command }) => command[1] !== 'that is all')
  const namesOf = (isOfScript: boolean) =>
    all.filter((one) => one.isOfScript === isOfScript).map(({ command }) => command[0]!.toLowerCase())
  return { sent: namesOf(false), inScripts: namesOf(true) }
}
