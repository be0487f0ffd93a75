import type { ChangeListener, Changes } from '../../core/store.ts'
import { answerOf } from '../internal/waiting.ts'
import { publish } from './channel.ts'
import type { Engine } from './engine.ts'
import { CHANNELS, channelOf, type Keys } from './keys.ts'
import { Subscriber } from './subscriber.ts'

const RECORD = 'c'
const SUBJECT = 's'

/**
 * What every process does to records, told to every process that listens. Outside a Cluster the script that changes a record also
 * publishes the message, in the same step. A Cluster's scripts reach one slot only, so there the message follows the write,
 * to one of a few sharded channels: an ordinary message would cost every node some 2 KB, whether anybody listens or not.
 */
export class RedisChanges implements Changes {
  /** The channel scripts publish to; empty where they cannot. */
  readonly scriptChannel: string
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #listeners = new Set<ChangeListener>()
  #subscribers: readonly Subscriber[] = []
  #interrupted = 0
  readonly #isTold: boolean
  #isClosed = false

  /** @param isTold - Without it nothing is told, and there is nothing to listen to. */
  constructor(engine: Engine, keys: Keys, isTold: boolean) {
    this.#engine = engine
    this.#keys = keys
    this.#isTold = isTold
    this.scriptChannel = engine.port.isCluster || !isTold ? '' : keys.changes(0)
  }

  /** Tells of a record, unless the script did. Call it after the write, also when its answer was lost: it may have happened. */
  tellOfRecord(id: string): void {
    this.#tell(RECORD, id)
  }

  tellOfSubject(subjectKey: string): void {
    this.#tell(SUBJECT, subjectKey)
  }

  async subscribe(listener: ChangeListener): Promise<() => Promise<void>> {
    // A wrapper of its own, so that one listener may subscribe twice.
    const entry: ChangeListener = {
      changed: (id) => listener.changed(id),
      subjectRevoked: (subjectKey) => listener.subjectRevoked(subjectKey),
      interrupted: () => listener.interrupted(),
      resumed: () => listener.resumed(),
    }
    this.#listeners.add(entry)
    const leave = async () => {
      if (!this.#listeners.delete(entry) || this.#listeners.size > 0) return
      for (const subscriber of this.#subscribers) subscriber.close()
      this.#interrupted = 0
    }
    try {
      await answerOf('Redis', () => this.#listen(), undefined)
    } catch (error) {
      await leave()
      throw error
    }
    if (this.#interrupted > 0) listener.interrupted()
    return leave
  }

  close(): void {
    this.#isClosed = true
    this.#listeners.clear()
    for (const subscriber of this.#subscribers) subscriber.end()
  }

  async #listen(): Promise<void> {
    if (this.#isClosed) throw new Error('the store is closed')
    if (this.#subscribers.length === 0) {
      const count = this.#engine.port.isCluster ? CHANNELS : 1
      this.#subscribers = Array.from({ length: count }, () => new Subscriber(this.#engine.port, this.#events()))
    }
    await Promise.all(this.#subscribers.map((subscriber, part) => subscriber.add(this.#keys.changes(part))))
  }

  #events() {
    return {
      message: (_channel: string, message: string) => {
        const name = message.slice(1)
        if (message.startsWith(RECORD)) this.#each((listener) => listener.changed(name))
        else this.#each((listener) => listener.subjectRevoked(name))
      },
      interrupted: () => {
        if (this.#interrupted++ > 0) return
        this.#each((listener) => listener.interrupted())
      },
      resumed: () => {
        if (--this.#interrupted > 0) return
        this.#each((listener) => listener.resumed())
      },
    }
  }

  #each(tell: (listener: ChangeListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        tell(listener)
      } catch {
        // A listener's fault is its own, and must not keep the others from hearing.
      }
    }
  }

  #tell(kind: string, name: string): void {
    if (!this.#isTold || this.scriptChannel !== '') return
    // Nobody waits for it, and a message that is lost costs a cache its freshness for one lease.
    publish(this.#engine, this.#keys.changes(channelOf(name)), kind + name, undefined).catch(() => {})
  }
}
