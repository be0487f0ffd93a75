import { sha256 } from '../../core/crypto.ts'
import type { CallOptions, Ledger, LedgerOptions } from '../../core/store.ts'
import { answerOf } from '../internal/waiting.ts'
import { unreadable } from './format.ts'
import type { Server } from './server.ts'
import { type Servers, untilFirst } from './servers.ts'

/** A count and its window's end share one 64-bit number, so that counting is one atomic addition, however many count at once. */
const COUNT_BITS = 22n
const COUNT_MASK = (1n << COUNT_BITS) - 1n

/**
 * The ledger of `memcachedStore`. Values and claims are `deadline 8 || value`; a count is a decimal number, as memcached counts.
 * Keys are digests: any key of the contract is a harmless one of memcached's, and says nothing of whom it concerns.
 */
export class MemcachedLedger implements Ledger {
  readonly #servers: Servers
  readonly #prefix: string

  constructor(servers: Servers, prefix: string) {
    this.#servers = servers
    this.#prefix = prefix
  }

  async claim(key: string, { now, deadline, signal }: LedgerOptions): Promise<boolean> {
    const { server, name } = this.#place('c', key)
    const value = encodeEntry(deadline)
    const attempt = async () => {
      if (await server.add(name, value, deadline)) return true
      const item = await server.get(name)
      if (item === undefined) return undefined
      // memcached removes by its own clock, minutes late; what counts is the caller's.
      if (decodeEntry(item.value).deadline >= now) return false
      return (await server.replace(name, value, deadline, item.cas)) && true
    }
    return answerOf('memcached', () => untilFirst(attempt), signal)
  }

  async put(key: string, value: Uint8Array, { deadline, signal }: LedgerOptions): Promise<void> {
    const { server, name } = this.#place('v', key)
    return answerOf('memcached', () => server.put(name, encodeEntry(deadline, value), deadline), signal)
  }

  async take(key: string, { now, signal }: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    const { server, name } = this.#place('v', key)
    const attempt = async () => {
      const item = await server.get(name)
      if (item === undefined) return { value: undefined }
      // Who loses the race looks again: another value may have been put.
      return (await server.remove(name, item.cas)) ? { value: valueAt(item.value, now) } : undefined
    }
    return answerOf('memcached', async () => (await untilFirst(attempt)).value, signal)
  }

  async get(key: string, { now, signal }: CallOptions & { readonly now: number }): Promise<Uint8Array | undefined> {
    const { server, name } = this.#place('v', key)
    const look = async () => {
      const item = await server.get(name)
      return item && valueAt(item.value, now)
    }
    return answerOf('memcached', look, signal)
  }

  async count(key: string, options: CallOptions & { readonly now: number; readonly window: number }): Promise<number> {
    const { now, window, signal } = options
    const { server, name } = this.#place('n', key)
    const attempt = async () => {
      const number = decodeCount(await server.increment(name, encodeCount(now + window, 1), now + window))
      return isWithin(number, now, window) ? number.count : await beginAnew(server, name, now, window)
    }
    return answerOf('memcached', () => untilFirst(attempt), signal)
  }

  #place(kind: string, key: string): { server: Server; name: string } {
    const name = `${this.#prefix}${kind}${sha256(Buffer.from(key)).toString('base64url')}`
    return { server: this.#servers.of(name), name }
  }
}

/** Whether a window runs. None is longer than one from now: a clock that was ahead and came back must not freeze a throttle for as long. */
const isWithin = ({ end }: { end: number }, now: number, window: number): boolean => end > now && end <= now + window

/** Begins a window, or cuts one that is too long; `undefined` if another caller did, and this one is still to be counted. */
async function beginAnew(server: Server, name: string, now: number, window: number): Promise<number | undefined> {
  // Looks, and does not count, as long as others change the number: who counts in between makes others look again.
  const count = await untilFirst(async () => {
    const item = await server.get(name)
    if (item === undefined) return 0
    const number = decodeCount(BigInt(item.value.toString()))
    if (isWithin(number, now, window)) return 0
    const count = number.end > now ? number.count : 1
    const value = Buffer.from(String(encodeCount(now + window, count)))
    return (await server.replace(name, value, now + window, item.cas)) && count
  })
  return count === 0 ? undefined : count
}

/** Room for 4 million counts in one window; who counts more pushes the window's end by a millisecond and begins at none again. */
const encodeCount = (end: number, count: number): bigint => (BigInt(Math.ceil(end)) << COUNT_BITS) | BigInt(count)

const decodeCount = (number: bigint) => ({ end: Number(number >> COUNT_BITS), count: Number(number & COUNT_MASK) })

function encodeEntry(deadline: number, value: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.allocUnsafe(8 + value.length)
  bytes.writeDoubleBE(deadline, 0)
  bytes.set(value, 8)
  return bytes
}

function decodeEntry(bytes: Buffer): { deadline: number; value: Uint8Array } {
  if (bytes.length < 8) throw unreadable('an entry of the ledger')
  return { deadline: bytes.readDoubleBE(0), value: new Uint8Array(bytes.subarray(8)) }
}

function valueAt(bytes: Buffer, now: number): Uint8Array | undefined {
  const { deadline, value } = decodeEntry(bytes)
  return deadline >= now ? value : undefined
}
