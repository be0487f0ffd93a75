/** A system call costs more than all else that a read does: ioredis makes one for each command, unless its socket is held back. */
import { Redis } from 'ioredis'
import { redisStore } from 'sojourn/stores/redis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../../servers/redis.ts'

let server: RedisServer
let client: Redis
beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.port)
  await client.ping()
})
afterAll(async () => {
  client?.disconnect()
  await server?.stop()
})

const ID = `${'A'.repeat(21)}A`

it('what the requests of one turn ask for leaves in one write, and nothing is held back after the turn', async () => {
  const store = redisStore(client)
  const { stream } = client
  const handle = (
    stream as unknown as { _handle: Record<'writev' | 'writeUtf8String' | 'writeBuffer', (...args: unknown[]) => unknown> }
  )._handle
  let writes = 0
  for (const name of ['writev', 'writeUtf8String', 'writeBuffer'] as const) {
    const original = handle[name]
    handle[name] = function (this: unknown, ...args: unknown[]) {
      writes++
      return original.apply(this, args)
    }
  }
  const reads = Array.from({ length: 20 }, () => store.read(ID))
  const revocation = store.revoke(ID, { now: 0, reason: 'logout' })

  expect([writes, stream.writableCorked]).toEqual([0, 1])
  expect(await Promise.all(reads)).toEqual(Array(20).fill(undefined))
  expect(await revocation).toBe(false)
  // The second is the script in full, which this server had not seen yet.
  expect([writes, stream.writableCorked]).toEqual([2, 0])
})

it('a read works while the connection is lost and after it is back: the socket is another one then', async () => {
  const store = redisStore(client)
  const before = client.stream
  const outcome = async () => {
    try {
      await store.read(ID)
      return 'read'
    } catch {
      return 'away'
    }
  }
  before.destroy()
  await expect.poll(outcome, { timeout: 10_000 }).toBe('read')

  expect(client.stream).not.toBe(before)
})
