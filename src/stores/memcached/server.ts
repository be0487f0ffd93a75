import { StoreError } from '../../core/errors.ts'
import type { MemcachedServer } from './client.ts'
import { Connection } from './connection.ts'
import { Opcode, Status } from './protocol.ts'

/** A value and the mark that changes with every write of it. */
export interface Item {
  readonly value: Buffer
  readonly cas: Buffer
}

/** How long items outlive what they must: the clocks of machines differ by up to 5 minutes, and memcached judges by its own. */
export const CLOCK_SLACK = 300_000
/** For `deadline`: memcached keeps the item until it needs the room. */
export const NEVER = Number.POSITIVE_INFINITY

const LONGEST_KEY = 250

/**
 * Items of one memcached server. Each operation is one request; what is asked in one turn of the event loop is done in that order.
 * Every write says what it expects to find. The one thing never used is `set` on what must not be lost: a `set` that fails for want of
 * room deletes what was there before, `replace` leaves it alone.
 */
export class Server {
  readonly #connection: Connection

  constructor(server: MemcachedServer) {
    this.#connection = new Connection(server)
  }

  async get(key: string): Promise<Item | undefined> {
    // memcached would close the connection, and keep others from their answers.
    if (Buffer.byteLength(key) > LONGEST_KEY) return undefined
    // With its key in the answer, "not there" included: an answer to anything else can never pass for "there is no session".
    const answer = await this.#connection.ask({ opcode: Opcode.getWithKey, key })
    if (answer.status !== Status.ok && answer.status !== Status.notFound) throw failure(answer.status)
    if (answer.key.toString() !== key) throw new Error('memcached answered for another key.')
    return answer.status === Status.ok ? { value: answer.value, cas: answer.cas } : undefined
  }

  /** Writes if nothing is there; `undefined` if something is. */
  async add(key: string, value: Uint8Array, deadline: number): Promise<Buffer | undefined> {
    const { status, cas } = await this.#connection.ask({ opcode: Opcode.add, key, extras: itemExtras(deadline), value })
    if (status === Status.ok) return cas
    if (status === Status.exists || status === Status.notStored) return undefined
    throw failure(status)
  }

  /** Writes if the item is still as it was read; `undefined` if it is not, or not there. */
  async replace(key: string, value: Uint8Array, deadline: number, expected: Buffer): Promise<Buffer | undefined> {
    const request = { opcode: Opcode.replace, key, cas: expected, extras: itemExtras(deadline), value }
    const { status, cas } = await this.#connection.ask(request)
    if (status === Status.ok) return cas
    if (status === Status.exists || status === Status.notFound || status === Status.notStored) return undefined
    throw failure(status)
  }

  /** Writes whatever is there. */
  async put(key: string, value: Uint8Array, deadline: number): Promise<void> {
    const { status } = await this.#connection.ask({ opcode: Opcode.set, key, extras: itemExtras(deadline), value })
    if (status !== Status.ok) throw failure(status)
  }

  /** Deletes if the item is still as it was read; `false` if it is not, or not there. */
  async remove(key: string, expected: Buffer): Promise<boolean> {
    const { status } = await this.#connection.ask({ opcode: Opcode.delete, key, cas: expected })
    if (status === Status.ok) return true
    if (status === Status.exists || status === Status.notFound) return false
    throw failure(status)
  }

  /** Adds one to a number, or begins with `initial`, which lasts until `deadline`. */
  async increment(key: string, initial: bigint, deadline: number): Promise<bigint> {
    const extras = Buffer.alloc(20)
    extras.writeBigUInt64BE(1n, 0)
    extras.writeBigUInt64BE(initial, 8)
    extras.writeUInt32BE(secondsOf(deadline), 16)
    const { status, value } = await this.#connection.ask({ opcode: Opcode.increment, key, extras })
    if (status !== Status.ok) throw failure(status)
    return value.readBigUInt64BE(0)
  }

  close(): void {
    this.#connection.close()
  }
}

/** Flags, which are not used, and the expiry. */
function itemExtras(deadline: number): Buffer {
  const extras = Buffer.alloc(8)
  extras.writeUInt32BE(secondsOf(deadline), 4)
  return extras
}

/** An instant as memcached takes it: seconds of the epoch, 0 for never, and the largest one not its sign for "do not create". */
function secondsOf(deadline: number): number {
  if (deadline === NEVER) return 0
  return Math.min(Math.max(Math.ceil((deadline + CLOCK_SLACK) / 1000), 1), 0xffff_fffe)
}

function failure(status: number): Error {
  if (status === Status.tooLarge) {
    return new StoreError(
      'The session is larger than memcached takes; nothing was written. Start memcached with a larger item size (-I 4m), or lower maxDataBytes. See docs/stores/memcached.md.',
      { code: 'ERR_DATA_TOO_LARGE', status: 413 },
    )
  }
  if (status === Status.outOfMemory) {
    return new StoreError('memcached has no memory left (-m) and may evict nothing (-M); nothing was written.', {
      code: 'ERR_STORE_FULL',
      status: 503,
    })
  }
  return new Error(`memcached answered with status 0x${status.toString(16).padStart(4, '0')}.`)
}
