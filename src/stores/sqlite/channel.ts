import type { StatementSync } from 'node:sqlite'
import type { CallOptions, Channel } from '../../core/store.ts'
import { Listeners } from '../internal/listeners.ts'
import type { Engine } from './engine.ts'
import { fromColumn, toColumn } from './text.ts'

const POLL_INTERVAL = 50
const POLL_BATCH = 200
/** Messages kept for other processes to find; more than this within one poll are lost, as hints may be. */
const KEPT_MESSAGES = 2000

/**
 * The channel of `sqliteStore`: a short table that other processes poll, every 50 ms and only while someone listens. Listeners
 * of the same store handle hear at once.
 */
export class SqliteChannel implements Channel {
  readonly #engine: Engine
  readonly #listeners = new Listeners()
  readonly #insert: StatementSync
  readonly #trim: StatementSync
  readonly #newest: StatementSync
  readonly #after: StatementSync
  #timer: NodeJS.Timeout | undefined
  #seen = 0
  /** Messages of this handle that its listeners have heard already and the next poll must pass over. */
  readonly #own = new Set<number>()

  constructor(engine: Engine) {
    this.#engine = engine
    const { database } = engine
    this.#insert = database.prepare('INSERT INTO messages (topic, message) VALUES (?, ?)')
    // The newest row always stays, so that a sequence number is never given twice.
    this.#trim = database.prepare('DELETE FROM messages WHERE seq <= ?')
    this.#newest = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM messages')
    this.#after = database.prepare(`SELECT seq, topic, message FROM messages WHERE seq > ? ORDER BY seq LIMIT ${POLL_BATCH}`)
  }

  async publish(topic: string, message: string, options?: CallOptions): Promise<void> {
    const seq = await this.#engine.write(() => {
      const inserted = Number(this.#insert.run(toColumn(topic), toColumn(message)).lastInsertRowid)
      this.#trim.run(inserted - KEPT_MESSAGES)
      return inserted
    }, options)
    if (this.#listeners.isEmpty) return
    if (seq > this.#seen) this.#own.add(seq)
    this.#listeners.deliver(topic, message)
  }

  async subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const newest = await this.#engine.read(() => (this.#newest.get() as { seq: number }).seq)
    if (this.#listeners.isEmpty) this.#seen = newest
    const remove = this.#listeners.add(topic, listener)
    this.#timer ??= setInterval(() => this.#poll(), POLL_INTERVAL).unref()
    return async () => {
      remove()
      if (this.#listeners.isEmpty) this.#stop()
    }
  }

  close(): void {
    this.#listeners.clear()
    this.#stop()
  }

  #poll(): void {
    let messages: MessageRow[]
    try {
      messages = this.#after.all(this.#seen) as unknown as MessageRow[]
    } catch {
      // Locked or away for a moment: the next poll finds them, and operations report the outage themselves.
      return
    }
    for (const { seq, topic, message } of messages) {
      this.#seen = seq
      if (!this.#own.delete(seq)) this.#listeners.deliver(fromColumn(topic), fromColumn(message))
    }
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#own.clear()
  }
}

interface MessageRow {
  readonly seq: number
  readonly topic: string | Uint8Array
  readonly message: string | Uint8Array
}
