import { memoryStore } from 'sojourn/stores/memory'
import { describeStoreContract } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/store.ts'

/** A runner of our own: shows that the kit needs no more than `describe` and `it`, and collects what fails. */
async function brokenRules(breakIt: (store: Store) => Partial<Store>): Promise<string[]> {
  const tests: [string, () => Promise<void>][] = []
  const factory = async () => {
    const store = memoryStore()
    const intact = {
      name: store.name,
      capabilities: store.capabilities,
      ledger: store.ledger,
      channel: store.channel,
      create: store.create.bind(store),
      read: store.read.bind(store),
      update: store.update.bind(store),
      revoke: store.revoke.bind(store),
      revokeSubject: store.revokeSubject.bind(store),
      list: store.list.bind(store),
      purge: store.purge.bind(store),
      close: store.close.bind(store),
    }
    return { store: { ...intact, ...breakIt(store) }, close: () => store.close() }
  }
  describeStoreContract('broken', factory, { describe: (_name, body) => body(), it: (name, test) => tests.push([name, test]) })
  const broken: string[] = []
  for (const [name, test] of tests) await test().catch(() => broken.push(name))
  return broken
}

describe('the store contract finds', () => {
  it('no fault in a store that has none', async () => {
    expect(await brokenRules(() => ({}))).toEqual([])
  })

  it('a create that overwrites', async () => {
    const broken = await brokenRules((store) => ({
      create: async (record, options) => {
        const outcome = await store.create(record, options)
        return outcome.kind === 'exists' ? { kind: 'created', epoch: 0, evicted: [] } : outcome
      },
    }))

    expect(broken).toContain('creating an id twice fails and keeps the first record')
    expect(broken).toContain('a revoked session stays revoked when its id is created again')
  })

  it('an update that ignores the version', async () => {
    const broken = await brokenRules((store) => ({
      update: async (id, _version, changes) => {
        for (;;) {
          const found = await store.read(id)
          if (found?.kind !== 'record') return 'gone'
          if ((await store.update(id, found.record.version, changes)) === 'updated') return 'updated'
        }
      },
    }))

    expect(broken).toContain('of two writers of one version, one wins and the other is told')
    expect(broken).toContain('of twenty writers who retry on conflict, no write is lost')
  })

  it('an update that creates again what was revoked', async () => {
    const broken = await brokenRules((store) => {
      const ended = new Map<string, { body: Uint8Array }>()
      return {
        update: async (id, version, changes) => {
          const outcome = await store.update(id, version, changes)
          if (outcome === 'gone') ended.set(id, changes)
          return 'updated'
        },
      }
    })

    expect(broken).toContain('a revoked session stays revoked when a slow request finishes')
    expect(broken).toContain('an update never creates')
  })

  it('a revocation that leaves no tombstone', async () => {
    const broken = await brokenRules((store) => ({
      revoke: async (id, options) => {
        const outcome = await store.read(id)
        if (outcome?.kind !== 'record') return false
        const { deadline, absoluteDeadline } = outcome.record
        await store.update(id, outcome.record.version, { deadline: 0, absoluteDeadline, body: new Uint8Array(0) })
        await store.purge({ before: Math.min(options.now - 1, deadline), limit: 1 })
        return true
      },
    }))

    expect(broken).toContain('a revoked session reads as a tombstone that holds no data')
    expect(broken).toContain('a revoked session stays revoked when its id is created again')
  })

  it('a subject that is ended one session at a time without raising its epoch', async () => {
    const broken = await brokenRules((store) => ({
      revokeSubject: async (subject, { now, reason, except }) => {
        const records = await store.list(subject)
        const others = records.filter(({ id }) => id !== except)
        for (const { id } of others) await store.revoke(id, { now, reason })
        return others.length
      },
    }))

    expect(broken).toContain('a session created after its subject was ended is alive, under a higher epoch')
  })

  it('a limit that is counted before the create instead of with it', async () => {
    const broken = await brokenRules((store) => ({
      create: async (record, { limit, ...options }) => {
        const present = record.subject === undefined ? [] : await store.list(record.subject)
        if (limit?.onExceeded === 'reject' && present.length >= limit.max) return { kind: 'limit' }
        return store.create(record, options)
      },
    }))

    expect(broken).toContain('parallel creates never exceed a limit that rejects')
    expect(broken).toContain('a session over the limit evicts the oldest, which reads as a tombstone')
  })

  it('a purge that takes tombstones with the records', async () => {
    const broken = await brokenRules((store) => ({
      purge: (options) => store.purge({ ...options, before: options.before + 24 * 3_600_000 }),
    }))

    expect(broken).toContain('purge keeps a tombstone until its absolute deadline, whatever its idle deadline was')
    expect(broken).toContain('purge removes records past their deadline and leaves the others')
  })

  it('a store that keeps the caller’s own bytes', async () => {
    const broken = await brokenRules((store) => {
      const bodies = new Map<string, Uint8Array>()
      return {
        update: (id, version, changes) => {
          bodies.set(id, changes.body)
          return store.update(id, version, changes)
        },
        read: async (id, options) => {
          const outcome = await store.read(id, options)
          const body = bodies.get(id)
          return outcome?.kind === 'record' && body ? { ...outcome, record: { ...outcome.record, body } } : outcome
        },
      }
    })

    expect(broken).toContain('changing the bytes handed in afterwards changes nothing that is kept')
  })

  it('subjects that are cut at NUL', async () => {
    const cut = (subject: string) => subject.split('\0')[0]!
    const broken = await brokenRules((store) => ({
      create: (record, options) =>
        store.create({ ...record, subject: record.subject === undefined ? undefined : cut(record.subject) }, options),
      list: (subject) => store.list(cut(subject)),
      revokeSubject: (subject, options) => store.revokeSubject(cut(subject), options),
    }))

    expect(broken).toContain('a subject with NUL is kept, listed and ended like any other')
    expect(broken).toContain('subjects that differ a little do not meet')
  })

  it('an outage that is passed off as absence', async () => {
    const broken = await brokenRules((store) => ({
      read: async (id, options) => Promise.resolve(store.read(id, options)).catch(() => undefined),
    }))

    expect(broken).toContain('a caller who has stopped waiting gets a rejection, and the store goes on')
  })

  it('a store that lists no subjects although it is tested as one that does', async () => {
    const broken = await brokenRules((store) => ({ capabilities: { ...store.capabilities, listsSubjects: false } }))

    expect(broken).toContain('the store reports the capabilities it is tested for')
  })
})
