import { DatabaseSync } from 'node:sqlite'
import type { AuditStore } from './audit/audit-store.ts'
import { checkOption } from './audit/faults.ts'
import { openFile, prepareTables } from './audit-sqlite/open.ts'
import { SqliteAudit } from './audit-sqlite/store.ts'

/** Options of `sqliteAuditStore`. */
export interface SqliteAuditStoreOptions {
  /**
   * The database file, as a plain path: one of its own, created with mode 0600 if missing, or the application's. `:memory:` keeps everything in memory, for tests. The file of
   * `sqliteStore` is refused: whoever deletes it ends sessions, and must not take the log away.
   */
  readonly path: string
  /**
   * Longest wait for a lock of another process, in milliseconds. Default 5,000; 0 to 60,000. Then the operation rejects with `ERR_STORE_UNAVAILABLE`. The wait does not block the
   * event loop, except while the store is opened.
   */
  readonly busyTimeout?: number
}

const DEFAULT_BUSY_TIMEOUT = 5000
const LONGEST_BUSY_TIMEOUT = 60_000

/**
 * Keeps the audit log in SQLite: in a file of its own, or in tables of the application's database.
 *
 * Use it where one machine serves the application; several processes of it may write to one file. In a file of its own each batch is on disk before it is acknowledged.
 *
 * @param source - The path of the file, `SqliteAuditStoreOptions`, or the application's own `DatabaseSync`. No setting of that handle is changed, and it stays open. While the
 *   application has a transaction open on it, entries wait for its end: they are no part of it, or its rollback would take them back.
 * @returns An audit store whose `close()` closes the file it opened.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the path is empty or a URI, or `busyTimeout` is out of range.
 * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
 * @throws {StoreError} `ERR_STORE_UNREADABLE` - the file is damaged, no SQLite database, or holds sessions.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the file cannot be opened or created, or stayed locked for `busyTimeout`.
 * @throws {StoreError} `ERR_STORE_FULL` - the disk is full.
 * @example
 * const audit = auditLog(sessions, { store: sqliteAuditStore('audit.db') })
 */
export function sqliteAuditStore(source: string | SqliteAuditStoreOptions | DatabaseSync): AuditStore {
  if (source instanceof DatabaseSync) {
    prepareTables(source)
    return new SqliteAudit(source, DEFAULT_BUSY_TIMEOUT, () => {})
  }
  const { path, busyTimeout = DEFAULT_BUSY_TIMEOUT } = typeof source === 'string' ? { path: source } : source
  const isPlain = typeof path === 'string' && path !== '' && !path.startsWith('file:') && !path.includes('\0')
  checkOption('sqliteAuditStore', 'path', isPlain, 'a plain path such as "audit.db" (no file: URI)')
  const isInRange = typeof busyTimeout === 'number' && busyTimeout >= 0 && busyTimeout <= LONGEST_BUSY_TIMEOUT
  checkOption('sqliteAuditStore', 'busyTimeout', isInRange, `milliseconds from 0 to ${LONGEST_BUSY_TIMEOUT}`)
  const database = openFile(path, busyTimeout)
  return new SqliteAudit(database, busyTimeout, () => database.close())
}
