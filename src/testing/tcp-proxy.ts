import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * What happens to bytes on the way.
 *
 * - `pass`: nothing.
 * - `latency`: each answer is late by `milliseconds`.
 * - `lose-reply`: what was sent arrives, and its reply is lost with the connection, once: then it is `pass`. `after` replies come
 *   through before (default 0), so that an operation of several round trips can be broken at each of them.
 * - `stall`: connections stay open and nothing arrives in either direction, as when the other machine is gone. Leaving this mode
 *   breaks them, as that machine would if it came back.
 * - `cut`: connections break, and new ones are refused.
 */
export type ProxyMode =
  | { readonly kind: 'pass' }
  | { readonly kind: 'latency'; readonly milliseconds: number }
  | { readonly kind: 'lose-reply'; readonly after?: number }
  | { readonly kind: 'stall' }
  | { readonly kind: 'cut' }

/** A network between a client and its server that does what a test asks. */
export interface TcpProxy {
  /** Where clients connect to, on `127.0.0.1`. */
  readonly port: number
  readonly mode: ProxyMode['kind']
  /** How many replies were lost so far. */
  readonly lostReplies: number
  setMode(mode: ProxyMode): void
  /** Breaks every connection once, in whatever mode. */
  breakConnections(): void
  close(): Promise<void>
}

/**
 * Starts a proxy on loopback in front of a real server, whose network a test can then break.
 *
 * Use it to test what a store, or an application, does when its server cannot be reached, hangs, or does what it was asked but the
 * reply is lost. `faultyStore` stands in for the whole store; this lets its client and protocol meet the fault. A reply is what
 * arrives in one piece; a long one may count as several.
 *
 * @param server - Where the server listens; host is `127.0.0.1` unless told otherwise. Never a machine others use: connections break.
 * @returns The proxy, in mode `pass`, once it takes connections.
 * @throws {Error} As `node:net` does when no port can be had.
 * @example
 * const proxy = await tcpProxy({ port: 6379 })
 * const client = new Redis({ port: proxy.port })
 * proxy.setMode({ kind: 'stall' })
 * // ... the application answers 503 within its deadline
 * await proxy.close()
 */
export async function tcpProxy(server: { readonly host?: string; readonly port: number }): Promise<TcpProxy> {
  const proxy = new LoopbackProxy(server)
  await proxy.listen()
  return proxy
}

class LoopbackProxy implements TcpProxy {
  readonly #target: { readonly host?: string; readonly port: number }
  readonly #pairs = new Set<Pair>()
  readonly #listener = createServer((client) => this.#take(client))
  #mode: ProxyMode = { kind: 'pass' }
  #lostReplies = 0
  /** Replies that still come through before one is lost. */
  #left = 0

  constructor(target: { readonly host?: string; readonly port: number }) {
    this.#target = target
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  get mode(): ProxyMode['kind'] {
    return this.#mode.kind
  }

  get lostReplies(): number {
    return this.#lostReplies
  }

  async listen(): Promise<void> {
    this.#listener.listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
  }

  setMode(mode: ProxyMode): void {
    const breaksThem = mode.kind === 'cut' || (this.#mode.kind === 'stall' && mode.kind !== 'stall')
    this.#mode = mode
    this.#left = mode.kind === 'lose-reply' ? (mode.after ?? 0) : 0
    if (breaksThem) this.breakConnections()
  }

  breakConnections(): void {
    for (const pair of [...this.#pairs]) pair.destroy()
  }

  async close(): Promise<void> {
    if (!this.#listener.listening) return
    const closed = once(this.#listener, 'close')
    this.#listener.close()
    this.breakConnections()
    await closed
  }

  #take(client: Socket): void {
    if (this.#mode.kind === 'cut') {
      client.destroy()
      return
    }
    const pair = new Pair(client, connect({ host: '127.0.0.1', ...this.#target }), {
      onSent: (forward) => this.#unlessStalled(forward),
      onReply: (forward) => this.#reply(pair, forward),
      onEnd: (forward) => this.#unlessStalled(forward),
      onGone: () => this.#pairs.delete(pair),
    })
    this.#pairs.add(pair)
  }

  #unlessStalled(forward: () => void): void {
    if (this.#mode.kind !== 'stall') forward()
  }

  #reply(pair: Pair, forward: () => void): void {
    const mode = this.#mode
    if (mode.kind === 'stall') return
    if (mode.kind === 'lose-reply' && this.#left-- <= 0) {
      this.#mode = { kind: 'pass' }
      this.#lostReplies += 1
      pair.destroy()
    } else if (mode.kind === 'latency') setTimeout(() => this.#unlessStalled(forward), mode.milliseconds)
    else forward()
  }
}

interface PairEvents {
  readonly onSent: (forward: () => void) => void
  readonly onReply: (forward: () => void) => void
  /** One side has closed its connection; what it wrote before is on its way. */
  readonly onEnd: (forward: () => void) => void
  readonly onGone: () => void
}

/** A client's connection and the one to the server that goes with it. */
class Pair {
  readonly #client: Socket
  readonly #server: Socket
  readonly #onGone: () => void

  constructor(client: Socket, server: Socket, { onSent, onReply, onEnd, onGone }: PairEvents) {
    this.#client = client
    this.#server = server
    this.#onGone = onGone
    client.on('data', (bytes) => onSent(() => void server.write(bytes)))
    server.on('data', (bytes) => onReply(() => void client.write(bytes)))
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => onEnd(() => other.destroySoon()))
      socket.on('close', () => onEnd(() => other.destroySoon()))
    }
    client.on('close', onGone)
  }

  destroy(): void {
    this.#client.destroy()
    this.#server.destroy()
    this.#onGone()
  }
}
