import { ConfigError } from '../../core/errors.ts'
import type { CallOptions, Channel } from '../../core/store.ts'
import { messagePayload } from './announcement.ts'
import { type Engine, prepared } from './engine.ts'
import type { Listening } from './listening.ts'

const NOTIFY = prepared('SELECT pg_notify($1, $2)')

/** The channel of `postgresStore`: `NOTIFY`, with the topic inside the message, so that one `LISTEN` serves all topics. */
export class PostgresChannel implements Channel {
  readonly #engine: Engine
  readonly #listening: Listening

  constructor(engine: Engine, listening: Listening) {
    this.#engine = engine
    this.#listening = listening
  }

  async publish(topic: string, message: string, options?: CallOptions): Promise<void> {
    const payload = messagePayload(topic, message)
    if (payload === undefined) throw tooLong()
    await this.#engine.run(NOTIFY, [this.#engine.names.channel, payload], options?.signal)
  }

  subscribe(topic: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.#listening.subscribeTo(topic, listener)
  }
}

const tooLong = () =>
  new ConfigError('postgresStore: a message and its topic must be at most 4 KiB and 1 KiB; PostgreSQL sends no more.', {
    code: 'ERR_ARGUMENT_INVALID',
  })
