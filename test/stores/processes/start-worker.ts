import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Call } from './worker.ts'

interface Answer {
  readonly number: number
  readonly value?: unknown
  readonly error?: string
}

/** Another process with a store of its own on the same file. */
export interface Worker {
  /** Does a piece of work of `worker.ts` by its name. */
  run(work: string, count?: number): Promise<unknown>
  /** Waits for a word the worker says by itself. */
  hears(word: string): Promise<void>
  stop(): Promise<void>
}

export async function startWorker(path: string): Promise<Worker> {
  const file = fileURLToPath(new URL('worker.ts', import.meta.url))
  const child = fork(file, [path], { execArgv: ['--conditions=sojourn-source', '--no-warnings'], serialization: 'advanced' })
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const waiting = new Map<string, () => void>()
  child.on('message', (message: string | Answer) => {
    if (typeof message === 'string') {
      waiting.get(message)?.()
      return
    }
    const call = pending.get(message.number)
    if (message.error === undefined) call?.resolve(message.value)
    else call?.reject(new Error(message.error))
  })
  child.on('exit', () => {
    for (const { reject } of pending.values()) reject(new Error('the worker has ended'))
  })
  const hears = (word: string) => new Promise<void>((resolve) => waiting.set(word, resolve))
  await Promise.race([
    hears('ready'),
    once(child, 'exit').then(() => {
      throw new Error('the worker could not start')
    }),
  ])

  let number = 0
  return {
    hears,
    run: (work, count = 1) =>
      new Promise((resolve, reject) => {
        number += 1
        pending.set(number, { resolve, reject })
        child.send({ number, work, count } satisfies Call)
      }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill()
      await once(child, 'exit')
    },
  }
}
