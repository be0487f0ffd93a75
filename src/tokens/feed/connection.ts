/** One service that follows the feed: server-sent events, piece by piece, from its place in the log (HTML, 9.2). */
import type { FeedLog } from './log.ts'

export interface Following {
  readonly log: FeedLog
  /** Longest silence, in milliseconds. */
  readonly beat: number
  /** Of the header `Last-Event-ID`. */
  readonly lastEventId: string | undefined
  readonly clock: () => number
  /** See `Source`. */
  readonly settled: () => Promise<number>
  /** Aborts when the client leaves, or the server closes. */
  readonly signal: AbortSignal
  /** Called once, when it is over. */
  readonly over: (connection: Connection) => void
}

/** When a client should come back after the connection is lost, in milliseconds. */
const RETRY = 1000

/**
 * What the service is sent. It ends when the signal aborts, or when the service reads so slowly that the log is ahead of it: it comes back, and is told everything
 * from the start.
 */
export class Connection implements AsyncIterableIterator<string> {
  readonly #following: Following
  #place: number
  #greeting: string | undefined
  #isReady = false
  /** The instant a beat that is due can speak for; `undefined` while none is due. */
  #beatFrom: number | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #wake: () => void = () => {}

  constructor(following: Following) {
    this.#following = following
    const { log, beat, clock, signal } = following
    log.trim()
    this.#place = placeAfter(log, following.lastEventId)
    this.#greeting = `retry: ${RETRY}\n${frame('hello', { now: clock(), since: log.since, beat })}`
    signal.addEventListener('abort', () => this.#end(), { once: true })
    if (signal.aborted) this.#end()
    else this.#expectBeat()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<string>> {
    for (;;) {
      if (this.#isOver) return { done: true, value: undefined }
      const text = this.#due()
      if (text === undefined) this.#end()
      else if (text !== '') return { done: false, value: text }
      else await this.#news()
    }
  }

  async return(): Promise<IteratorResult<string>> {
    this.#end()
    return { done: true, value: undefined }
  }

  /** What is to be sent now; empty when there is nothing, `undefined` when it has fallen behind. */
  #due(): string | undefined {
    const { log } = this.#following
    const greeting = this.#greeting
    this.#greeting = undefined
    if (greeting !== undefined) return greeting
    const piece = log.piece(this.#place)
    if (piece === undefined) return undefined
    this.#place = piece.next
    if (piece.text !== '') return piece.text
    if (!this.#isReady) {
      this.#isReady = true
      return frame('ready', {})
    }
    const now = this.#beatFrom
    if (now === undefined) return ''
    this.#beatFrom = undefined
    this.#expectBeat()
    return frame('beat', { now })
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#following.log.wait(resolve)
    })
  }

  #expectBeat(): void {
    this.#timer = setTimeout(async () => {
      const at = await this.#following.settled()
      if (this.#isOver) return
      this.#beatFrom = at
      this.#wake()
    }, this.#following.beat).unref()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#following.log.leave(this.#wake)
    this.#wake()
    this.#following.over(this)
  }
}

function frame(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** Where it left off, if that was here and is still known; else the beginning. */
function placeAfter(log: FeedLog, lastEventId: string | undefined): number {
  const [nonce, number] = /^([A-Za-z0-9_-]{8,32})-(\d{1,15})$/.exec(lastEventId ?? '')?.slice(1) ?? []
  const place = Number(number) + 1
  return nonce === log.nonce && place >= log.oldest && place <= log.next ? place : log.oldest
}
