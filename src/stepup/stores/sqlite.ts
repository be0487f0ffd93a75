import { DatabaseSync } from 'node:sqlite'
import type { FactorStore } from '../factor-store.ts'
import { checkOption } from './internal/faults.ts'
import { openFile, prepareTables } from './sqlite/open.ts'
import { SqliteFactors } from './sqlite/store.ts'

/** Options of `sqliteFactorStore`. */
export interface SqliteFactorStoreOptions {
  /**
   * The database file, as a plain path: one of its own, created with mode 0600 if missing, or the application's. `:memory:` keeps
   * everything in memory, for tests. The file of `sqliteStore` is refused: whoever deletes it ends sessions, and must not take factors away.
   */
  readonly path: string
  /**
   * Longest wait for a lock of another process, in milliseconds. Default 2,000; 0 to 60,000. Then the operation rejects with
   * `ERR_STORE_UNAVAILABLE`. The wait does not block the event loop, except while the store is opened.
   */
  readonly busyTimeout?: number
}

const DEFAULT_BUSY_TIMEOUT = 2000
const LONGEST_BUSY_TIMEOUT = 60_000

/**
 * Keeps factors in SQLite: in a file of their own, or in two tables of the application's database.
 *
 * Use it where the application's own data is in SQLite. Several processes of one machine may use one file. Each change is on disk before it
 * is acknowledged, as far as the handle's `synchronous` says; its default does.
 *
 * @param source - The path of the file, `SqliteFactorStoreOptions`, or the application's own `DatabaseSync`. No setting of that handle is
 *   changed, and it stays open. While the application has a transaction open on it, writes of factors wait for its end, as they wait for a
 *   lock: they are no part of it, or its rollback would bring a used recovery code back.
 * @returns A factor store whose `close()` closes the file it opened.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the path is empty or a URI, or `busyTimeout` is out of range.
 * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
 * @throws {StoreError} `ERR_STORE_UNREADABLE` - the file is damaged, no SQLite database, or holds sessions.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the file cannot be opened or created, or stayed locked for `busyTimeout`.
 * @throws {StoreError} `ERR_STORE_FULL` - the disk is full.
 * @example
 * const factors = sqliteFactorStore('application.db')
 */
export function sqliteFactorStore(source: string | SqliteFactorStoreOptions | DatabaseSync): FactorStore {
  if (source instanceof DatabaseSync) {
    prepareTables(source)
    return new SqliteFactors(source, DEFAULT_BUSY_TIMEOUT, () => {})
  }
  const { path, busyTimeout = DEFAULT_BUSY_TIMEOUT } = typeof source === 'string' ? { path: source } : source
  const isPlain = typeof path === 'string' && path !== '' && !path.startsWith('file:') && !path.includes('\0')
  checkOption('sqliteFactorStore', 'path', isPlain, 'a plain path such as "factors.db" (no file: URI)')
  const isInRange = typeof busyTimeout === 'number' && busyTimeout >= 0 && busyTimeout <= LONGEST_BUSY_TIMEOUT
  checkOption('sqliteFactorStore', 'busyTimeout', isInRange, `milliseconds from 0 to ${LONGEST_BUSY_TIMEOUT}`)
  const database = openFile(path, busyTimeout)
  return new SqliteFactors(database, busyTimeout, () => database.close())
}
