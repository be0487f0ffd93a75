/**
 * Calls to a response that wait for its commit. To everybody else the response looks meanwhile as if its headers had left, so that
 * frameworks neither answer twice (expressjs/session#766) nor change headers of an answer already given.
 */
import type { ServerResponse } from './node.ts'

type Replayed = Record<HeldCall['name'], (...args: never[]) => unknown>

interface HeldCall {
  readonly name: 'writeHead' | 'write' | 'end' | 'flushHeaders'
  readonly args: unknown[]
}

/** Names that a response must refuse once its headers count as sent. */
const HEADER_CHANGES = ['setHeader', 'appendHeader', 'removeHeader', 'setHeaders'] as const

/** Holds the calls of one response, from the first that waits to the commit's end. */
export class HeldCalls {
  readonly #response: ServerResponse
  readonly #calls: HeldCall[] = []
  readonly #statusCode: number
  /** Properties of the response as they were, to put back. */
  readonly #covered = new Map<PropertyKey, PropertyDescriptor | undefined>()
  readonly #drainListeners: (() => void)[] = []
  #owesDrain = false
  #isEnded = false

  constructor(response: ServerResponse) {
    this.#response = response
    this.#statusCode = response.statusCode
    this.#cover('headersSent', { get: () => true })
    this.#cover('writableEnded', { get: () => this.#isEnded })
    this.#cover('writableNeedDrain', { get: () => this.#owesDrain })
    for (const name of HEADER_CHANGES) this.#cover(name, { value: refuseHeader })
    this.#listenForDrain()
  }

  add(name: HeldCall['name'], args: unknown[]): void {
    this.#calls.push({ name, args })
    if (name === 'end') this.#isEnded = true
    // `write` answered false: a stream that pipes into this response pauses and waits for 'drain'.
    if (name === 'write') this.#owesDrain = true
  }

  /** Makes the response what it was, as far as it did not change by itself. */
  release(): void {
    for (const [name, descriptor] of this.#covered) {
      if (descriptor === undefined) delete (this.#response as unknown as Record<PropertyKey, unknown>)[name]
      else Object.defineProperty(this.#response, name, descriptor)
    }
    // What the handler set after its answer is not part of it.
    this.#response.statusCode = this.#statusCode
  }

  /** Makes the calls, in order; wakes who was told to wait, unless Node will. */
  replay(target: Replayed): void {
    let isFull = false
    for (const { name, args } of this.#calls) {
      const result = target[name](...(args as never[]))
      if (name === 'write' && result === false) isFull = true
    }
    if (this.#owesDrain && !isFull && !this.#isEnded) this.#drain()
  }

  /** Forgets the calls. Their callbacks learn that nothing was sent. */
  drop(error: unknown): void {
    for (const { args } of this.#calls) {
      const callback = args.find((arg) => typeof arg === 'function')
      if (callback !== undefined) queueMicrotask(() => callback(error))
    }
  }

  /**
   * A compression in front of us takes over `on('drain')` and gives the listener to its own stream, which was never full and never
   * drains. So listeners that come while calls are held are remembered here as well.
   */
  #listenForDrain(): void {
    const response = this.#response
    const { on } = response
    this.#cover('on', {
      value: (type: string, listener: () => void) => {
        if (type === 'drain') this.#drainListeners.push(listener)
        return on.call(response, type, listener)
      },
    })
  }

  #drain(): void {
    const response = this.#response
    const elsewhere = this.#drainListeners.filter((listener) => !response.rawListeners('drain').includes(listener))
    response.emit('drain')
    for (const listener of elsewhere) listener.call(response)
  }

  #cover(name: PropertyKey, descriptor: PropertyDescriptor): void {
    this.#covered.set(name, Object.getOwnPropertyDescriptor(this.#response, name))
    Object.defineProperty(this.#response, name, { ...descriptor, configurable: true })
  }
}

function refuseHeader(): never {
  throw Object.assign(new Error('Cannot set headers after they are sent to the client'), { code: 'ERR_HTTP_HEADERS_SENT' })
}
