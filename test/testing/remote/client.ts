/** A client of `serve.ts`, and the ways in which it can be wrong. */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type ErrorCode, StoreError } from 'sojourn'
import type { CallOptions, Store, StoreCapabilities } from '../../../src/core/store.ts'
import { fromLine, type Reply, toLine } from './serve.ts'

/** What a careless client does. */
export interface Carelessness {
  /** It waits for its server whatever its caller says. */
  readonly hangs?: boolean
  /** A fault is passed off as "there is none". */
  readonly faultsAreAbsence?: boolean
  /** It gives each answer to whoever has waited longest, and forgets callers who left. */
  readonly answersInOrder?: boolean
  /** It throws what its socket throws. */
  readonly throwsAnything?: boolean
  /** It never connects again. */
  readonly neverReconnects?: boolean
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

class Client {
  readonly #port: number
  readonly #careless: Carelessness
  readonly #waiting = new Map<number, Waiting>()
  #socket: Socket | undefined
  #number = 0
  #hasConnected = false

  constructor(port: number, careless: Carelessness) {
    this.#port = port
    this.#careless = careless
  }

  /** Sends the arguments but the signal, which stays here. */
  call(operation: string, given: readonly unknown[]): Promise<unknown> {
    const { signal } = (given.at(-1) as CallOptions | undefined) ?? {}
    const { hangs, faultsAreAbsence } = this.#careless
    const answer = new Promise<unknown>((resolve, reject) => {
      if (signal?.aborted) throw unavailable()
      const number = ++this.#number
      this.#waiting.set(number, { resolve, reject })
      if (!hangs) signal?.addEventListener('abort', () => this.#leave(number), { once: true })
      this.#connected().write(toLine({ number, operation, given: given.map(withoutSignal) }))
    })
    return faultsAreAbsence && operation === 'read' ? answer.catch(() => undefined) : answer
  }

  close(): void {
    this.#socket?.destroy()
  }

  #leave(number: number): void {
    this.#waiting.get(number)?.reject(unavailable())
    this.#waiting.delete(number)
  }

  #connected(): Socket {
    if (this.#socket && !this.#socket.destroyed) return this.#socket
    if (this.#hasConnected && this.#careless.neverReconnects) throw unavailable()
    this.#hasConnected = true
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    const lines = createInterface(socket)
    lines.on('error', () => {}).on('line', (line) => this.#take(fromLine(line)))
    socket.on('error', () => {})
    socket.on('close', () => this.#failAll())
    return socket
  }

  #take(reply: Reply): void {
    const [first] = this.#waiting.keys()
    const number = this.#careless.answersInOrder ? first! : reply.number
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if ('value' in reply) waiting?.resolve(reply.value)
    else waiting?.reject(unavailable(reply.code as ErrorCode))
  }

  #failAll(): void {
    for (const { reject } of this.#waiting.values())
      reject(this.#careless.throwsAnything ? new Error('ECONNRESET') : unavailable())
    this.#waiting.clear()
  }
}

/** The store that is served on `port`, as a client sees it. */
export function remoteStore(port: number, capabilities: StoreCapabilities, careless: Carelessness = {}): Store {
  const client = new Client(port, careless)
  const operation =
    (name: string) =>
    (...given: unknown[]) =>
      client.call(name, given) as Promise<never>
  const unsupported = async () => {
    throw unavailable('ERR_STORE_UNSUPPORTED')
  }
  return {
    name: 'remote',
    capabilities: { ...capabilities, isLocal: false },
    create: operation('create'),
    read: operation('read'),
    update: operation('update'),
    revoke: operation('revoke'),
    revokeSubject: operation('revokeSubject'),
    list: operation('list'),
    purge: operation('purge'),
    ledger: {
      claim: operation('ledger.claim'),
      put: operation('ledger.put'),
      take: operation('ledger.take'),
      get: operation('ledger.get'),
      count: operation('ledger.count'),
    },
    channel: { publish: unsupported, subscribe: unsupported },
    close: async () => client.close(),
  }
}

const withoutSignal = (value: unknown) =>
  typeof value === 'object' && value !== null && 'signal' in value ? { ...value, signal: undefined } : value

const unavailable = (code: ErrorCode = 'ERR_STORE_UNAVAILABLE') =>
  new StoreError('The remote store failed.', { code, status: 503 })
