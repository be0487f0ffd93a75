/** Stores of this machine: a file, this process's memory, and the visitors' own cookies. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isSojournError } from 'sojourn'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { StartError } from '../start-error.ts'
import type { OpenStore } from './open.ts'

export function openMemory(): OpenStore {
  return { store: memoryStore() }
}

export function openSqlite(folder: string): OpenStore {
  return openFile(join(folder, 'sessions.db'))
}

/** Visits are in cookies; which of them were ended is in a file, so that signing out ends a visit wherever a copy of it may be. */
export function openCookie(folder: string): OpenStore {
  const ended = openFile(join(folder, 'ended.db'))
  return { ...ended, store: cookieStore({ ledger: ended.store }) }
}

function openFile(path: string): OpenStore {
  try {
    const store = sqliteStore(path)
    const opened = statSync(path)
    return {
      store,
      // A file that was deleted goes on working for the process that holds it, and is gone with it.
      inspect() {
        const present = statSync(path)
        if (present.ino !== opened.ino || present.dev !== opened.dev) throw new Error('the database file was replaced')
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(`${error.message} (The sessions' database is ${path}.)`)
    throw error
  }
}
