import { randomUUID } from 'node:crypto'
import type { ChangeListener, Changes } from '../../core/store.ts'
import { Listeners } from '../internal/listeners.ts'
import { fencePayload, parseAnnouncement } from './announcement.ts'
import type { PostgresConnection } from './client.ts'
import { type Engine, query } from './engine.ts'
import { storeError, toStoreError } from './faults.ts'

/** Longest wait for a connection, for an answer on it, or for our own message to come back, in milliseconds. */
const PATIENCE = 5000
/** How often a silent connection is asked whether it is still there: a firewall may have forgotten it without a word. */
const HEARTBEAT = 10_000
const FIRST_PAUSE = 100
const LONGEST_PAUSE = 10_000

/**
 * The one connection that listens, held while anyone subscribes. A lost one is opened again after growing pauses, and those who
 * watch changes are told of both.
 */
export class Listening implements Changes {
  readonly #engine: Engine
  readonly #open: () => Promise<PostgresConnection>
  readonly #topics = new Listeners()
  readonly #watchers = new Set<ChangeListener>()
  readonly #fences = new Map<string, () => void>()
  #connection: PostgresConnection | undefined
  #connecting: Promise<void> | undefined
  #subscribing = 0
  #isInterrupted = false
  #isClosed = false
  #pause = FIRST_PAUSE
  #reconnectTimer: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(engine: Engine, open: () => Promise<PostgresConnection>) {
    this.#engine = engine
    this.#open = open
  }

  subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    return this.#join(() => {
      // An entry of its own, so that one listener may subscribe twice.
      const entry: ChangeListener = {
        changed: (id) => listener.changed(id),
        subjectRevoked: (subjectKey) => listener.subjectRevoked(subjectKey),
        interrupted: () => listener.interrupted(),
        resumed: () => listener.resumed(),
      }
      this.#watchers.add(entry)
      return () => this.#watchers.delete(entry)
    })
  }

  subscribeTo(topic: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.#join(() => this.#topics.add(topic, listener))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#topics.clear()
    this.#watchers.clear()
    this.#rest()
  }

  async #join(add: () => () => void): Promise<() => Promise<void>> {
    this.#subscribing++
    try {
      await this.#connect()
      // What was announced before does not concern who comes now; and it shows that messages arrive at all.
      await this.#fence()
      const remove = add()
      return async () => {
        remove()
        this.#restIfUnused()
      }
    } catch (cause) {
      throw toStoreError(cause)
    } finally {
      this.#subscribing--
      this.#restIfUnused()
    }
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) throw storeError('ERR_STORE_UNAVAILABLE', 'The session store is closed.')
    if (this.#connection !== undefined) return
    this.#connecting ??= this.#openAndListen().finally(() => {
      this.#connecting = undefined
    })
    await this.#connecting
  }

  async #openAndListen(): Promise<void> {
    const connection = await inTime(this.#open(), discard)
    let isLost = false
    const lose = () => {
      isLost = true
      this.#lose(connection)
    }
    // Whoever holds a connection of `pg` hears of its faults; unheard, they would end the process.
    connection.on('error', lose)
    connection.on('end', lose)
    connection.on('notification', ({ payload }) => this.#hear(payload ?? ''))
    try {
      await inTime(query(connection, { text: `LISTEN ${this.#engine.names.channel}` }, []))
      // The last subscriber may have left meanwhile: then nobody would ever close it.
      if (isLost || !this.#isUsed) throw new Error('the connection was lost at once, or nobody needs it any more')
    } catch (cause) {
      discard(connection)
      throw cause
    }
    this.#connection = connection
    this.#pause = FIRST_PAUSE
    clearTimeout(this.#reconnectTimer)
    this.#heartbeat = setInterval(() => this.#ask(connection), HEARTBEAT).unref()
    if (!this.#isInterrupted) return
    this.#isInterrupted = false
    this.#tell((watcher) => watcher.resumed())
  }

  #ask(connection: PostgresConnection): void {
    inTime(query(connection, { text: 'SELECT 1' }, [])).catch(() => this.#lose(connection))
  }

  #lose(connection: PostgresConnection): void {
    if (this.#connection !== connection) return
    this.#release()
    this.#isInterrupted = true
    this.#tell((watcher) => watcher.interrupted())
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    clearTimeout(this.#reconnectTimer)
    if (!this.#isUsed) return
    this.#reconnectTimer = setTimeout(() => {
      this.#connect().catch(() => this.#reconnectLater())
    }, this.#pause).unref()
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
  }

  #hear(payload: string): void {
    const announcement = parseAnnouncement(payload)
    switch (announcement?.kind) {
      case 'changed':
        this.#tell((watcher) => watcher.changed(announcement.id))
        break
      case 'subject-revoked':
        this.#tell((watcher) => watcher.subjectRevoked(announcement.subjectKey))
        break
      case 'message':
        this.#topics.deliver(announcement.topic, announcement.message)
        break
      case 'fence':
        this.#fences.get(announcement.name)?.()
    }
  }

  async #fence(): Promise<void> {
    const name = randomUUID()
    const { pool, names } = this.#engine
    const arrived = new Promise<void>((resolve) => this.#fences.set(name, resolve))
    try {
      await inTime(query(pool, { text: 'SELECT pg_notify($1, $2)' }, [names.channel, fencePayload(name)]))
      await inTime(arrived)
    } catch (cause) {
      throw storeError('ERR_STORE_UNAVAILABLE', NOTHING_ARRIVES, cause)
    } finally {
      this.#fences.delete(name)
    }
  }

  #tell(about: (watcher: ChangeListener) => void): void {
    for (const watcher of [...this.#watchers]) {
      try {
        about(watcher)
      } catch {
        // A watcher's fault is its own.
      }
    }
  }

  get #isUsed(): boolean {
    return !this.#isClosed && (this.#subscribing > 0 || this.#watchers.size > 0 || !this.#topics.isEmpty)
  }

  #restIfUnused(): void {
    if (!this.#isUsed) this.#rest()
  }

  #rest(): void {
    clearTimeout(this.#reconnectTimer)
    this.#isInterrupted = false
    this.#release()
  }

  #release(): void {
    clearInterval(this.#heartbeat)
    const connection = this.#connection
    this.#connection = undefined
    if (connection !== undefined) discard(connection)
  }
}

const NOTHING_ARRIVES =
  'The session store cannot hear messages: its own did not come back. Behind PgBouncer in transaction mode give `listen` a direct ' +
  'connection; a pool needs one connection more than the one that listens. See docs/stores/postgres.md.'

/** Closes a connection for good: one that has listened must not serve others. */
function discard(connection: PostgresConnection): void {
  if (connection.release !== undefined) connection.release(true)
  // It may be lost already.
  else connection.end?.().catch(() => {})
}

/** Waits a bounded time; what comes later is handed to `tooLate`. */
function inTime<T>(answer: Promise<T>, tooLate: (value: T) => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false
    const timer = setTimeout(() => {
      isOver = true
      reject(new Error(`no answer within ${PATIENCE} ms`))
    }, PATIENCE)
    answer.then(
      (value) => {
        clearTimeout(timer)
        if (isOver) tooLate(value)
        else resolve(value)
      },
      (cause: unknown) => {
        clearTimeout(timer)
        reject(cause)
      },
    )
  })
}
