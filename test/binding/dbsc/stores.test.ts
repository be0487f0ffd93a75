/** Bindings and challenges on real stores, by two servers that share nothing else. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { minutes, seconds } from '../../../src/core/duration.ts'
import type { Store } from '../../../src/core/store.ts'
import { memcachedStore } from '../../../src/stores/memcached.ts'
import { nearCache } from '../../../src/stores/near-cache.ts'
import { redisStore } from '../../../src/stores/redis.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import { startRedis } from '../../servers/redis.ts'
import { BindingBrowser, boundSite, challengeIn } from './support.ts'

const makers: Record<string, () => Promise<() => Store>> = {
  async sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-dbsc-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    return () => sqliteStore(join(folder, 'sessions.db'))
  },
  async 'redis behind a near cache'() {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    return () => {
      const client = new Redis(redis.url)
      client.on('error', () => {})
      onTestFinished(() => client.disconnect())
      return nearCache(redisStore(client), { maxStaleness: seconds(5) })
    }
  },
  async memcached() {
    const server = await startMemcached()
    onTestFinished(() => server.stop())
    return () => memcachedStore(clientOf([server]))
  },
}

it.each(Object.keys(makers))('on %s, what one server began the other goes on with', async (kind) => {
  const open = await makers[kind]!()
  // The engines have clocks of their own.
  const clock = fakeClock(Date.now())
  const server = () => {
    const store = open()
    onTestFinished(() => void store.close())
    return boundSite({}, { clock, store: faultyStore(store) })
  }
  const there = new BindingBrowser(server())
  const here = new BindingBrowser(server(), { device: there.device, jar: there.jar })

  const challenge = challengeIn(await there.send('/login'))
  const registered = await here.register(challenge)
  const seen = [await here.meAsIs()]
  for (let round = 0; round < 4; round++) {
    clock.advance(minutes(6))
    const [from, to] = round % 2 ? [there, here] : [here, there]
    to.boundId = from.boundId
    to.challenge = from.challenge
    to.jar.store('https://shop.example', '__Host-sjn-bound=; Path=/; Secure; Max-Age=0')
    seen.push(await to.me())
  }

  expect(registered.status).toBe(200)
  expect(seen.map(({ subject, binding }) => [subject, binding.state])).toEqual(Array(5).fill(['ada', 'bound']))
})
