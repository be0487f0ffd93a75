import type { PurgeOptions } from '../../core/store.ts'
import { throwIfAborted } from '../internal/abort.ts'
import { instantParameter } from './columns.ts'
import type { Engine, Statement } from './engine.ts'

/** Rows of one transaction: a few milliseconds of row locks that nobody waits for but who ends those very sessions. */
const BATCH = 500

/**
 * Removes what is outdated, in small transactions. Rows that someone else has locked are left for the next purge (`SKIP LOCKED`):
 * several processes may purge at once, and none waits.
 *
 * The statements have no names: PostgreSQL then plans them knowing how few rows are asked for.
 */
export class Purge {
  readonly #engine: Engine
  readonly #sessions: Statement
  readonly #ledger: Statement
  readonly #subjects: Statement

  constructor(engine: Engine) {
    this.#engine = engine
    const { sessions, subjects, ledger } = engine.names
    // A row whose deadline has moved since is looked at again when that has passed; so each is looked at about once a deadline.
    this.#sessions = {
      text: `WITH due AS (
          SELECT id, CASE WHEN revoked_at IS NULL THEN deadline ELSE absolute_deadline END AS until
          FROM ${sessions} WHERE purge_at < $1 ORDER BY purge_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), removed AS (
          DELETE FROM ${sessions} AS s USING due WHERE s.id = due.id AND due.until < $1 RETURNING s.id
        ), postponed AS (
          UPDATE ${sessions} AS s SET purge_at = due.until FROM due WHERE s.id = due.id AND due.until >= $1
        )
        SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM removed)`,
    }
    this.#ledger = {
      text: `WITH due AS (
          SELECT kind, key FROM ${ledger} WHERE deadline < $1 ORDER BY deadline LIMIT $2 FOR UPDATE SKIP LOCKED
        ), removed AS (
          DELETE FROM ${ledger} AS l USING due WHERE l.kind = due.kind AND l.key = due.key RETURNING l.kind
        )
        SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM removed)`,
    }
    // The epoch is needed as long as any live row of its subject is there; so it is looked at again once that one is over.
    this.#subjects = {
      text: `WITH due AS (
          SELECT subject FROM ${subjects} WHERE check_at < $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), looked AS (
          SELECT due.subject, (SELECT s.deadline FROM ${sessions} AS s WHERE s.subject = due.subject AND s.revoked_at IS NULL LIMIT 1) AS until
          FROM due
        ), removed AS (
          DELETE FROM ${subjects} AS e USING looked WHERE e.subject = looked.subject AND looked.until IS NULL RETURNING e.subject
        ), postponed AS (
          UPDATE ${subjects} AS e SET check_at = greatest(looked.until, $1) FROM looked
          WHERE e.subject = looked.subject AND looked.until IS NOT NULL
        )
        SELECT (SELECT count(*) FROM due), (SELECT count(*) FROM removed)`,
    }
  }

  /** Resolves to the number of records and tombstones removed. */
  async run({ before, limit, signal }: PurgeOptions): Promise<number> {
    const removed = await this.#inBatches(this.#sessions, before, limit, signal)
    await this.#inBatches(this.#ledger, before, limit, signal)
    await this.#inBatches(this.#subjects, before, limit, signal)
    return removed
  }

  async #inBatches(statement: Statement, before: number, limit: number, signal: AbortSignal | undefined): Promise<number> {
    let removed = 0
    while (removed < limit) {
      throwIfAborted(signal)
      const size = Math.min(BATCH, limit - removed)
      const [counts] = await this.#engine.run(statement, [instantParameter(before), size], signal)
      const [found, count] = counts as [number, number]
      removed += count
      if (found < size) break
    }
    return removed
  }
}
