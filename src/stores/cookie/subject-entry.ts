/** What the ledger keeps of a subject whose sessions were all ended. */
export interface SubjectEntry {
  /** Sessions with this stamp were made since. */
  readonly epoch: number
  /** The epoch this one replaced. */
  readonly after: number
  readonly at: number
  readonly reason: string
  /** The one session that goes on, and the stamps its cookies can have; any where none are named. */
  readonly spared?: { readonly id: string; readonly stamps?: readonly number[] | undefined } | undefined
}

/** A session that ends all others again and again, each time by a cookie of before, is spared that often. */
export const MOST_STAMPS = 32

/** Whether an entry spares this session: by its id, and by a stamp that says it was alive until then. */
export function spares({ spared }: SubjectEntry, id: string, stamp: number): boolean {
  return spared?.id === id && (spared.stamps === undefined || spared.stamps.includes(stamp))
}
