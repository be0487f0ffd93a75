import { randomInt } from 'node:crypto'
import { abortedError } from '../internal/abort.ts'
import { isSlotMoving, isUnknownScript, notReplicated, toStoreError } from './faults.ts'
import type { Argument, Port, Reply } from './port.ts'
import type { Script } from './scripts.ts'

/**
 * How often something is sent again while its slot moves, some five seconds in all, unless its caller leaves before; and the longest pause
 * between two attempts, in milliseconds.
 */
const MOST_ATTEMPTS = 200
const LONGEST_PAUSE = 50

/** Sends commands, with what every operation needs: an end to waiting, typed errors, unknown scripts, slots that move, replicas. */
export class Engine {
  readonly port: Port
  readonly #wanted: number
  readonly #patience = new Patience()

  /** @param replicas - How many must have a write. */
  constructor(port: Port, replicas: number) {
    this.port = port
    this.#wanted = replicas
  }

  /**
   * Reads one key and makes something of it.
   *
   * Every request does this, so it has few promises and closures. `decode` is given `what` to need no closure of its own.
   */
  get<T, What>(
    key: string,
    signal: AbortSignal | undefined,
    decode: (what: What, bytes: Buffer | null) => T,
    what: What,
  ): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    return new Promise<T>((resolve, reject) => {
      const waiting = signal && this.#patience.waitingFor(signal)
      waiting?.add(reject)
      this.port.get(key).then(
        (bytes) => {
          waiting?.delete(reject)
          try {
            resolve(decode(what, bytes))
          } catch (error) {
            reject(error)
          }
        },
        (error) => {
          waiting?.delete(reject)
          if (!isSlotMoving(error)) reject(toStoreError(error))
          else resolve(this.#answer(() => this.port.get(key), signal).then((bytes) => decode(what, bytes)))
        },
      )
    })
  }

  /** Sends one command that no script is needed for. */
  command(key: string, command: readonly Argument[], signal: AbortSignal | undefined): Promise<Reply> {
    return this.#answer(() => this.port.send(key, command), signal)
  }

  /** Runs a script that need not reach replicas before it is acknowledged. */
  run(script: Script, keys: readonly string[], args: readonly Argument[], signal: AbortSignal | undefined): Promise<Reply> {
    return this.#answer(() => sendScript(script, keys, args, (command) => this.port.send(keys[0]!, command)), signal)
  }

  /**
   * Runs a script whose effect must not be lost: with `replicas`, it is acknowledged once they have it.
   *
   * @param attempts - How often it is sent at most while its slot moves.
   */
  write(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    signal: AbortSignal | undefined,
    attempts?: number,
  ): Promise<Reply> {
    return this.#answer(() => sendScript(script, keys, args, (command) => this.#send(keys[0]!, command)), signal, attempts)
  }

  /** The same for a plain command. */
  writeCommand(key: string, command: readonly Argument[], signal: AbortSignal | undefined): Promise<Reply> {
    return this.#answer(() => this.#send(key, command), signal)
  }

  async #send(key: string, command: readonly Argument[]): Promise<Reply> {
    if (this.#wanted === 0) return this.port.send(key, command)
    const { reply, replicas } = await this.port.sendAndWait(key, command)
    if (replicas < this.#wanted) throw notReplicated(replicas, this.#wanted)
    return reply
  }

  #answer<T>(work: () => Promise<T>, signal: AbortSignal | undefined, attempts?: number): Promise<T> {
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    return this.#patience.waitFor(untilSettled(work, signal, attempts), signal)
  }
}

/** Does something again as long as the keys it needs are moving. */
async function untilSettled<T>(work: () => Promise<T>, signal: AbortSignal | undefined, attempts = MOST_ATTEMPTS): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isSlotMoving(error) || attempt >= attempts || signal?.aborted) throw error
      await pause(1 + randomInt(Math.min(LONGEST_PAUSE, 2 ** attempt)))
    }
  }
}

async function sendScript(
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
  send: (command: readonly Argument[]) => Promise<Reply>,
): Promise<Reply> {
  const parameters = [String(keys.length), ...keys, ...args]
  try {
    return await send(['evalsha', script.sha, ...parameters])
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return send(['eval', script.text, ...parameters])
  }
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

/**
 * Waits for answers until callers stop waiting. Calls made within the same moment share a signal (`core/deadlines.ts`), so there is
 * one listener for all calls of the latest signal: adding and removing one each would cost more than the rest of a read.
 */
class Patience {
  #signal: AbortSignal | undefined
  #waiting = new Set<(reason: unknown) => void>()

  waitFor<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting = signal && this.waitingFor(signal)
      waiting?.add(reject)
      answer.then(
        (value) => {
          waiting?.delete(reject)
          resolve(value)
        },
        (error) => {
          waiting?.delete(reject)
          reject(toStoreError(error))
        },
      )
    })
  }

  /** The rejections of those who wait as long as a signal does. Whoever has an answer leaves. */
  waitingFor(signal: AbortSignal): Set<(reason: unknown) => void> {
    if (this.#signal === signal) return this.#waiting
    const waiting = new Set<(reason: unknown) => void>()
    this.#signal = signal
    this.#waiting = waiting
    const giveUp = () => {
      for (const reject of waiting) reject(abortedError(signal))
    }
    signal.addEventListener('abort', giveUp, { once: true })
    return waiting
  }
}
