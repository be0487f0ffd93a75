import { Worker } from 'node:worker_threads'
import type { ErrorCode } from '../../core/errors.ts'
import { abortedError } from '../internal/abort.ts'
import type { PurgeJob } from './cleaning.ts'
import { storeError } from './faults.ts'

/** A job for the thread: a purge or, without one, a checkpoint. */
export interface Job {
  readonly number: number
  readonly purge?: PurgeJob
}

/** What became of a job. An error loses its class on the way between threads, so its parts travel. */
export type Answer =
  | { readonly number: number; readonly removed: number; readonly fault?: never }
  | { readonly number: number; readonly fault: { readonly code: ErrorCode; readonly message: string } }

/**
 * Does in a thread of its own what waits for the disk. The thread starts with the first job and does not keep the process
 * alive while it has none.
 */
export class Background {
  readonly #path: string
  readonly #busyTimeout: number
  readonly #waiting = new Map<number, (answer: Answer | undefined) => void>()
  #worker: Worker | undefined
  #isCheckpointing = false
  #isUsable = true
  #number = 0

  constructor(path: string, busyTimeout: number) {
    this.#path = path
    this.#busyTimeout = busyTimeout
  }

  /** False once a thread could not be started or has died; its work is then the caller's own. */
  get isUsable(): boolean {
    return this.#isUsable
  }

  /** `undefined` if the thread could not do it. */
  async purge(job: PurgeJob, signal: AbortSignal | undefined): Promise<number | undefined> {
    const answer = this.#run(job)
    const first = signal ? await Promise.race([answer, aborted(signal)]) : await answer
    if (first?.fault) throw storeError(first.fault.code, first.fault.message)
    return first?.removed
  }

  /** Moves the write-ahead log into the file some time soon. */
  checkpoint(): void {
    if (this.#isCheckpointing || !this.#isUsable) return
    this.#isCheckpointing = true
    void this.#run().then(() => {
      this.#isCheckpointing = false
    })
  }

  async close(): Promise<void> {
    this.#isUsable = false
    const worker = this.#worker
    if (!worker) return
    const isOver = new Promise((resolve) => worker.once('exit', resolve))
    worker.ref()
    worker.postMessage('close')
    await isOver
  }

  #run(purge?: PurgeJob): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const worker = this.#start()
      if (!worker) return resolve(undefined)
      const number = ++this.#number
      this.#waiting.set(number, resolve)
      // Somebody waits for the answer, so the process must live until it comes.
      worker.ref()
      worker.postMessage((purge ? { number, purge } : { number }) satisfies Job)
    })
  }

  #start(): Worker | undefined {
    if (this.#worker || !this.#isUsable) return this.#worker
    try {
      // The same file is TypeScript in the repository and JavaScript in the package.
      const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
      const worker = new Worker(new URL(`./background-thread.${extension}`, import.meta.url), {
        workerData: { path: this.#path, busyTimeout: this.#busyTimeout },
        execArgv: ['--no-warnings'],
        name: 'sojourn-sqlite',
      })
      worker.on('message', (answer: Answer) => this.#settle(answer))
      worker.on('error', () => this.#giveUp())
      worker.on('exit', () => this.#giveUp())
      worker.unref()
      this.#worker = worker
    } catch {
      // No threads here (Node's permission model, say), or the file was left out by a bundler.
      this.#isUsable = false
    }
    return this.#worker
  }

  #settle(answer: Answer): void {
    this.#waiting.get(answer.number)?.(answer)
    this.#waiting.delete(answer.number)
    // Not while it is being closed: whoever waits for that would wait in a process that ends.
    if (this.#waiting.size === 0 && this.#isUsable) this.#worker?.unref()
  }

  #giveUp(): void {
    this.#isUsable = false
    this.#worker = undefined
    for (const resolve of this.#waiting.values()) resolve(undefined)
    this.#waiting.clear()
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(abortedError(signal))
    else signal.addEventListener('abort', () => reject(abortedError(signal)), { once: true })
  })
}
