/** A store in a store's clothes: every call goes through a function that may measure or trace it, and the contract is kept. What answers without a promise goes on doing so. */
import type { Ledger, Store } from '../core/store.ts'

/** Calls once, hands on what comes of it, be it a promise, and throws what it throws. `operation` is a name such as `read` or `ledger.claim`. */
export type Around = <T>(operation: string, call: () => T) => T

/** The same store, with `around` about each call of it and its ledger. Its channel, its changes and a cache's copies are handed through. */
export function aroundStore(store: Store, around: Around): Store {
  return {
    name: store.name,
    capabilities: store.capabilities,
    ledger: aroundLedger(store.ledger, around),
    channel: store.channel,
    changes: store.changes,
    create: (record, options) => around('create', () => store.create(record, options)),
    read: (id, options) => around('read', () => store.read(id, options)),
    update: (id, version, changes, options) => around('update', () => store.update(id, version, changes, options)),
    revoke: (id, options) => around('revoke', () => store.revoke(id, options)),
    revokeSubject: (subject, options) => around('revokeSubject', () => store.revokeSubject(subject, options)),
    list: (subject, options) => around('list', () => store.list(subject, options)),
    purge: (options) => around('purge', () => store.purge(options)),
    close: () => store.close(),
    ...(store.revokeLinked && {
      revokeLinked: (key, options) => around('revokeLinked', () => store.revokeLinked!(key, options)),
    }),
    ...(store.query && { query: (filter, options) => around('query', () => store.query!(filter, options)) }),
    ...(store.count && { count: (filter, options) => around('count', () => store.count!(filter, options)) }),
    ...(store.copyOf && { copyOf: (id) => store.copyOf!(id) }),
    ...(store.lastCopyOf && { lastCopyOf: (id) => store.lastCopyOf!(id) }),
  }
}

function aroundLedger(ledger: Ledger, around: Around): Ledger {
  return {
    claim: (key, options) => around('ledger.claim', () => ledger.claim(key, options)),
    put: (key, value, options) => around('ledger.put', () => ledger.put(key, value, options)),
    take: (key, options) => around('ledger.take', () => ledger.take(key, options)),
    get: (key, options) => around('ledger.get', () => ledger.get(key, options)),
    count: (key, options) => around('ledger.count', () => ledger.count(key, options)),
  }
}

/** What OpenTelemetry calls an engine; its own name for those it does not know. */
export function systemNameOf({ name }: Pick<Store, 'name'>): string {
  return name === 'postgres' ? 'postgresql' : name
}

/** The code of an error, for labels: never its text, which may hold anything. */
export function errorTypeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Za-z0-9_]{1,60}$/.test(code) ? code : 'failed'
}
