import type { CallOptions, Ledger, LedgerOptions } from '../../core/store.ts'
import type { Engine } from './engine.ts'
import type { Keys } from './keys.ts'
import { CLAIM, COUNT } from './scripts.ts'

/**
 * How long past its deadline an entry may stay, in milliseconds. Its deadline decides, compared with the caller's `now`; Redis, whose clock
 * may differ from the caller's, only removes what nobody asks for any more.
 */
const KEPT_FOR = 600_000

/** The ledger of `redisStore`. A value is kept with its deadline in front: 8 bytes, little-endian. */
export class RedisLedger implements Ledger {
  readonly #engine: Engine
  readonly #keys: Keys

  constructor(engine: Engine, keys: Keys) {
    this.#engine = engine
    this.#keys = keys
  }

  async claim(key: string, { now, deadline, signal }: LedgerOptions): Promise<boolean> {
    const args = [String(now), String(deadline), endOf(deadline)]
    return (await this.#engine.write(CLAIM, [this.#keys.ledger('claim', key)], args, signal)) === 1
  }

  async put(key: string, value: Uint8Array, { deadline, signal }: LedgerOptions): Promise<void> {
    const name = this.#keys.ledger('value', key)
    const bytes = Buffer.allocUnsafe(8 + value.length)
    bytes.writeDoubleLE(deadline, 0)
    bytes.set(value, 8)
    await this.#engine.writeCommand(name, ['set', name, bytes, 'pxat', endOf(deadline)], signal)
  }

  async take(key: string, { now, signal }: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    const name = this.#keys.ledger('value', key)
    return valueAt(now, (await this.#engine.command(name, ['getdel', name], signal)) as Buffer | null)
  }

  async get(key: string, { now, signal }: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    return this.#engine.get(this.#keys.ledger('value', key), signal, valueAt, now)
  }

  async count(
    key: string,
    { now, window, signal }: CallOptions & { readonly now: number; readonly window: number },
  ): Promise<number> {
    const args = [String(now), String(window), String(KEPT_FOR)]
    return Number(await this.#engine.run(COUNT, [this.#keys.ledger('count', key)], args, signal))
  }
}

const endOf = (deadline: number): string => String(Math.ceil(deadline + KEPT_FOR))

function valueAt(now: number, bytes: Buffer | null): Uint8Array | undefined {
  if (bytes === null || bytes.length < 8 || bytes.readDoubleLE(0) < now) return undefined
  return new Uint8Array(bytes.subarray(8))
}
