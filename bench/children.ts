/** Child processes of the bench: each on a core of its own where the machine has two, spoken to over IPC. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, setPriority } from 'node:os'

/** The measured process runs on core 0, what loads or watches it on core 1, and so do the servers that sessions are kept in. */
export type Core = 0 | 1

const hasTaskset = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

export const pinning = hasTaskset
  ? 'measured process on core 0, load and stores on core 1'
  : 'no pinning (no taskset, or one core)'

/** On a machine that others use too: their work then waits for ours, and for what we start from now on (needs root). */
export function preferChildren(): void {
  setPriority(-20)
}

/** What this process starts from now on runs on this core, unless `startProgram` says otherwise. */
export function stayOn(core: Core): void {
  if (hasTaskset) spawnSync('taskset', ['-p', '-c', String(core), String(process.pid)])
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** Starts a program. Programs still running when the bench ends are ended with it. */
export function startProgram(core: Core, program: string, args: readonly string[], hasIpc: boolean): ChildProcess {
  const pinned = hasTaskset ? ['taskset', '-c', String(core)] : []
  const [command, ...argv] = [...pinned, program, ...args]
  const child = spawn(command!, argv, {
    stdio: ['ignore', 'pipe', 'inherit', ...(hasIpc ? (['ipc'] as const) : [])],
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Starts a TypeScript file of the bench on the Node that runs the bench. */
export function startNode(core: Core, file: string, args: readonly string[], nodeOptions: readonly string[] = []): ChildProcess {
  const options = ['--disable-warning=ExperimentalWarning', '--expose-gc', ...nodeOptions]
  return startProgram(core, process.execPath, [...options, file, ...args], true)
}

/** The next message of a child; rejects if it ends first. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const ending = new AbortController()
  try {
    const message = once(child, 'message', ending)
    const exit = once(child, 'exit', ending).then(([code]) => {
      throw new Error(`A process of the bench ended early with code ${code}.`)
    })
    const [value] = await Promise.race([message, exit])
    return value as T
  } finally {
    ending.abort()
  }
}

export async function ask<T>(child: ChildProcess, question: unknown): Promise<T> {
  const answer = nextMessage<T>(child)
  child.send(question as object)
  return answer
}

/** Asks a child to end and waits for it. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  if (child.connected) child.disconnect()
  else child.kill('SIGINT')
  await exit
}

/** Runs a file of the bench to its end and gives the one message it sends. */
export async function runNode<T>(core: Core, file: string, args: readonly string[], nodeOptions?: readonly string[]): Promise<T> {
  const child = startNode(core, file, args, nodeOptions)
  const result = await nextMessage<T>(child)
  await stop(child)
  return result
}
