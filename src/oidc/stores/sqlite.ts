import { DatabaseSync } from 'node:sqlite'
import type { Outbox } from '../outbox.ts'
import { checkOption } from './internal/faults.ts'
import { openFile, prepareTables } from './sqlite/open.ts'
import { SqliteOutbox } from './sqlite/store.ts'

/** Options of `sqliteOutbox`. */
export interface SqliteOutboxOptions {
  /**
   * The database file, as a plain path: one of its own, created with mode 0600 if missing, or the application's. `:memory:` keeps
   * everything in memory, for tests. The file of `sqliteStore` is refused: whoever deletes it ends sessions, and applications must be told so.
   */
  readonly path: string
  /**
   * Longest wait for a lock of another process, in milliseconds. Default 2,000; 0 to 60,000. Then the operation rejects with
   * `ERR_STORE_UNAVAILABLE`. The wait does not block the event loop, except while the outbox is opened.
   */
  readonly busyTimeout?: number
}

const DEFAULT_BUSY_TIMEOUT = 2000
const LONGEST_BUSY_TIMEOUT = 60_000

/**
 * Keeps an outbox in SQLite: in a file of its own, or in two tables of the application's database.
 *
 * Use it where the application runs on one machine; several processes of it may use one file. Each change is on disk before it is
 * acknowledged, as far as the handle's `synchronous` says; its default does.
 *
 * @param source - The path of the file, `SqliteOutboxOptions`, or the application's own `DatabaseSync`. No setting of that handle is
 *   changed, and it stays open. While the application has a transaction open on it, the outbox waits for its end, as it waits for a lock.
 * @returns An outbox whose `close()` closes the file it opened.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the path is empty or a URI, or `busyTimeout` is out of range.
 * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn made the tables; they were left as they are.
 * @throws {StoreError} `ERR_STORE_UNREADABLE` - the file is damaged, no SQLite database, or holds sessions.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the file cannot be opened or created, or stayed locked for `busyTimeout`.
 * @throws {StoreError} `ERR_STORE_FULL` - the disk is full.
 * @example
 * const hub = createHub(sessions, { signer: tokens.signer, outbox: sqliteOutbox('outbox.db'), clients })
 */
export function sqliteOutbox(source: string | SqliteOutboxOptions | DatabaseSync): Outbox {
  if (source instanceof DatabaseSync) {
    prepareTables(source)
    return new SqliteOutbox(source, DEFAULT_BUSY_TIMEOUT, () => {})
  }
  const { path, busyTimeout = DEFAULT_BUSY_TIMEOUT } = typeof source === 'string' ? { path: source } : (source ?? { path: '' })
  const isPlain = typeof path === 'string' && path !== '' && !path.startsWith('file:') && !path.includes('\0')
  checkOption('sqliteOutbox', 'path', isPlain, 'a plain path such as "outbox.db" (no file: URI)')
  const isInRange = typeof busyTimeout === 'number' && busyTimeout >= 0 && busyTimeout <= LONGEST_BUSY_TIMEOUT
  checkOption('sqliteOutbox', 'busyTimeout', isInRange, `milliseconds from 0 to ${LONGEST_BUSY_TIMEOUT}`)
  const database = openFile(path, busyTimeout)
  return new SqliteOutbox(database, busyTimeout, () => database.close())
}
