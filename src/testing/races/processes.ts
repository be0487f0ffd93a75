import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer, Request } from './child.ts'

/** How another process opens the store under test. */
export interface StoreWorker {
  /** A module that exports `openStore(): Promise<Store>`; or `Promise<{ store, close }>`, if more than the store is to be closed. */
  readonly module: URL
  /** Environment variables that tell it which data to open. */
  readonly env?: Readonly<Record<string, string>>
  /** How many processes contend, besides the one that runs the tests. Default 4; at least 2. */
  readonly processes?: number
  /** Arguments for Node itself, such as a loader the module needs. Default none. */
  readonly execArgv?: readonly string[]
}

/** A process that is asked one thing at a time. */
export interface Contender {
  ask(request: Request): Promise<unknown>
  /** Ends it at once. */
  end(): void
}

/** Longest time for one request. What takes longer hangs: the contender is ended, and the rule fails. */
const LONGEST_ANSWER = 15_000

/** Started once and kept for the next rule: starting takes longer than most races. They end with this process. */
const idle = new Map<string, Contender[]>()

/** Runs `work` with processes of their own, and keeps them for the next unless one failed. */
export async function withContenders<T>(worker: StoreWorker, work: (contenders: readonly Contender[]) => Promise<T>): Promise<T> {
  const { processes = 4, execArgv = [] } = worker
  const kind = JSON.stringify([worker.module.href, execArgv])
  const present = idle.get(kind) ?? []
  idle.set(kind, present)
  const contenders = Array.from({ length: Math.max(2, processes) }, () => present.pop() ?? start(execArgv))
  try {
    const result = await work(contenders)
    present.push(...contenders)
    return result
  } catch (error) {
    for (const contender of contenders) contender.end()
    throw error
  }
}

function start(execArgv: readonly string[]): Contender {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const file = fileURLToPath(new URL(`child.${extension}`, import.meta.url))
  const child = fork(file, [], { execArgv: [...execArgv], serialization: 'advanced' })
  // A process that cannot start or be reached never answers: `ask` says so.
  child.on('error', () => {})
  rest(child)
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (!child.connected) return reject(new Error('a contending process has ended before the race'))
        wake(child)
        const settle = (end: () => void) => {
          clearTimeout(timer)
          child.off('message', onMessage).off('exit', onExit)
          rest(child)
          end()
        }
        const onMessage = (answer: Answer) =>
          settle(() =>
            'error' in answer ? reject(new Error(`a contending process failed: ${answer.error}`)) : resolve(answer.report),
          )
        const onExit = () => settle(() => reject(new Error('a contending process ended in the middle of a race')))
        const timer = setTimeout(() => {
          settle(() => reject(new Error(`a contending process did not finish within ${LONGEST_ANSWER} ms`)))
        }, LONGEST_ANSWER)
        child.on('message', onMessage).on('exit', onExit)
        child.send(request)
      }),
    end: () => void child.kill('SIGKILL'),
  }
}

/** Lets this process end although the child is there: the child then ends too. */
function rest(child: ChildProcess): void {
  child.unref()
  child.channel?.unref()
}

function wake(child: ChildProcess): void {
  child.ref()
  child.channel?.ref()
}
