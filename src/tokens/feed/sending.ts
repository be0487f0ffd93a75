/**
 * Tells other processes what ended here. One message is on its way at a time, and what ends meanwhile goes into the next: a storm of endings makes messages
 * longer, not more. What cannot be sent now is sent later, as long as this process lives.
 */
import { seconds } from '../../core/duration.ts'
import { isSojournError } from '../../core/errors.ts'
import type { Channel } from '../../core/store.ts'
import type { Ended } from './log.ts'
import { MOST_IN_MESSAGE, messageText, TOPIC } from './messages.ts'

/** More than this are waiting only while the store is away; then the oldest are given up, and the number says that something is missing. */
const MOST_WAITING = 100_000
const PATIENCE = seconds(5)
const FIRST_PAUSE = 250
const LONGEST_PAUSE = seconds(10)

export class Sending {
  readonly sender: string
  readonly #channel: Channel
  readonly #clock: () => number
  #waiting: Ended[] = []
  #number = 0
  #previousAt = 0
  #sending: Promise<void> | undefined
  #isUseless = false
  #pause = FIRST_PAUSE
  #timer: NodeJS.Timeout | undefined

  constructor(sender: string, channel: Channel, clock: () => number) {
    this.sender = sender
    this.#channel = channel
    this.#clock = clock
  }

  add(ended: Ended): void {
    if (this.#isUseless) return
    this.#waiting.push(ended)
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.splice(0, MOST_IN_MESSAGE)
      this.#number++
    }
    this.#schedule(0)
  }

  /** Sends what is left, once more. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#send()
    await this.#sending
    this.#isUseless = true
    clearTimeout(this.#timer)
  }

  #schedule(pause: number): void {
    if (this.#sending !== undefined || this.#timer !== undefined || this.#isUseless) return
    if (pause === 0) {
      this.#sending = this.#send()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#sending = this.#send()
    }, pause).unref()
  }

  async #send(): Promise<void> {
    // After this turn: what ends together is told together.
    await Promise.resolve()
    let pause = 0
    while (this.#waiting.length > 0 && pause === 0) pause = await this.#sendOne()
    this.#sending = undefined
    if (this.#waiting.length > 0) this.#schedule(pause)
  }

  /** @returns How long to wait before the next, in milliseconds. */
  async #sendOne(): Promise<number> {
    const ended = this.#waiting.splice(0, MOST_IN_MESSAGE)
    const message = messageText({ sender: this.sender, number: this.#number + 1, previousAt: this.#previousAt, ended })
    try {
      await this.#channel.publish(TOPIC, message, { signal: AbortSignal.timeout(PATIENCE) })
    } catch (error) {
      // Without a channel there is nobody to tell.
      if (isSojournError(error, 'ERR_STORE_UNSUPPORTED')) {
        this.#isUseless = true
        this.#waiting = []
        return 0
      }
      // It may have arrived all the same; sent again under the same number it is heard twice, which does no harm.
      this.#waiting.unshift(...ended)
      this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE)
      return this.#pause
    }
    this.#number++
    this.#previousAt = this.#clock()
    this.#pause = FIRST_PAUSE
    return 0
  }
}
