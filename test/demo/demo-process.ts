/** Starts the demo as a person would, in a process of its own, and ends what it started. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')

/** Long enough for a busy machine; a demo that is not open by then has a problem that its output tells. */
const OPENS_WITHIN = 20_000

export interface Demo {
  readonly url: string
  readonly port: number
  readonly process: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** The key of grace's authenticator app, as printed. */
  readonly codeKey: string
  /** The same of root-librarian's. */
  readonly librarianKey: string
  /** Ends it at once, as a power cut ends a process. */
  kill(): Promise<void>
  /** Asks it to close; resolves to its exit code. */
  close(): Promise<number | null>
}

/** A folder that goes when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function runDemo(env: Record<string, string>, args: readonly string[] = []): ChildProcess & { output(): string } {
  // The tests' own environment stays out: a PORT or a SESSION_KEYS of the developer must not change what is tested.
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, ['--conditions=sojourn-source', join(ROOT, 'demo/main.ts'), ...args], {
    cwd: ROOT,
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      printed += text
    })
  }
  return Object.assign(child, { output: () => printed })
}

/** Starts the demo on a free port and waits until it is open. */
export async function startDemo(
  dataFolder: string,
  env: Record<string, string> = {},
  args: readonly string[] = [],
): Promise<Demo> {
  const child = runDemo({ PORT: '0', DEMO_DATA: dataFolder, ...env }, args)
  const ended = once(child, 'exit')
  const [scheme, port] = await new Promise<[string, number]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The demo did not open:\n${child.output()}`)), OPENS_WITHIN)
    child.stdout?.on('data', () => {
      const found = /(https?):\/\/localhost:(\d+)[\s\S]*Close with/.exec(child.output())
      if (found === null) return
      clearTimeout(timer)
      resolve([found[1] ?? '', Number(found[2])])
    })
    child.on('exit', () => {
      clearTimeout(timer)
      reject(new Error(`The demo ended:\n${child.output()}`))
    })
  })
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    await ended
    return child.exitCode
  }
  return {
    // By HTTPS the name, as a person would: it is what the certificate is looked up for.
    url: scheme === 'https' ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    process: child,
    output: child.output,
    librarianKey: /Root-librarian's code key +([A-Z2-7]{32})\b/.exec(child.output())?.[1] ?? '',
    codeKey: /Grace's code key +([A-Z2-7]{32})\b/.exec(child.output())?.[1] ?? '',
    kill: async () => {
      await end('SIGKILL')
    },
    close: () => end('SIGTERM'),
  }
}

/** Starts the demo for one test, on a folder of its own unless given one. */
export async function demoForTest({ folder = temporaryFolder(), env = {}, args = [] as string[] } = {}): Promise<Demo> {
  const demo = await startDemo(folder, env, args)
  onTestFinished(() => demo.kill())
  return demo
}
