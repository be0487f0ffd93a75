import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Engine } from './engine.ts'

/** What a purge is asked to do; sent to the background thread as it is. */
export interface PurgeJob {
  readonly before: number
  readonly limit: number
}

/** Rows of one purge transaction: the write lock is held for one or two milliseconds, also among a million rows. */
const PURGE_BATCH = 50
/** Batches between two checkpoints, so that what a purge writes does not pile up for the next commit of a request. */
const BATCHES_PER_CHECKPOINT = 5

/** Removes what is outdated, in small transactions. Works on any handle of the file, in this thread or another. */
export class Cleaning {
  readonly #engine: Engine
  readonly #sessions: StatementSync
  readonly #ledger: StatementSync
  readonly #outdatedEpochs: StatementSync
  readonly #postponeEpoch: StatementSync
  readonly #deleteEpoch: StatementSync

  constructor(engine: Engine) {
    this.#engine = engine
    const prepare = (sql: string) => engine.database.prepare(sql)
    this.#sessions = prepare(
      'DELETE FROM sessions WHERE rowid IN (SELECT rowid FROM sessions WHERE deadline < ? ORDER BY deadline LIMIT ?)',
    )
    this.#ledger = prepare(
      'DELETE FROM ledger WHERE (kind, key) IN (SELECT kind, key FROM ledger WHERE deadline < ? ORDER BY deadline LIMIT ?)',
    )
    this.#outdatedEpochs = prepare('SELECT subject FROM epochs WHERE check_at < ? ORDER BY check_at LIMIT ?')
    // The epoch is needed as long as any row of its subject is; so it is looked at again once this one is over.
    this.#postponeEpoch = prepare(
      `UPDATE epochs SET check_at = max(?, (SELECT deadline FROM sessions WHERE sessions.subject = epochs.subject LIMIT 1))
       WHERE subject = ? AND EXISTS (SELECT 1 FROM sessions WHERE sessions.subject = epochs.subject)`,
    )
    this.#deleteEpoch = prepare('DELETE FROM epochs WHERE subject = ?')
  }

  /**
   * Resolves to the number of sessions and tombstones removed. `rest` is waited for between two transactions, so that requests
   * and other processes get their turn; `signal` ends it there.
   */
  async purge({ before, limit }: PurgeJob, rest: () => Promise<void>, signal?: AbortSignal): Promise<number> {
    const removed = await this.#inBatches(limit, rest, signal, (size) => Number(this.#sessions.run(before, size).changes))
    await this.#inBatches(limit, rest, signal, (size) => Number(this.#ledger.run(before, size).changes))
    await this.#inBatches(limit, rest, signal, (size) => this.#removeOutdatedEpochs(before, size))
    return removed
  }

  async #inBatches(
    limit: number,
    rest: () => Promise<void>,
    signal: AbortSignal | undefined,
    work: (size: number) => number,
  ): Promise<number> {
    let done = 0
    for (let batch = 1; done < limit; batch++) {
      const size = Math.min(PURGE_BATCH, limit - done)
      const count = await this.#engine.write(() => work(size), { signal })
      done += count
      if (count < size) break
      if (batch % BATCHES_PER_CHECKPOINT === 0) checkpoint(this.#engine.database)
      await rest()
    }
    return done
  }

  #removeOutdatedEpochs(before: number, limit: number): number {
    const rows = this.#outdatedEpochs.all(before, limit) as { subject: string | Uint8Array }[]
    for (const { subject } of rows) {
      // `before` itself counts as later, so that no epoch is looked at twice in one purge.
      if (this.#postponeEpoch.run(before, subject).changes === 0) this.#deleteEpoch.run(subject)
    }
    return rows.length
  }
}

/** Moves the write-ahead log into the file, as far as that needs no waiting for readers or writers. */
export function checkpoint(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  } catch {
    // Another one is under way, or the disk is full: the log stays as it is and nothing is lost.
  }
}
