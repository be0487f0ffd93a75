/**
 * Tells services, as it happens, which sessions and tokens are over, so that they need not ask about every token they are shown. Every process tells the others what
 * ended in it; one that services are connected to follows all of them.
 *
 * It is followed from the first connection on, and for as long after the last one as a token can be good: where nobody listens, nothing is read or kept.
 */
import { minutes } from '../core/duration.ts'
import type { TokenContext } from './context.ts'
import { Connection } from './feed/connection.ts'
import { type Ended, FeedLog } from './feed/log.ts'
import { Sending } from './feed/sending.ts'
import { endedBy, openSource, type Source } from './feed/source.ts'

export interface FollowOptions {
  readonly clientId: string
  /** Longest silence, in milliseconds. */
  readonly beat: number
  readonly lastEventId: string | undefined
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** What has ended, for services. */
export interface Feed {
  /** Reports what no event tells: tokens that were given back. Other processes hear of it, too. */
  tell(ended: Ended): void
  /**
   * Server-sent events for one connection. It counts until the signal aborts or the iteration ends.
   *
   * @returns `undefined` when the client has too many already.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nothing can be followed now. `ERR_STORE_UNSUPPORTED` - the store has no channel.
   */
  follow(options: FollowOptions): Promise<AsyncIterable<string> | undefined>
  /** Ends every connection, and sends what is still to be sent. Safe to call twice. */
  close(): Promise<void>
}

/** Beyond its own lifetime, what a service's clock may give a token. */
const TOLERANCE = minutes(1)
/** About 25 MB at most. 100,000 within six minutes are 280 a second; beyond that, new connections know less of the past. */
const MOST_ENTRIES = 100_000
const MOST_CONNECTIONS = 100

interface Followed {
  readonly log: FeedLog
  readonly source: Source
}

export function createFeed({ service, settings }: TokenContext): Feed {
  const { clock, random, store } = service.config
  const keepFor = settings.accessTokenLifetime + TOLERANCE
  const name = () => Buffer.from(random(9)).toString('base64url')
  const sending = new Sending(name(), store.channel, clock)
  const connections = new Map<Connection, string>()
  let opening: Promise<Followed> | undefined
  let log: FeedLog | undefined
  let rest: NodeJS.Timeout | undefined
  let isClosed = false

  function tell(ended: Ended): void {
    log?.tell(ended)
    sending.add(ended)
  }
  // At once, and whatever else is going on: an end that is missed here is missed everywhere.
  const deaf = service.events.tap((event) => {
    for (const ended of endedBy(event)) tell(ended)
  })

  async function open(): Promise<Followed> {
    const opened = new FeedLog(name(), clock, keepFor, MOST_ENTRIES)
    log = opened
    try {
      const source = await openSource(service, opened, sending.sender)
      opened.begin()
      return { log: opened, source }
    } catch (error) {
      log = undefined
      opening = undefined
      throw error
    }
  }

  async function stop(): Promise<void> {
    const followed = opening
    log = undefined
    opening = undefined
    await followed?.then(({ source }) => source.close()).catch(() => {})
  }

  return {
    tell,
    async follow({ clientId, beat, lastEventId, signal }) {
      opening ??= open()
      const { log: followed, source } = await opening
      if (isClosed || [...connections.values()].filter((id) => id === clientId).length >= MOST_CONNECTIONS) return undefined
      clearTimeout(rest)
      const over = (connection: Connection) => {
        connections.delete(connection)
        if (connections.size > 0 || isClosed) return
        clearTimeout(rest)
        rest = setTimeout(() => void stop(), keepFor).unref()
      }
      const connection = new Connection({ log: followed, beat, lastEventId, signal, clock, settled: source.settled, over })
      if (!signal.aborted) connections.set(connection, clientId)
      return connection
    },
    async close() {
      isClosed = true
      deaf()
      clearTimeout(rest)
      await Promise.all([...connections.keys()].map((connection) => connection.return()))
      await Promise.all([stop(), sending.close()])
    },
  }
}
