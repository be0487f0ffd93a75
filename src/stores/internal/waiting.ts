import { SojournError, StoreError } from '../../core/errors.ts'
import { abortedError, throwIfAborted } from './abort.ts'

/**
 * Waits for an engine's answer until it comes or the caller stops waiting. What was asked may still happen.
 *
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the engine failed, or `signal` aborted. Errors that are typed already pass through.
 */
export async function answerOf<T>(engine: string, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  throwIfAborted(signal)
  try {
    return signal === undefined ? await work() : await unlessAborted(work(), signal)
  } catch (cause) {
    throw cause instanceof SojournError ? cause : unavailable(engine, cause)
  }
}

/** What an engine's own error becomes. Its message stays in `cause`: it may quote what was sent. */
export function unavailable(engine: string, cause: unknown): StoreError {
  return new StoreError(`${engine} failed or did not answer. Whether anybody is signed in is not known.`, {
    code: 'ERR_STORE_UNAVAILABLE',
    status: 503,
    cause,
  })
}

/** Who waits under which signal. Core gives many calls the same one, and a listener each costs more than a place in a set. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>()

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  const others = waitingUnder(signal)
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(abortedError(signal))
    others.add(giveUp)
    answer.then(
      (value) => {
        others.delete(giveUp)
        resolve(value)
      },
      (cause: unknown) => {
        others.delete(giveUp)
        reject(cause)
      },
    )
  })
}

function waitingUnder(signal: AbortSignal): Set<() => void> {
  const present = waiting.get(signal)
  if (present !== undefined) return present
  const all = new Set<() => void>()
  waiting.set(signal, all)
  const giveUpAll = () => {
    for (const giveUp of all) giveUp()
    all.clear()
  }
  signal.addEventListener('abort', giveUpAll, { once: true })
  return all
}
