import { createHash, randomInt } from 'node:crypto'
import { throwIfAborted } from '../internal/abort.ts'
import { answerOf } from '../internal/waiting.ts'
import type { PostgresPool, PostgresQueries } from './client.ts'
import { columnTypes } from './columns.ts'
import { isWorthRepeating, toStoreError } from './faults.ts'
import { checkSchema } from './migration.ts'
import type { Names } from './names.ts'

/** One of the store's statements. */
export interface Statement {
  readonly text: string
  /** Its name as a prepared statement; without one it is planned each time, for the values at hand. */
  readonly name?: string
}

/**
 * A statement that is prepared once a connection. Its name comes from its text: stores with other tables or options, or of another
 * version, may share the pool.
 */
export function prepared(text: string): Statement {
  return { text, name: `sojourn_${createHash('sha256').update(text).digest('hex').slice(0, 32)}` }
}

/** The cells of a row, in the order of the statement's columns. */
export type Row = readonly unknown[]

const MOST_ATTEMPTS = 5
const LONGEST_PAUSE = 40

/** Sends statements, one round trip each, with what every operation needs: an end to waiting, typed errors, another try after a deadlock. */
export class Engine {
  readonly pool: PostgresPool
  readonly names: Names
  readonly #isPrepared: boolean
  #isChecked = false
  #checking: Promise<void> | undefined

  constructor(pool: PostgresPool, names: Names, isPrepared: boolean) {
    this.pool = pool
    this.names = names
    this.#isPrepared = isPrepared
  }

  /** Gives the rows. The first statement of a store asks once which version the tables have. */
  run(statement: Statement, values: unknown[], signal?: AbortSignal): Promise<Row[]> {
    return answerOf('PostgreSQL', () => this.#attempt(statement, values, signal), signal)
  }

  async #attempt(statement: Statement, values: unknown[], signal: AbortSignal | undefined): Promise<Row[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#isChecked) await this.#check(signal)
        return await query(this.pool, this.#isPrepared ? statement : { text: statement.text }, values)
      } catch (cause) {
        if (!isWorthRepeating(cause) || attempt === MOST_ATTEMPTS || signal?.aborted) throw toStoreError(cause)
        await pause(1 + randomInt(Math.min(LONGEST_PAUSE, 2 ** attempt)))
      }
    }
  }

  /** One question for all who come at once. Who asked it and stops waiting takes it back, so that the next asks on another connection. */
  async #check(signal: AbortSignal | undefined): Promise<void> {
    if (this.#checking === undefined) {
      const checking = checkSchema(this.pool, this.names)
      const forget = () => {
        if (this.#checking === checking) this.#checking = undefined
      }
      this.#checking = checking
      signal?.addEventListener('abort', forget, { once: true })
      checking.then(forget, forget)
    }
    await this.#checking
    this.#isChecked = true
    throwIfAborted(signal)
  }
}

/** Runs a statement on a pool or a connection of it. Rows as arrays cost less than objects. */
export async function query(client: PostgresQueries, statement: Statement, values: unknown[]): Promise<Row[]> {
  const result = await client.query({ ...statement, values, rowMode: 'array', types: columnTypes })
  return result.rows as Row[]
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
