import { DatabaseSync } from 'node:sqlite'
import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { Engine } from './sqlite/engine.ts'
import { toStoreError } from './sqlite/faults.ts'
import { openFile, prepareDatabase } from './sqlite/open.ts'
import { SqliteStore } from './sqlite/store.ts'

/** Options of `sqliteStore`. */
export interface SqliteStoreOptions {
  /**
   * The database file, as a plain path; it is created with mode 0600 if missing, its folder is not. `:memory:` keeps everything
   * in memory, for tests. The file holds sessions only: a database of another application is refused. Keep it on a local disk,
   * since SQLite's write-ahead log does not work over a network file system.
   */
  readonly path: string
  /**
   * Longest wait for a lock of another process, in milliseconds. Default 2,000; 0 to 60,000. The wait does not block the event
   * loop. Then the operation rejects with `ERR_STORE_UNAVAILABLE`. Longer waits let requests pile up behind a stuck process;
   * much shorter ones turn a busy second into errors.
   */
  readonly busyTimeout?: number
}

const DEFAULT_BUSY_TIMEOUT = 2000
const LONGEST_BUSY_TIMEOUT = 60_000

/**
 * Keeps sessions in one SQLite file: crash-safe, indexed, and shared by all processes of one machine.
 *
 * The default for sites on one machine. Revocations are flushed to disk before they are acknowledged, so that a power cut brings
 * no session back; other writes survive a crash of the process, and a power cut may take the last moments of them. Several
 * processes may use one file and see each other's writes at once. Needs `node:sqlite` (Node 22.13 or later).
 *
 * @param source - The path of the file, `SqliteStoreOptions`, or a `DatabaseSync` of your own. A handle of your own is used for
 *   nothing else: its journal mode, busy timeout and `synchronous` are set, and it stays open when the store is closed.
 * @returns A store whose `close()` closes the file it opened.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the path is empty or a URI, or `busyTimeout` is out of range.
 * @throws {StoreError} `ERR_STORE_NEWER` - a newer Sojourn has written the file; it was left as it is.
 * @throws {StoreError} `ERR_STORE_UNREADABLE` - the file is damaged, no SQLite database, or another application's.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the file cannot be opened or created, or stayed locked for `busyTimeout`.
 * @throws {StoreError} `ERR_STORE_FULL` - the disk is full.
 * @example
 * const sessions = createSessions({ store: sqliteStore('sessions.db'), keys: process.env.SESSION_KEYS })
 */
export function sqliteStore(source: string | SqliteStoreOptions | DatabaseSync): Store {
  if (source instanceof DatabaseSync) return openStore(source, DEFAULT_BUSY_TIMEOUT, () => {})
  const { path, busyTimeout = DEFAULT_BUSY_TIMEOUT } = typeof source === 'string' ? { path: source } : source
  checkPath(path)
  checkBusyTimeout(busyTimeout)
  const database = openFile(path)
  try {
    return openStore(database, busyTimeout, () => database.close())
  } catch (error) {
    database.close()
    throw error
  }
}

function openStore(database: DatabaseSync, busyTimeout: number, onClose: () => void): Store {
  prepareDatabase(database, busyTimeout)
  try {
    return new SqliteStore(new Engine(database, busyTimeout), onClose)
  } catch (error) {
    throw toStoreError(error)
  }
}

function checkPath(path: unknown): void {
  const isPlainPath = typeof path === 'string' && path !== '' && !path.startsWith('file:') && !path.includes('\0')
  if (isPlainPath) return
  const expected = 'a plain path such as "sessions.db" (no file: URI)'
  throw new ConfigError(`sqliteStore: path must be ${expected}.`, { code: 'ERR_CONFIG_INVALID' })
}

function checkBusyTimeout(busyTimeout: unknown): void {
  if (typeof busyTimeout === 'number' && busyTimeout >= 0 && busyTimeout <= LONGEST_BUSY_TIMEOUT) return
  const expected = `milliseconds from 0 to ${LONGEST_BUSY_TIMEOUT}`
  throw new ConfigError(`sqliteStore: busyTimeout must be ${expected}; it is ${String(busyTimeout)}.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
