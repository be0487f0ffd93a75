import { isUnknownCommand } from './faults.ts'
import type { Connection, Port } from './port.ts'

/** How often a listening connection is asked whether it is alive, and how soon it must answer, in milliseconds. */
const HEARTBEAT = 1000
/** How soon a connection must be open and listen, in milliseconds. */
const LONGEST_OPENING = 3000
/** How often a first connection is tried when a server takes it and says nothing: a Cluster is asked at another node each time. */
const ATTEMPTS = 3
/** Pauses before a lost connection is opened again, in milliseconds. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 1000

/** What is told of the connection. */
export interface SubscriberListener {
  message(channel: string, message: string): void
  interrupted(): void
  resumed(): void
}

/**
 * Listens to channels over a connection of its own, opens another when that one is lost, and says so. A connection that is open but
 * silent (a server that hangs, a cable that was cut) is found by asking it every second. All channels of one subscriber are in one slot.
 */
export class Subscriber {
  readonly #port: Port
  readonly #listener: SubscriberListener
  readonly #channels = new Set<string>()
  #connection: Connection | undefined
  #opening: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSharded: boolean
  #isInterrupted = false
  #isClosed = false

  constructor(port: Port, listener: SubscriberListener) {
    this.#port = port
    this.#listener = listener
    this.#isSharded = port.isCluster
  }

  get isIdle(): boolean {
    return this.#channels.size === 0
  }

  /** Resolves once messages of the channel arrive. */
  async add(channel: string): Promise<void> {
    if (this.#isClosed) throw new Error('the store is closed')
    this.#channels.add(channel)
    try {
      if (!this.#connection) await this.#openPatiently()
      // Again, if it was opened for this channel: it may have been opened for another a moment before.
      await this.#connection?.subscribe(channel)
    } catch (error) {
      if (!this.#isInterrupted) this.#channels.delete(channel)
      throw error
    }
  }

  async remove(channel: string): Promise<void> {
    if (!this.#channels.delete(channel)) return
    if (this.isIdle) this.close()
    else await this.#connection?.unsubscribe(channel).catch(() => {})
  }

  /** Stops listening; `add` begins anew. */
  close(): void {
    clearTimeout(this.#timer)
    this.#channels.clear()
    this.#connection?.close()
    this.#connection = undefined
    this.#isInterrupted = false
  }

  /** Stops listening for good. */
  end(): void {
    this.#isClosed = true
    this.close()
  }

  async #openPatiently(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#openOnce()
      } catch (error) {
        if (!(error instanceof Silence) || attempt === ATTEMPTS || this.isIdle) throw error
      }
    }
  }

  #openOnce(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<void> {
    try {
      const [first, ...others] = this.#channels
      if (first === undefined || this.#connection) return
      const connection = await this.#listen(first)
      try {
        for (const channel of others) await connection.subscribe(channel)
      } catch (error) {
        connection.close()
        throw error
      }
      // Left meanwhile.
      if (this.isIdle) return connection.close()
      this.#connection = connection
      this.#beat(connection)
      if (!this.#isInterrupted) return
      this.#isInterrupted = false
      this.#listener.resumed()
    } finally {
      this.#opening = undefined
    }
  }

  async #listen(channel: string): Promise<Connection> {
    let connection: Connection | undefined
    let isLost = false
    const listener = {
      message: (name: string, message: string) => this.#listener.message(name, message),
      lost: () => {
        isLost = true
        if (connection) this.#lost(connection)
      },
    }
    try {
      connection = await inTime(this.#port.listen(channel, this.#isSharded, listener))
    } catch (error) {
      if (!this.#isSharded || !isUnknownCommand(error)) throw error
      this.#isSharded = false
      connection = await inTime(this.#port.listen(channel, false, listener))
    }
    if (isLost) throw new Error('the connection was lost')
    return connection
  }

  #lost(connection: Connection): void {
    if (this.#connection !== connection) return
    clearTimeout(this.#timer)
    this.#connection = undefined
    connection.close()
    this.#isInterrupted = true
    this.#listener.interrupted()
    this.#reopen(FIRST_PAUSE)
  }

  #reopen(pause: number): void {
    this.#timer = setTimeout(() => {
      this.#openOnce().catch(() => {
        if (!this.isIdle) this.#reopen(Math.min(2 * pause, LONGEST_PAUSE))
      })
    }, pause)
    this.#timer.unref()
  }

  #beat(connection: Connection): void {
    this.#timer = setTimeout(() => {
      const impatience = setTimeout(() => this.#lost(connection), HEARTBEAT)
      impatience.unref()
      connection.ping().then(
        () => {
          clearTimeout(impatience)
          if (this.#connection === connection) this.#beat(connection)
        },
        () => {
          clearTimeout(impatience)
          this.#lost(connection)
        },
      )
    }, HEARTBEAT)
    this.#timer.unref()
  }
}

class Silence extends Error {
  constructor() {
    super(`no answer within ${LONGEST_OPENING} ms`)
  }
}

/** Gives up waiting for a server that takes the connection and then says nothing. */
async function inTime(opening: Promise<Connection>): Promise<Connection> {
  let giveUp: ReturnType<typeof setTimeout> | undefined
  const isLate = new Promise<never>((_resolve, reject) => {
    giveUp = setTimeout(() => reject(new Silence()), LONGEST_OPENING)
  })
  try {
    return await Promise.race([opening, isLate])
  } catch (error) {
    opening.then((connection) => connection.close()).catch(() => {})
    throw error
  } finally {
    clearTimeout(giveUp)
  }
}
