import { postgresStore } from 'sojourn/stores/postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../../src/core/store.ts'
import { type PostgresServer, replayOf, startPostgres, startReplica } from '../../servers/postgres.ts'
import { HOUR, isAlive, rejectionOf, someId, someRecord, until } from './support.ts'

const now = Date.now()
let primary: PostgresServer
let replica: PostgresServer
let store: Store
let onReplica: Store
let replay: ReturnType<typeof replayOf>

beforeAll(async () => {
  primary = await startPostgres()
  store = postgresStore(primary.pool())
  await postgresStore(primary.pool()).migrate()
  replica = await startReplica(primary)
  onReplica = postgresStore(replica.pool())
  replay = replayOf(primary, replica)
})
afterEach(() => replay.resume())
afterAll(async () => {
  await replica.stop()
  await primary.stop()
})

describe('a store whose pool leads to a replica', () => {
  it('reads what the primary had when the replica heard last: an ended session is alive there until it catches up', async () => {
    const record = someRecord(now, { subject: 'reader' })
    await store.create(record, { now })
    await replay.resume()
    await replay.pause()

    await store.revoke(record.id, { now, reason: 'logout' })
    const [there, here] = [await isAlive(onReplica, record.id), await isAlive(store, record.id)]
    await replay.resume()

    expect([there, here]).toEqual([true, false])
    expect(await isAlive(onReplica, record.id)).toBe(false)
  })

  it('refuses every write as unavailable, and changes nothing', async () => {
    const record = someRecord(now, { subject: 'reader' })
    await store.create(record, { now })
    await replay.resume()
    const key = { now, deadline: now + HOUR, window: HOUR }
    const writes = {
      create: () => onReplica.create(someRecord(now), { now }),
      createLimited: () => onReplica.create(someRecord(now, { subject: 'a' }), { now, limit: { max: 1, onExceeded: 'reject' } }),
      update: () => onReplica.update(record.id, 1, record),
      revoke: () => onReplica.revoke(record.id, { now, reason: 'logout' }),
      revokeSubject: () => onReplica.revokeSubject('reader', { now, reason: 'logout' }),
      purge: () => onReplica.purge({ before: now + 24 * HOUR, limit: 10 }),
      claim: () => onReplica.ledger.claim('key', key),
      put: () => onReplica.ledger.put('key', Buffer.from('value'), key),
      take: () => onReplica.ledger.take('key', key),
      count: () => onReplica.ledger.count('key', key),
      publish: () => onReplica.channel.publish('topic', 'message'),
      subscribe: () => onReplica.channel.subscribe('topic', () => {}),
      changes: () => onReplica.changes!.subscribe({ changed() {}, subjectRevoked() {}, interrupted() {}, resumed() {} }),
    }

    const codes = await Promise.all(
      Object.values(writes).map(async (write) => ((await rejectionOf(write())) as { code?: string }).code),
    )

    expect(codes).toEqual(codes.map(() => 'ERR_STORE_UNAVAILABLE'))
    expect(await isAlive(store, record.id)).toBe(true)
  })

  it('shows an ended session never again once the primary waits for it (synchronous_commit = remote_apply)', async () => {
    const client = await primary.client()
    await client.query(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
    await client.query('SELECT pg_reload_conf()')
    await until(async () => (await client.query('SELECT sync_state FROM pg_stat_replication')).rows[0]?.sync_state === 'sync')
    const waiting = postgresStore(primary.pool({ options: '-c synchronous_commit=remote_apply' }))
    const seen: boolean[] = []

    for (let i = 0; i < 50; i++) {
      const record = someRecord(now, { id: someId() })
      await waiting.create(record, { now })
      await waiting.revoke(record.id, { now, reason: 'logout' })
      seen.push(await isAlive(onReplica, record.id))
    }
    await client.query('ALTER SYSTEM RESET synchronous_standby_names')
    await client.query('SELECT pg_reload_conf()')
    await client.end()

    expect(seen).toEqual(seen.map(() => false))
  })

  it('takes over when it is promoted: what it has is there, and it can be written to', async () => {
    const second = await startReplica(primary)
    const record = someRecord(now, { subject: 'reader' })
    await store.create(record, { now })
    await replayOf(primary, second).resume()
    const promoted = postgresStore(second.pool())
    const client = await second.client()

    await client.query('SELECT pg_promote()')
    await client.end()
    const ended = await promoted.revoke(record.id, { now, reason: 'logout' })
    const read = await promoted.read(record.id)
    await second.stop()

    expect([ended, read?.kind]).toEqual([true, 'tombstone'])
  })
})
