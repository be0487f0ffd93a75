import { connect, type Socket } from 'node:net'
import { monotonic } from '../../core/clock.ts'
import { Cork } from '../internal/cork.ts'
import type { MemcachedServer } from './client.ts'
import { type Answer, AnswerReader, encodeRequest, Opcode, type Request, Status } from './protocol.ts'

interface Waiting {
  readonly opcode: number
  readonly opaque: number
  readonly since: number
  readonly resolve: (answer: Answer) => void
  readonly reject: (cause: Error) => void
}

const CLOSED = 'The store was closed.'

/**
 * One connection to one server, opened by the first request and again by the first one after it was lost.
 *
 * Nothing is ever sent twice: whoever asked is told that the answer is missing. When a connection is lost, so is every request
 * that waits on it; a late answer cannot reach a later one, since each connection has its own reader and queue.
 */
export class Connection {
  readonly #server: MemcachedServer
  readonly #timeout: number
  readonly #connectTimeout: number
  #socket: Socket | undefined
  #waiting: Waiting[] = []
  #opaque = 0
  readonly #cork = new Cork()
  #isClosed = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(server: MemcachedServer) {
    this.#server = server
    // memjs's own defaults.
    const { timeout = 0.5, conntimeout = 2 * timeout } = server.options ?? {}
    this.#timeout = timeout * 1000
    this.#connectTimeout = conntimeout * 1000
  }

  /**
   * Sends a request; requests of one turn of the event loop leave in one piece, in their order.
   *
   * @throws {Error} When the server cannot be reached, closes the connection, talks nonsense or is silent for `timeout`.
   */
  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) reject(new Error(CLOSED))
      else this.#send(this.#socket ?? this.#open(), request, resolve, reject)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#fail(new Error(CLOSED))
  }

  #send(socket: Socket, request: Request, resolve: Waiting['resolve'], reject: Waiting['reject']): void {
    this.#opaque = (this.#opaque + 1) >>> 0
    if (this.#waiting.length === 0) socket.ref()
    this.#waiting.push({ opcode: request.opcode, opaque: this.#opaque, since: monotonic(), resolve, reject })
    this.#cork.hold(socket)
    socket.write(encodeRequest(request, this.#opaque))
    if (this.#timer === undefined) this.#watch(this.#timeout)
  }

  #open(): Socket {
    const { host, port, username, password } = this.#server
    const socket = connect({ host, port, noDelay: true, keepAlive: true })
    const reader = new AnswerReader()
    const fail = (cause: Error) => {
      if (socket === this.#socket) this.#fail(cause)
    }
    socket.on('data', (chunk: Buffer) => {
      if (socket !== this.#socket) return
      try {
        for (const answer of reader.read(chunk)) this.#settle(answer)
      } catch (cause) {
        fail(cause as Error)
      }
    })
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('The server closed the connection.')))
    this.#socket = socket
    if (username && password) this.#authenticate(socket, username, password, fail)
    return socket
  }

  /** First on the connection. The server refuses what follows until it has agreed, and it answers in order: no need to wait. */
  #authenticate(socket: Socket, username: string, password: string, fail: (cause: Error) => void): void {
    const request = { opcode: Opcode.authenticate, key: 'PLAIN', value: Buffer.from(`\0${username}\0${password}`) }
    const refused = new Error('The server refused the user name and password.')
    this.#send(socket, request, ({ status }) => status !== Status.ok && fail(refused), fail)
  }

  /** @throws {Error} When it answers anything but the request whose turn it is. */
  #settle(answer: Answer): void {
    const first = this.#waiting[0]
    if (first === undefined || first.opaque !== answer.opaque || first.opcode !== answer.opcode)
      throw new Error('The server answered a request that was not asked.')
    this.#waiting.shift()
    // An idle connection keeps no process alive.
    if (this.#waiting.length === 0) this.#socket?.unref()
    first.resolve(answer)
  }

  /** One timer for all: it looks at the oldest request, and again when that one, or the next, would be late. */
  #watch(delay: number): void {
    // A turn later: a process that was busy itself reads first what came meanwhile.
    this.#timer = setTimeout(() => setImmediate(() => this.#failIfLate()), delay)
    this.#timer.unref()
  }

  #failIfLate(): void {
    this.#timer = undefined
    const oldest = this.#waiting[0]
    if (oldest === undefined) return
    const limit = this.#socket?.connecting ? this.#connectTimeout : this.#timeout
    const left = oldest.since + limit - monotonic()
    if (left > 0) this.#watch(left)
    else this.#fail(new Error(`The server did not answer for ${limit} ms.`))
  }

  #fail(cause: Error): void {
    const socket = this.#socket
    const waiting = this.#waiting
    this.#socket = undefined
    this.#waiting = []
    socket?.destroy()
    for (const { reject } of waiting) reject(cause)
  }
}
