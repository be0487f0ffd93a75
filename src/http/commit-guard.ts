/**
 * Commits a Node response before the first byte of its headers leaves, on every path. (express-session stores the session while the
 * redirect is already on its way: expressjs/session#704.)
 *
 * All ways to send headers lead through `writeHead`, `write`, `end` and `flushHeaders`; `pipe`, redirects and error pages call
 * them. So these are replaced on this one response, by functions all responses share: no closure a request. Informational
 * answers (`writeEarlyHints`, `writeContinue`) carry no cookie and pass.
 *
 * In the usual case `commit()` answers at once and the call goes on as it came. Else calls are held and made again later.
 */
import type { HeaderTarget } from './cache-headers.ts'
import type { Exchange } from './exchange.ts'
import { HeldCalls } from './held-calls.ts'
import type { ServerResponse } from './node.ts'
import { dropContentHeaders, type NodeFailures } from './node-error.ts'

/** What the guard needs of an exchange, whatever its session's data. */
export type GuardedExchange = Pick<Exchange<never, never>, 'commit' | 'apply' | 'hasHeaderChanges'> & { readonly http: unknown }

/** A method of the response, called with whatever its caller gave. */
type Method = (this: ServerResponse, ...args: unknown[]) => unknown
interface Methods {
  writeHead: Method
  write: Method
  end: Method
  flushHeaders: Method
}

/**
 * `open`: nothing committed. `waiting`: the commit is on its way and calls are held. `committed`: the next call sets headers.
 * `passing`: calls go through. `refused`: the commit failed and is answered; what the handler still sends goes nowhere.
 */
type Phase = 'open' | 'waiting' | 'committed' | 'passing' | 'refused'

const GUARD = Symbol('sojourn.guard')
type Guarded = ServerResponse & { [GUARD]?: CommitGuard }

/** The guard of a response that has one. */
export function guardOf(response: ServerResponse): CommitGuard | undefined {
  return (response as Guarded)[GUARD]
}

/** Makes sure that nothing of this response leaves before its exchange is committed. */
export function guardResponse(response: ServerResponse, exchange: GuardedExchange, failures: NodeFailures): void {
  const guard = new CommitGuard(response, exchange, failures)
  ;(response as Guarded)[GUARD] = guard
  replace(response, HANDLER_METHODS)
}

function replace(response: ServerResponse, { writeHead, write, end, flushHeaders }: Methods): void {
  const methods = response as unknown as Methods
  methods.writeHead = writeHead
  methods.write = write
  methods.end = end
  methods.flushHeaders = flushHeaders
  // The deprecated other name of writeHead (DEP0063) would go around us.
  if ('writeHeader' in response) response.writeHeader = writeHead
}

/** What the handler calls. */
const HANDLER_METHODS: Methods = {
  writeHead(this: Guarded, status, reason, headers) {
    return this[GUARD]!.writeHead(status, reason, headers)
  },
  write(this: Guarded, chunk, encoding, callback) {
    return this[GUARD]!.write(chunk, encoding, callback)
  },
  end(this: Guarded, chunk, encoding, callback) {
    return this[GUARD]!.end(chunk, encoding, callback)
  },
  flushHeaders(this: Guarded) {
    this[GUARD]!.flushHeaders()
  },
}

/** What an error's answer calls. A handler that still sends, through a compression stream say, holds the others and is not mixed in. */
const ANSWER_METHODS: Methods = {
  writeHead(this: Guarded, status, reason, headers) {
    return this[GUARD]!.original.writeHead.call(this, status, reason, headers)
  },
  write(this: Guarded, chunk, encoding, callback) {
    return this[GUARD]!.original.write.call(this, chunk, encoding, callback)
  },
  end(this: Guarded, chunk, encoding, callback) {
    try {
      return this[GUARD]!.original.end.call(this, chunk, encoding, callback)
    } finally {
      replace(this, HANDLER_METHODS)
    }
  },
  flushHeaders(this: Guarded) {
    this[GUARD]!.original.flushHeaders.call(this)
  },
}

/** One response from its first byte on. */
export class CommitGuard implements HeaderTarget {
  readonly exchanges: GuardedExchange[]
  /** The methods as they were: Node's own, or those of a middleware in front of us, such as compression. */
  readonly original: Methods
  readonly #response: ServerResponse
  readonly #failures: NodeFailures
  #phase: Phase = 'open'
  #held: HeldCalls | undefined

  constructor(response: ServerResponse, exchange: GuardedExchange, failures: NodeFailures) {
    const { writeHead, write, end, flushHeaders } = response as unknown as Methods
    this.original = { writeHead, write, end, flushHeaders }
    this.exchanges = [exchange]
    this.#response = response
    this.#failures = failures
  }

  writeHead(status: unknown, reason: unknown, headers: unknown): unknown {
    const response = this.#response
    if (this.#phase === 'open') this.#commit()
    if (this.#phase === 'committed' && this.exchanges.some((exchange) => exchange.hasHeaderChanges)) {
      const given = typeof reason === 'string' ? headers : (headers ?? reason)
      if (!Array.isArray(given) && response.getHeaderNames().length === 0) return this.#writeHeadOnce(status, reason, given)
      // Headers given here would replace ours: they are set first, as Node does, and ours go on top.
      mergeHeaders(response, given)
      if (!this.#isPassing()) return response
      return this.original.writeHead.call(response, status, typeof reason === 'string' ? reason : undefined)
    }
    if (this.#isPassing()) return this.original.writeHead.call(response, status, reason, headers)
    this.#held?.add('writeHead', [status, reason, headers])
    return response
  }

  write(chunk: unknown, encoding: unknown, callback: unknown): unknown {
    if (this.#isPassing()) return this.original.write.call(this.#response, chunk, encoding, callback)
    return this.#withhold('write', [chunk, encoding, callback], false)
  }

  end(chunk: unknown, encoding: unknown, callback: unknown): unknown {
    if (this.#isPassing()) return this.original.end.call(this.#response, chunk, encoding, callback)
    return this.#withhold('end', [chunk, encoding, callback], this.#response)
  }

  flushHeaders(): void {
    if (this.#isPassing()) this.original.flushHeaders.call(this.#response)
    else this.#held?.add('flushHeaders', [])
  }

  get(name: string): string | undefined {
    const value = this.#response.getHeader(name)
    return Array.isArray(value) ? value.join(', ') : value?.toString()
  }

  set(name: string, value: string): void {
    this.#response.setHeader(name, value)
  }

  setCookies(): readonly string[] {
    const value = this.#response.getHeader('Set-Cookie')
    return Array.isArray(value) ? value : value === undefined ? [] : [String(value)]
  }

  replaceSetCookies(lines: readonly string[]): void {
    this.#response.setHeader('Set-Cookie', lines)
  }

  /** All headers are given at once and none was set before: so are they handed on, ours among them, at a third of the cost of setting each. */
  #writeHeadOnce(status: unknown, reason: unknown, given: unknown): unknown {
    const response = this.#response
    const headers = new GivenHeaders(given)
    this.#apply(headers)
    if ((this.#phase as Phase) !== 'passing') return response
    try {
      // Without an `undefined` between: `on-headers`, below compression, looks for the headers by position.
      return typeof reason === 'string'
        ? this.original.writeHead.call(response, status, reason, headers.all)
        : this.original.writeHead.call(response, status, headers.all)
    } catch (error) {
      // An invalid header of the handler's: nothing was sent, and what it sends instead needs ours again.
      this.#phase = 'committed'
      throw error
    }
  }

  /** Whether a call may go on as it came; commits and sets headers on the way there. */
  #isPassing(): boolean {
    if (this.#phase === 'passing') return true
    if (this.#phase === 'open') this.#commit()
    if (this.#phase === 'committed') this.#apply(this)
    return (this.#phase as Phase) === 'passing'
  }

  #commit(): void {
    const pending: Promise<void>[] = []
    for (const exchange of this.exchanges) {
      const commit = exchange.commit()
      if (commit !== undefined) pending.push(commit)
    }
    if (pending.length === 0) {
      this.#phase = 'committed'
      return
    }
    this.#phase = 'waiting'
    this.#held = new HeldCalls(this.#response)
    Promise.all(pending).then(
      () => this.#resume(),
      (error: unknown) => this.#refuse(error),
    )
  }

  #apply(target: HeaderTarget): void {
    this.#phase = 'passing'
    try {
      for (const exchange of this.exchanges) exchange.apply(target)
    } catch (error) {
      this.#refuse(error)
    }
  }

  #resume(): void {
    const held = this.#held!
    this.#held = undefined
    held.release()
    this.#phase = 'committed'
    try {
      held.replay(this)
    } catch (error) {
      // What Node would have thrown at the handler, a header with a line break say. The handler is long gone.
      this.#refuse(error)
    }
  }

  /** The handler's answer was composed for a state that is not kept: it is dropped, whatever it was, and the error answered. */
  #refuse(error: unknown): void {
    const response = this.#response
    const held = this.#held
    this.#held = undefined
    this.#phase = 'refused'
    held?.release()
    held?.drop(error)
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return
    }
    replace(response, ANSWER_METHODS)
    dropContentHeaders(response)
    response.setHeader('Cache-Control', 'no-store')
    void this.#failures.answer(error, response.req, response)
  }

  #withhold<T>(name: 'write' | 'end', args: unknown[], result: T): T {
    if (this.#held !== undefined) this.#held.add(name, args)
    else callBack(args)
    return result
  }
}

/** Headers handed to `writeHead` as an object, under names in whatever case. */
class GivenHeaders implements HeaderTarget {
  readonly all: Record<string, unknown>

  constructor(given: unknown) {
    this.all = { ...(given as Record<string, unknown> | undefined) }
  }

  get(name: string): string | undefined {
    const values = this.#namesLike(name).flatMap((given) => this.all[given])
    return values.length === 0 ? undefined : values.join(', ')
  }

  set(name: string, value: string): void {
    this.#replace(name, value)
  }

  setCookies(): readonly string[] {
    return this.#namesLike('Set-Cookie')
      .flatMap((given) => this.all[given])
      .map(String)
  }

  replaceSetCookies(lines: readonly string[]): void {
    this.#replace('Set-Cookie', lines)
  }

  #replace(name: string, value: unknown): void {
    for (const given of this.#namesLike(name)) delete this.all[given]
    this.all[name] = value
  }

  #namesLike(name: string): readonly string[] {
    let found = NO_NAMES
    for (const given in this.all) {
      if (given.length !== name.length || given.toLowerCase() !== name.toLowerCase()) continue
      found = [...found, given]
    }
    return found
  }
}

const NO_NAMES: readonly string[] = []

/** A call that goes nowhere still calls back, or whoever waits for it waits for ever. */
function callBack(args: unknown[]): void {
  const callback = args.find((arg) => typeof arg === 'function')
  if (callback !== undefined)
    queueMicrotask(() => callback(new Error('The response was not sent: its session could not be written.')))
}

/** As Node's `writeHead` does it: an object, a flat list of names and values, or a list of pairs. */
function mergeHeaders(response: ServerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return
  const pairs: readonly (readonly [string, string])[] = !Array.isArray(headers)
    ? Object.entries(headers as Record<string, string>)
    : Array.isArray(headers[0])
      ? (headers as [string, string][])
      : Array.from({ length: Math.ceil(headers.length / 2) }, (_, i) => [headers[2 * i], headers[2 * i + 1]] as const)
  if (!Array.isArray(headers)) {
    for (const [name, value] of pairs) response.setHeader(name, value)
    return
  }
  for (const [name] of pairs) response.removeHeader(name)
  for (const [name, value] of pairs) response.appendHeader(name, value)
}
