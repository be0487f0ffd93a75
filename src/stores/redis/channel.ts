import type { CallOptions, Channel } from '../../core/store.ts'
import { Listeners } from '../internal/listeners.ts'
import { answerOf } from '../internal/waiting.ts'
import type { Engine } from './engine.ts'
import { isUnknownCommand } from './faults.ts'
import { CHANNELS, channelOf, type Keys } from './keys.ts'
import { Subscriber } from './subscriber.ts'

/**
 * The channel of `redisStore`: pub/sub. In a Cluster topics are spread over a few sharded channels, since an ordinary message goes to
 * every node of the Cluster, whether anybody listens there or not.
 */
export class RedisChannel implements Channel {
  readonly #engine: Engine
  readonly #keys: Keys
  readonly #listeners = new Listeners()
  /** One in a Cluster for each part of the topics, else a single one. */
  readonly #subscribers = new Map<number, Subscriber>()
  readonly #counts = new Map<string, number>()
  #isClosed = false

  constructor(engine: Engine, keys: Keys) {
    this.#engine = engine
    this.#keys = keys
  }

  async publish(topic: string, message: string, options?: CallOptions): Promise<void> {
    await publish(this.#engine, this.#keys.topic(topic), message, options?.signal)
  }

  async subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    const name = this.#keys.topic(topic)
    const subscriber = this.#subscriberOf(topic)
    const remove = this.#listeners.add(name, listener)
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    let hasLeft = false
    const leave = async () => {
      if (hasLeft) return
      hasLeft = true
      remove()
      const left = (this.#counts.get(name) ?? 1) - 1
      if (left > 0) this.#counts.set(name, left)
      else {
        this.#counts.delete(name)
        await subscriber.remove(name)
      }
    }
    try {
      await answerOf('Redis', () => subscriber.add(name), undefined)
    } catch (error) {
      await leave()
      throw error
    }
    return leave
  }

  close(): void {
    this.#isClosed = true
    this.#listeners.clear()
    for (const subscriber of this.#subscribers.values()) subscriber.end()
  }

  #subscriberOf(topic: string): Subscriber {
    const part = this.#engine.port.isCluster ? channelOf(topic) % CHANNELS : 0
    const present = this.#subscribers.get(part)
    if (present) return present
    const subscriber = new Subscriber(this.#engine.port, {
      message: (name, message) => this.#listeners.deliver(name, message),
      // A message that is missed costs freshness, never safety.
      interrupted: () => {},
      resumed: () => {},
    })
    if (this.#isClosed) subscriber.end()
    this.#subscribers.set(part, subscriber)
    return subscriber
  }
}

/** Sends a message to everybody who listens to a channel. */
export async function publish(engine: Engine, channel: string, message: string, signal: AbortSignal | undefined): Promise<void> {
  if (!engine.port.isCluster) {
    await engine.command(channel, ['publish', channel, message], signal)
    return
  }
  try {
    await engine.command(channel, ['spublish', channel, message], signal)
  } catch (error) {
    if (!(error instanceof Error) || !isUnknownCommand(error.cause)) throw error
    await engine.command(channel, ['publish', channel, message], signal)
  }
}
