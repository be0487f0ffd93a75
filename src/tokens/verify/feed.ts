/**
 * Follows the issuer's feed of what ends, over `fetch`: connects again after whatever happens, sooner at first and never in step with others, and believes no connection that has
 * told nothing for as long as the budget.
 */
import { monotonic } from '../../core/clock.ts'
import { pooledRandom } from '../../core/crypto.ts'
import { seconds } from '../../core/duration.ts'
import { CallFailure } from './calling.ts'
import { Coverage } from './coverage.ts'
import { eventsIn, type StreamEvent } from './event-stream.ts'
import type { VerifierSettings } from './options.ts'
import { jsonObjectIn } from './token-header.ts'

const PAUSE = { first: 100, most: seconds(30) }
/** What the issuer gives. */
const BEAT = { least: 200, most: seconds(30) }

type Settings = Pick<
  VerifierSettings,
  'feed' | 'fetch' | 'timeout' | 'emit' | 'clientSecretHeader' | 'revokedWithin' | 'accessTokenLifetime' | 'clockTolerance'
>

export class FeedClient {
  readonly coverage: Coverage
  readonly #settings: Settings & { readonly feed: string }
  readonly #random = pooledRandom()
  readonly #closing = new AbortController()
  /** Longest silence of a connection that is believed to be one. */
  readonly #budget: number
  #lastEventId = ''
  #failures = 0
  /** Whether this connection was reported. */
  #isTold = false
  #wake: (() => void) | undefined

  constructor(settings: Settings & { readonly feed: string }) {
    this.#settings = settings
    // Who asks about every token has a feed only to refuse sooner.
    this.#budget = settings.revokedWithin === 0 ? seconds(5) : settings.revokedWithin
    this.coverage = new Coverage(settings.accessTokenLifetime + 2 * settings.clockTolerance)
    void this.#follow()
  }

  /** Whether what it says is as new as the budget asks. */
  get isLive(): boolean {
    const { revokedWithin } = this.#settings
    return revokedWithin > 0 && this.coverage.staleness(monotonic()) <= revokedWithin
  }

  close(): void {
    this.#closing.abort()
    this.#wake?.()
  }

  async #follow(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      let reason = 'ended'
      try {
        await this.#connect()
      } catch (error) {
        reason = error instanceof CallFailure ? error.reason : error instanceof RangeError ? 'oversize' : 'network'
      }
      if (this.#closing.signal.aborted) return
      this.#settings.emit({ type: 'feed.lost', reason })
      this.#failures++
      await this.#pause(reason)
    }
  }

  /** Doubles with each failure in a row, and differs by half, so that a hundred services do not come back at the same instant. */
  #pause(reason: string): Promise<void> {
    const isRefused = /^status-4/.test(reason)
    const longest = Math.min(PAUSE.most, (isRefused ? 10 : 1) * PAUSE.first * 2 ** Math.min(this.#failures, 12))
    const share = 0.5 + (0.5 * this.#random(1)[0]!) / 255
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longest * share)
      timer.unref?.()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #connect(): Promise<void> {
    const { feed, fetch: call, timeout, clientSecretHeader } = this.#settings
    const connection = new AbortController()
    const watch = new Watchdog(connection, timeout)
    const stop = () => connection.abort()
    this.#closing.signal.addEventListener('abort', stop, { once: true })
    const sentAt = monotonic()
    this.#isTold = false
    try {
      const url = new URL(feed)
      url.searchParams.set('beat', String(Math.round(Math.min(BEAT.most, Math.max(BEAT.least, this.#budget / 4)))))
      const headers: Record<string, string> = { Accept: 'text/event-stream', Authorization: clientSecretHeader! }
      if (this.#lastEventId !== '') headers['Last-Event-ID'] = this.#lastEventId
      const response = await call(url.href, { headers, redirect: 'error', cache: 'no-store', signal: connection.signal })
      const isStream = /^text\/event-stream\s*(?:;|$)/i.test(response.headers.get('content-type') ?? '')
      if (response.status !== 200 || !isStream || response.body === null) {
        await response.body?.cancel().catch(() => {})
        throw new CallFailure(response.status === 200 ? 'malformed' : `status-${response.status}`)
      }
      for await (const event of eventsIn(response.body)) this.#take(event, sentAt, watch)
    } catch (error) {
      if (watch.hasBarked) throw new CallFailure('silent')
      throw error
    } finally {
      watch.stop()
      connection.abort()
      this.#closing.signal.removeEventListener('abort', stop)
    }
  }

  #take({ event, data, id }: StreamEvent, sentAt: number, watch: Watchdog): void {
    const content = jsonObjectIn(Buffer.from(data))
    if (content === undefined) throw new CallFailure('malformed')
    const { coverage } = this
    const now = monotonic()
    const { emit, revokedWithin } = this.#settings
    switch (event) {
      case 'hello': {
        const beat = instant(content.beat)
        coverage.begin({ now: instant(content.now), since: instant(content.since) }, sentAt, now)
        watch.start(Math.max(this.#budget, 2 * beat + BEAT.least))
        if (revokedWithin > 0 && beat > revokedWithin) emit({ type: 'feed.too-slow', beat, budget: revokedWithin })
        break
      }
      case 'ready':
        coverage.ready()
        break
      case 'session':
        coverage.sessionEnded(text(content.sid), instant(content.at), now)
        break
      case 'token':
        coverage.tokenRevoked(text(content.jti), instant(content.at), now)
        break
      case 'doubt':
        coverage.doubted('session', text(content.sid), instant(content.at), now)
        break
      case 'subject':
        coverage.doubted('subject', text(content.sub), instant(content.at), now)
        break
      case 'gap':
        coverage.gap(instant(content.since))
        emit({ type: 'feed.gapped', since: instant(content.since) })
        break
      case 'beat':
        this.#beat(instant(content.now), now, watch)
        break
      default:
        // A later issuer says more; what it says besides ends nothing that is known here.
        break
    }
    if (id !== '') this.#lastEventId = id
  }

  #beat(at: number, now: number, watch: Watchdog): void {
    this.coverage.beat(at, now)
    watch.pat()
    const { since } = this.coverage
    if (since === undefined) return
    const staleness = this.coverage.staleness(now)
    // Beats come, and are old: something in between holds them back, or a clock was set. A new connection measures anew.
    if (staleness > this.#budget) throw new CallFailure('late')
    this.#failures = 0
    if (this.#isTold) return
    this.#isTold = true
    this.#settings.emit({ type: 'feed.connected', since })
  }
}

/** Ends a connection on which nothing comes. */
class Watchdog {
  readonly #connection: AbortController
  #timer: ReturnType<typeof setTimeout>
  hasBarked = false

  constructor(connection: AbortController, patience: number) {
    this.#connection = connection
    this.#timer = this.#timerOf(patience)
  }

  start(patience: number): void {
    clearTimeout(this.#timer)
    this.#timer = this.#timerOf(patience)
  }

  pat(): void {
    this.#timer.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #timerOf(patience: number): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.hasBarked = true
      this.#connection.abort()
    }, patience)
    timer.unref?.()
    return timer
  }
}

function instant(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new CallFailure('malformed')
}

function text(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 256) return value
  throw new CallFailure('malformed')
}
