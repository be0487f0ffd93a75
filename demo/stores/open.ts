/** Opens the store that `STORE` names, with a copy of what was read lately in front of it if `NEAR_CACHE=1` asks for that. */
import type { Store } from 'sojourn'
import { nearCache } from 'sojourn/stores/near-cache'
import { StartError } from '../start-error.ts'
import type { ServerChoice, ServerKind, StoreChoice } from './choice.ts'
import { openCookie, openMemory, openSqlite } from './local.ts'
import { startErrorFor } from './trouble.ts'

/** A store, and what is closed with it. */
export interface OpenStore {
  readonly store: Store
  /** Rejects when the store is not what was opened; asked before the store itself. */
  inspect?(): void
  /** Closes the client. The store is closed before. */
  disconnect?(): Promise<unknown> | undefined
}

/** The store the shop works with. */
export interface ShopStore {
  readonly store: Store
  readonly choice: StoreChoice
  /** Longest use of a copy in milliseconds; 0 without a near cache. */
  readonly maxStaleness: number
  /** Rejects when visits cannot be read and written. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface StoreSettings {
  readonly store: StoreChoice
  readonly maxStaleness: number
  readonly dataFolder: string
}

/** @throws {StartError} when the store cannot be used, in one sentence that says what to do. */
export async function openStore({ store: choice, maxStaleness, dataFolder }: StoreSettings): Promise<ShopStore> {
  const opened = 'servers' in choice ? await openWithServers(choice) : openHere(choice.kind, dataFolder)
  const store = maxStaleness === 0 ? opened.store : nearCache(opened.store, { maxStaleness })
  return {
    store,
    choice,
    maxStaleness,
    check: oneAtATime(() => check(opened)),
    async close() {
      await store.close()
      await opened.disconnect?.()
    },
  }
}

function openHere(kind: 'sqlite' | 'memory' | 'cookie', dataFolder: string): OpenStore {
  if (kind === 'memory') return openMemory()
  return kind === 'cookie' ? openCookie(dataFolder) : openSqlite(dataFolder)
}

/** Loaded when chosen: whoever chooses another needs neither the code nor the client's package. */
const OPENERS: Readonly<Record<ServerKind, (choice: ServerChoice) => Promise<OpenStore>>> = {
  redis: async (choice) => (await import('./redis.ts')).openRedis(choice),
  'redis-sentinel': async (choice) => (await import('./redis.ts')).openRedis(choice),
  'redis-cluster': async (choice) => (await import('./redis.ts')).openRedis(choice),
  postgres: async (choice) => (await import('./postgres.ts')).openPostgres(choice),
  memcached: async (choice) => (await import('./memcached.ts')).openMemcached(choice),
}

async function openWithServers(choice: ServerChoice): Promise<OpenStore> {
  let opened: OpenStore | undefined
  try {
    opened = await OPENERS[choice.kind](choice)
    await check(opened)
    return opened
  } catch (error) {
    await opened?.disconnect?.()
    if (error instanceof StartError || error instanceof TypeError) throw error
    throw startErrorFor(choice, error)
  }
}

/** Longer than a store that is there ever takes. */
const LONGEST_CHECK = 1500

/** Writes, so that a full or read-only store shows as well. */
async function check({ store, inspect }: OpenStore): Promise<void> {
  inspect?.()
  const signal = store.capabilities.isLocal ? undefined : AbortSignal.timeout(LONGEST_CHECK)
  if (store.capabilities.listsSubjects) await store.list('healthz', { signal })
  await store.ledger.count('healthz', { now: Date.now(), window: 1000, signal })
}

/** One check at a time, whoever asks: many callers must not become many writes. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}
