/** What the shop keeps of a visit, and the rules it keeps it by. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { createSessions, isSojournError, type Session, type Sessions, type Store } from 'sojourn'
import type { SessionApplication, SessionRequest } from 'sojourn/express'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { z } from 'zod'
import { ITEM_ID } from './catalogue.ts'
import type { People } from './people.ts'
import { keepSessionKey } from './session-key.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'

export const MOST_OF_ONE = 99
export const MOST_TITLES = 200

/** A message for the next page, by name: the words are the page's. */
const notice = z.object({
  name: z.enum([
    'added',
    'changed',
    'removed',
    'full',
    'welcome',
    'signed-up',
    'ended-one',
    'ended-others',
    'not-found',
    'reserved',
    'stayed',
  ]),
  /** An item's id, or a number. */
  about: z.string().max(40).optional(),
})

const visitData = z.object({
  basket: z.record(z.string().regex(ITEM_ID), z.number().int().min(1).max(MOST_OF_ONE)).default(() => ({})),
  notices: z
    .array(notice)
    .max(8)
    .default(() => []),
})

export type Notice = z.infer<typeof notice>
export type VisitData = z.infer<typeof visitData>
export type ShopSession = Session<VisitData>
export type ShopApplication = SessionApplication<Sessions<VisitData>>
export type ShopRequest = SessionRequest<Sessions<VisitData>>

export interface Shop {
  readonly sessions: Sessions<VisitData>
  readonly people: People
  readonly policy: { readonly idleTimeout: number; readonly absoluteTimeout: number }
  /** Rejects when sessions cannot be read and written. */
  checkStore(): Promise<void>
  close(): Promise<void>
}

/** Opens the sessions' database and makes the service. */
export function openShop(settings: Settings, people: People): Shop {
  const { idleTimeout, absoluteTimeout, dataFolder } = settings
  const path = join(dataFolder, 'sessions.db')
  const keys = settings.sessionKeys ?? keepSessionKey(dataFolder)
  try {
    const store = sqliteStore(path)
    const policy = { idleTimeout: Math.min(idleTimeout, absoluteTimeout), absoluteTimeout }
    const sessions = createSessions({ store, keys, data: visitData, policy })
    return {
      sessions,
      people,
      policy,
      checkStore: storeCheck(store, path),
      async close() {
        await store.close()
        people.close()
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(`${error.message} (The sessions' database is ${path}.)`)
    throw error
  }
}

/**
 * Reads and writes, so that a locked or full disk shows; and looks whether the file is still the one that was opened, since one
 * that was deleted goes on working for the process that holds it, and is gone with it.
 */
function storeCheck(store: Store, path: string): () => Promise<void> {
  const opened = statSync(path)
  let running: Promise<void> | undefined

  async function check(): Promise<void> {
    const present = statSync(path)
    if (present.ino !== opened.ino || present.dev !== opened.dev) throw new Error('the database file was replaced')
    await store.list('healthz')
    await store.ledger.count('healthz', { now: Date.now(), window: 1000 })
  }

  // One check at a time, whoever asks: many callers must not become many writes.
  return () => {
    running ??= check().finally(() => {
      running = undefined
    })
    return running
  }
}
