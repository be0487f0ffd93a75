import type { CallOptions, Ledger, LedgerOptions } from '../../core/store.ts'
import { bytesFromHex, instantParameter, textParameter } from './columns.ts'
import { type Engine, prepared, type Statement } from './engine.ts'

// Claims, values and counts under one key never meet.
const CLAIM = 0
const VALUE = 1
const COUNT = 2

/** The ledger of `postgresStore`: each operation is one statement, hence atomic between processes. */
export class PostgresLedger implements Ledger {
  readonly #engine: Engine
  readonly #claim: Statement
  readonly #put: Statement
  readonly #take: Statement
  readonly #get: Statement
  readonly #count: Statement

  constructor(engine: Engine) {
    this.#engine = engine
    const { ledger } = engine.names
    this.#claim = prepared(`INSERT INTO ${ledger} AS present (kind, key, deadline, count) VALUES (${CLAIM}, $1, $2, 0)
       ON CONFLICT (kind, key) DO UPDATE SET deadline = excluded.deadline WHERE present.deadline < $3 RETURNING true`)
    this.#put = prepared(`INSERT INTO ${ledger} (kind, key, deadline, count, value) VALUES (${VALUE}, $1, $2, 0, $3)
       ON CONFLICT (kind, key) DO UPDATE SET deadline = excluded.deadline, value = excluded.value`)
    this.#take = prepared(`DELETE FROM ${ledger} WHERE kind = ${VALUE} AND key = $1 RETURNING deadline, encode(value, 'hex')`)
    this.#get = prepared(`SELECT deadline, encode(value, 'hex') FROM ${ledger} WHERE kind = ${VALUE} AND key = $1`)
    // Never longer than one window from now: a clock that ran ahead and came back must not freeze a throttle for as long.
    this.#count = prepared(`INSERT INTO ${ledger} AS present (kind, key, deadline, count) VALUES (${COUNT}, $1, $3, 1)
       ON CONFLICT (kind, key) DO UPDATE SET
         count = CASE WHEN present.deadline > $2 THEN present.count + 1 ELSE 1 END,
         deadline = CASE WHEN present.deadline > $2 THEN least(present.deadline, $3) ELSE $3 END
       RETURNING count`)
  }

  async claim(key: string, { deadline, now, signal }: LedgerOptions): Promise<boolean> {
    const values = [textParameter(key), instantParameter(deadline), instantParameter(now)]
    const rows = await this.#engine.run(this.#claim, values, signal)
    return rows.length === 1
  }

  async put(key: string, value: Uint8Array, { deadline, signal }: LedgerOptions): Promise<void> {
    await this.#engine.run(this.#put, [textParameter(key), instantParameter(deadline), value], signal)
  }

  take(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    return this.#value(this.#take, key, options)
  }

  get(key: string, options: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    return this.#value(this.#get, key, options)
  }

  async count(key: string, options: CallOptions & { readonly now: number; readonly window: number }): Promise<number> {
    const now = instantParameter(options.now)
    const [row] = await this.#engine.run(
      this.#count,
      [textParameter(key), now, instantParameter(now + options.window)],
      options.signal,
    )
    return row![0] as number
  }

  async #value(
    statement: Statement,
    key: string,
    { now, signal }: CallOptions & { readonly now: number },
  ): Promise<Uint8Array | undefined> {
    const [row] = await this.#engine.run(statement, [textParameter(key)], signal)
    if (row === undefined) return undefined
    const [deadline, value] = row as [number, string | null]
    return deadline >= now ? bytesFromHex(value) : undefined
  }
}
