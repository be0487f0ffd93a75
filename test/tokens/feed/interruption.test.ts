// The way to Redis breaks while services follow the feed, and sessions end meanwhile: nothing is taken for known that is not.
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seconds } from '../../../src/core/duration.ts'
import { redisStore } from '../../../src/stores/redis.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { tcpProxy } from '../../../src/testing/tcp-proxy.ts'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { endpointSite } from '../endpoint-site.ts'
import { FeedReader } from './reader.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

it('no beat while it is broken; then a gap, and beats again', async () => {
  const proxy = await tcpProxy(redis)
  const behind = new Redis(proxy.port, { retryStrategy: () => 50 })
  behind.on('error', () => {})
  const direct = new Redis(redis.port)
  const [store, elsewhere] = [redisStore(behind), redisStore(direct)]
  const site = await endpointSite({ store: faultyStore(store) })
  const reader = await FeedReader.open(site, { beat: 200 })
  const { sessionId, accessToken } = await site.token()
  await reader.until('beat')

  proxy.setMode({ kind: 'cut' })
  await elsewhere.revoke(sessionId, { now: site.clock(), reason: 'unheard' })
  // One beat may have been on its way.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = reader.of('beat').length
  await new Promise((resolve) => setTimeout(resolve, 900))
  const during = reader.of('beat').length
  const asked = await site.introspect(accessToken)
  site.clock.advance(seconds(10))
  proxy.setMode({ kind: 'pass' })
  const gaps = await reader.until('gap')
  await reader.until('beat', during + 2)
  const answer = await site.introspect(accessToken)

  expect([during - before, asked.status]).toEqual([0, 503])
  expect(gaps).toEqual([{ since: site.clock() + seconds(2) }])
  expect(await answer.json()).toEqual({ active: false })

  const heard = await site.token('bob')
  await elsewhere.revoke(heard.sessionId, { now: site.clock(), reason: 'heard' })
  expect((await reader.until('session')).map(({ sid }) => sid)).toContain(heard.sessionId)

  await site.feed.close()
  for (const one of [store, elsewhere]) await one.close()
  for (const client of [behind, direct]) client.disconnect()
  await proxy.close()
}, 40_000)
