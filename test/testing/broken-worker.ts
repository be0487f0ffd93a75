/** A process whose store has one fault between processes, named by CONTRACT_BROKEN: it looks first and writes afterwards. */
import { setTimeout as pause } from 'node:timers/promises'
import { sqliteStore } from 'sojourn/stores/sqlite'
import type { Store } from '../../src/core/store.ts'
import { changed } from './changed-store.ts'

/** What every one of these faults has: time between the look and the write. */
const meanwhile = () => pause(2)

const faults: Readonly<Record<string, (store: Store) => Partial<Store>>> = {
  'update ignores the version': (store) => ({
    update: async (id, version, changes) => {
      const found = await store.read(id)
      return store.update(id, found?.kind === 'record' ? found.record.version : version, changes)
    },
  }),
  'create overwrites': (store) => ({
    create: async (record, options) => {
      const outcome = await store.create(record, options)
      return outcome.kind === 'exists' ? { kind: 'created', epoch: 0, evicted: [] } : outcome
    },
  }),
  'update creates again': (store) => ({
    update: async (id, version, changes) => {
      const outcome = await store.update(id, version, changes)
      return outcome === 'gone' ? 'updated' : outcome
    },
  }),
  'a subject is ended one session at a time': (store) => ({
    revokeSubject: async (subject, options) => {
      const records = await store.list(subject)
      await meanwhile()
      for (const { id } of records) await store.revoke(id, options)
      return records.length
    },
  }),
  'replacing is two steps': (store) => ({
    create: async (record, { replaces, ...options }) => {
      const old = replaces && (await store.read(replaces.id))
      if (replaces && old?.kind !== 'record') return { kind: 'conflict' }
      await meanwhile()
      const outcome = await store.create(record, options)
      if (replaces) await store.revoke(replaces.id, { ...options, reason: replaces.reason })
      return outcome
    },
  }),
  'a limit is counted before': (store) => ({
    create: async (record, { limit, ...options }) => {
      const present = await store.list(record.subject!)
      const excess = limit ? present.slice(0, Math.max(0, present.length + 1 - limit.max)) : []
      if (excess.length > 0 && limit?.onExceeded === 'reject') return { kind: 'limit' }
      await meanwhile()
      for (const { id } of excess) await store.revoke(id, { ...options, reason: 'evicted' })
      const outcome = await store.create(record, options)
      return outcome.kind === 'created' ? { ...outcome, evicted: excess.map(({ id }) => id) } : outcome
    },
  }),
  'a claim is looked for before': ({ ledger }) => ({
    ledger: changed(ledger, {
      claim: async (key, options) => {
        if ((await ledger.get(key, options)) !== undefined) return false
        await meanwhile()
        await ledger.put(key, Uint8Array.of(1), options)
        return true
      },
    }),
  }),
  'a value is read and then deleted': ({ ledger }) => ({
    ledger: changed(ledger, {
      take: async (key, options) => {
        const value = await ledger.get(key, options)
        await meanwhile()
        await ledger.take(key, options)
        return value
      },
    }),
  }),
  'a count is read and then written': ({ ledger }) => ({
    ledger: changed(ledger, {
      count: async (key, { now, window }) => {
        const count = ((await ledger.get(key, { now }))?.[0] ?? 0) + 1
        await meanwhile()
        await ledger.put(key, Uint8Array.of(count), { now, deadline: now + window })
        return count
      },
    }),
  }),
  'it hangs': () => ({ update: () => new Promise(() => {}) }),
}

export async function openStore(): Promise<Store> {
  const store = sqliteStore(process.env.CONTRACT_SQLITE_FILE!)
  return changed(store, faults[process.env.CONTRACT_BROKEN!]?.(store) ?? {})
}
