import type { StatementSync } from 'node:sqlite'
import type { CallOptions, Ledger, LedgerOptions } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import type { Engine } from './engine.ts'

// Claims, values and counts under one key never meet.
const CLAIM = 0
const VALUE = 1
const COUNT = 2

/** The ledger of `sqliteStore`. Each operation is one transaction, hence atomic between processes. */
export class SqliteLedger implements Ledger {
  readonly #engine: Engine
  readonly #claim: StatementSync
  readonly #put: StatementSync
  readonly #find: StatementSync
  readonly #delete: StatementSync
  readonly #count: StatementSync

  constructor(engine: Engine) {
    this.#engine = engine
    const { database } = engine
    this.#claim = database.prepare(
      `INSERT INTO ledger (kind, key, deadline, count) VALUES (${CLAIM}, ?, ?, 0)
       ON CONFLICT DO UPDATE SET deadline = excluded.deadline WHERE ledger.deadline < ?`,
    )
    this.#put = database.prepare(
      `INSERT OR REPLACE INTO ledger (kind, key, deadline, count, value) VALUES (${VALUE}, ?, ?, 0, ?)`,
    )
    this.#find = database.prepare('SELECT deadline, count, value FROM ledger WHERE kind = ? AND key = ?')
    this.#delete = database.prepare(`DELETE FROM ledger WHERE kind = ${VALUE} AND key = ?`)
    this.#count = database.prepare(`INSERT OR REPLACE INTO ledger (kind, key, deadline, count) VALUES (${COUNT}, ?, ?, ?)`)
  }

  claim(key: string, options: LedgerOptions): Promise<boolean> {
    return this.#engine.write(() => this.#claim.run(key, options.deadline, options.now).changes === 1, options)
  }

  put(key: string, value: Uint8Array, options: LedgerOptions): Promise<void> {
    return this.#engine.write(() => {
      this.#put.run(key, options.deadline, value)
    }, options)
  }

  take(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    return this.#engine.write(() => {
      const entry = this.#entry(VALUE, key)
      if (!entry) return undefined
      this.#delete.run(key)
      return entry.deadline >= options.now ? (entry.value ?? new Uint8Array(0)) : undefined
    }, options)
  }

  async get(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    const read = () => {
      const entry = this.#entry(VALUE, key)
      return entry && entry.deadline >= options.now ? (entry.value ?? new Uint8Array(0)) : undefined
    }
    throwIfAborted(options.signal)
    try {
      return read()
    } catch (error) {
      return this.#engine.retry(read, error, options.signal)
    }
  }

  count(key: string, options: CallOptions & { readonly now: number; readonly window: number }): Promise<number> {
    const { now, window } = options
    return this.#engine.write(() => {
      const entry = this.#entry(COUNT, key)
      const isRunning = entry !== undefined && entry.deadline > now
      // Never longer than one window from now: a clock that ran ahead and came back must not freeze a throttle for as long.
      const deadline = isRunning ? Math.min(entry.deadline, now + window) : now + window
      const count = isRunning ? entry.count + 1 : 1
      this.#count.run(key, deadline, count)
      return count
    }, options)
  }

  #entry(kind: number, key: string): LedgerRow | undefined {
    return this.#find.get(kind, key) as LedgerRow | undefined
  }
}

interface LedgerRow {
  readonly deadline: number
  readonly count: number
  readonly value: Uint8Array | null
}
