// The attacker has: assertions of a service, as a log or a proxy kept them, good for some minutes more.
// The attacker does: sends them again, at once and later, to every server, also for another endpoint.
// The attacker must not obtain: one more call as the service.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { asserted, assertion, endpointSite } from '../tokens/endpoint-site.ts'

it('of one assertion all servers together take one call', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const stores = Array.from({ length: 3 }, () => sqliteStore(join(folder, 'sessions.db')))
  const servers = await Promise.all(stores.map((store) => endpointSite({ store: faultyStore(store) })))
  const form = asserted(assertion(servers[0]!))
  const everywhere = [...servers, ...servers, ...servers]
  const answers = await Promise.all(everywhere.map(({ post }) => post('/oauth/introspect', { token: 'x', ...form })))
  const elsewhere = await servers[1]!.post('/oauth/revoke', { token: 'x', ...form })
  const following = await servers[2]!.post('/oauth/feed', form)
  await Promise.all(stores.map((store) => store.close()))
  await rm(folder, { recursive: true })

  expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 8 }, () => 401)])
  expect([elsewhere.status, following.status]).toEqual([401, 401])
})

it('nor later, for as long as its time and the clocks’ difference allow, and after that it has expired', async () => {
  const site = await endpointSite()
  const form = { token: 'x', ...asserted(assertion(site, { claims: { exp: Math.floor(site.clock() / 1000) + 300 } })) }
  const first = await site.post('/oauth/introspect', form)
  const later: number[] = []
  for (const wait of [seconds(1), minutes(4), seconds(59), seconds(29), seconds(1), minutes(5)]) {
    site.clock.advance(wait)
    later.push((await site.post('/oauth/introspect', form)).status)
  }

  expect([first.status, ...later]).toEqual([200, 401, 401, 401, 401, 401, 401])
})
