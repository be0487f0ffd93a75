/** Which proofs have been used: each counts once (RFC 9449, 11.1). */
import { seconds } from '../../core/duration.ts'
import { StoreError } from '../../core/errors.ts'

/** Where used proofs are remembered. A ledger of any store is one (`store.ledger`): then no other process accepts the proof either. */
export interface ReplayMemory {
  /**
   * `true` for the first caller with this key until `deadline`, `false` for every other. It throws when it cannot know: then the request fails, and no proof is
   * accepted on trust.
   */
  claim(key: string, times: { readonly now: number; readonly deadline: number }): boolean | Promise<boolean>
}

/** Claims are forgotten by the bunch, not one by one. */
const BUNCH = seconds(10)
const DEFAULT_MOST = 200_000

/**
 * Remembers in this process alone, for a service that runs once. With several processes behind one address, a proof could be used once in each.
 *
 * @param most - How many are remembered at most; each takes about 150 bytes. Default 200,000: 3,000 requests a second. When it is full, `claim` throws: an attacker who fills it
 *   must not make it forget.
 */
export function memoryReplay(most: number = DEFAULT_MOST): ReplayMemory & { readonly size: number } {
  const bunches = new Map<number, Set<string>>()
  let size = 0
  /** What ended up to here has been forgotten. A clock that went ahead and came back would otherwise let those proofs in again. */
  let forgottenUntil = Number.NEGATIVE_INFINITY

  function forgetBefore(now: number): void {
    for (const [end, claims] of bunches) {
      if (end >= now) continue
      bunches.delete(end)
      size -= claims.size
      forgottenUntil = Math.max(forgottenUntil, end)
    }
  }

  return {
    claim(key, { now, deadline }) {
      forgetBefore(now)
      if (deadline <= forgottenUntil) return false
      if ([...bunches.values()].some((claims) => claims.has(key))) return false
      if (size >= most) {
        throw new StoreError(`The memory of used DPoP proofs is full: it holds ${most} and none is outdated.`, {
          code: 'ERR_STORE_FULL',
          status: 503,
        })
      }
      const end = Math.ceil(deadline / BUNCH) * BUNCH
      const claims = bunches.get(end) ?? new Set()
      bunches.set(end, claims.add(key))
      size++
      return true
    },
    get size() {
      return size
    },
  }
}
