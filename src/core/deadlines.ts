/**
 * Deadlines of many calls for the price of a few timers: calls that begin within one short slice share a timer and an `AbortSignal`.
 * A timer and a controller each would cost more than all else core does for a request.
 */
import { monotonic } from './clock.ts'

/** A slice is this part of the timeout: a call is given up that much early at most, never late. */
const SLICES_PER_TIMEOUT = 40

/** Calls that began at about the same time. */
class Slice {
  readonly #controller = new AbortController()
  readonly #waiting = new Set<() => void>()
  readonly #timer: ReturnType<typeof setTimeout>
  readonly signal = this.#controller.signal

  constructor(timeout: number) {
    this.#timer = setTimeout(() => this.#expire(), timeout)
    this.#timer.unref()
  }

  /** Calls back when time is up, unless `leave` was called before. A process stays alive for a call that waits, not for one that is done. */
  join(giveUp: () => void): void {
    if (this.#waiting.size === 0) this.#timer.ref()
    this.#waiting.add(giveUp)
  }

  leave(giveUp: () => void): void {
    this.#waiting.delete(giveUp)
    if (this.#waiting.size === 0) this.#timer.unref()
  }

  #expire(): void {
    if (this.#waiting.size === 0) return
    this.#controller.abort()
    for (const giveUp of this.#waiting) giveUp()
    this.#waiting.clear()
  }
}

/** Runs calls that must answer in time. */
export class Deadlines {
  readonly #timeout: number
  readonly #sliceLength: number
  #slice: Slice | undefined
  #sliceEndsAt = 0

  /** @param timeout - Longest wait, in milliseconds. */
  constructor(timeout: number) {
    this.#timeout = timeout
    this.#sliceLength = Math.max(1, timeout / SLICES_PER_TIMEOUT)
  }

  /**
   * Runs a call until it answers, time is up, or its own caller stops waiting.
   *
   * @param callerSignal - Ends waiting earlier.
   */
  run<T>(call: (signal: AbortSignal) => T | Promise<T>, callerSignal: AbortSignal | undefined): Promise<T> {
    const slice = this.#present()
    return new Promise<T>((resolve, reject) => {
      const giveUp = () => {
        callerSignal?.removeEventListener('abort', giveUp)
        slice.leave(giveUp)
        reject(callerSignal?.aborted ? callerSignal.reason : new Error(`no answer within ${this.#timeout} ms`))
      }
      const done = () => {
        callerSignal?.removeEventListener('abort', giveUp)
        slice.leave(giveUp)
      }
      slice.join(giveUp)
      if (callerSignal?.aborted) return giveUp()
      callerSignal?.addEventListener('abort', giveUp, { once: true })
      const signal = callerSignal === undefined ? slice.signal : AbortSignal.any([callerSignal, slice.signal])
      const fail = (cause: unknown) => {
        done()
        reject(cause)
      }
      try {
        const answer = call(signal)
        if (answer instanceof Promise) {
          answer.then((value) => {
            done()
            resolve(value)
          }, fail)
          return
        }
        done()
        resolve(answer)
      } catch (cause) {
        fail(cause)
      }
    })
  }

  #present(): Slice {
    const now = monotonic()
    if (this.#slice === undefined || now >= this.#sliceEndsAt) {
      this.#slice = new Slice(this.#timeout)
      this.#sliceEndsAt = now + this.#sliceLength
    }
    return this.#slice
  }
}
