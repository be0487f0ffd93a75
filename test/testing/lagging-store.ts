/** A handle on a memory store that reads from a replica, which a test can hold back. */
import { memoryStore } from 'sojourn/stores/memory'
import type { StaleHandle } from 'sojourn/testing'
import type { Store } from '../../src/core/store.ts'
import { changed } from './changed-store.ts'

/**
 * Reads come from a copy of what was there when it was paused; writes go to the primary unless `breakIt` says otherwise.
 *
 * Replication is simulated by noting the writes of the primary and doing them again, in order.
 */
export function laggingStore(primary: Store, breakIt: (primary: Store, replica: () => Store) => Partial<Store>): StaleHandle {
  const replica = memoryStore()
  const late: (() => Promise<unknown>)[] = []
  let isPaused = false
  const follow = (again: () => Promise<unknown>) => (isPaused ? void late.push(again) : again())

  // The primary itself is changed, since the contract writes through the handle it has.
  for (const name of ['create', 'update', 'revoke', 'revokeSubject'] as const) {
    const original = primary[name].bind(primary) as (...given: unknown[]) => Promise<unknown>
    const again = replica[name].bind(replica) as (...given: unknown[]) => Promise<unknown>
    Object.assign(primary, {
      [name]: async (...given: unknown[]) => {
        const outcome = await original(...given)
        await follow(() => again(...given))
        return outcome
      },
    })
  }
  const { put } = primary.ledger
  primary.ledger.put = async (...given) => {
    await put.apply(primary.ledger, given)
    await follow(() => replica.ledger.put(...given))
  }

  const reads: Partial<Store> = { read: (id) => replica.read(id), list: (subject) => replica.list(subject) }
  return {
    store: changed(primary, { ...reads, ...breakIt(primary, () => replica) }),
    pause: async () => {
      isPaused = true
    },
    resume: async () => {
      isPaused = false
      for (const again of late.splice(0)) await again()
    },
  }
}
