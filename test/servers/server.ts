/** Real servers for tests: each on a free loopback port with a folder of its own, ended with the process that started it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What to start. */
export interface ServerPlan {
  /** The program's name, looked up in PATH, `/usr/sbin` and `folders`. */
  readonly program: string
  /** Debian's package, for the sentence that says what to do when it is missing. */
  readonly debianPackage: string
  /** Where else the program may be. */
  readonly folders?: readonly string[]
  readonly port: number
  readonly args: readonly string[]
  /** Folder of its data, removed when it is stopped; made by `temporaryFolder`. */
  readonly folder: string
  /** User and group to run as, for servers that refuse to be root. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** Resolves once it answers. Default: it takes connections. */
  readonly isReady?: () => Promise<boolean>
}

/** A server that runs, and what tests do to it. */
export class Server {
  readonly port: number
  readonly #plan: ServerPlan
  #child: ChildProcess | undefined
  #output = ''

  private constructor(plan: ServerPlan) {
    this.#plan = plan
    this.port = plan.port
  }

  static async start(plan: ServerPlan): Promise<Server> {
    const server = new Server(plan)
    await server.restart()
    return server
  }

  /** Starts it again on the same port and folder; stops it first if it runs. */
  async restart(): Promise<void> {
    await this.end('SIGTERM')
    const { args, owner, folder } = this.#plan
    const child = spawn(programPath(this.#plan), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...owner })
    this.#child = child
    running.add(this)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output = (this.#output + String(chunk)).slice(-4000)
      })
    }
    const isReady = this.#plan.isReady ?? (() => takesConnections(this.port))
    const giveUpAt = Date.now() + 20_000
    while (!(await isReady().catch(() => false))) {
      if (child.exitCode !== null || Date.now() > giveUpAt)
        throw new Error(`${this.#plan.program} did not start:\n${this.#output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Ends it at once, as a crash would: nothing is flushed, no connection is closed politely. */
  kill(): Promise<void> {
    return this.end('SIGKILL')
  }

  /** Freezes it: connections stay open and nothing is answered, as across a partition. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Ends it for good and removes its data. */
  async stop(): Promise<void> {
    running.delete(this)
    await this.end('SIGKILL')
    await rm(this.#plan.folder, { recursive: true, force: true })
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await exited
  }

  /** For a process that ends without having stopped its servers. */
  endNow(): void {
    this.#child?.kill('SIGKILL')
  }
}

const running = new Set<Server>()
process.on('exit', () => {
  for (const server of running) server.endNow()
})

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'sojourn-server-'))

/** A loopback port that nobody has at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

export function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

export function programPath({
  program,
  debianPackage,
  folders = [],
}: Pick<ServerPlan, 'program' | 'debianPackage' | 'folders'>): string {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...folders]) {
    const path = join(folder, program)
    if (folder !== '' && existsSync(path)) return path
  }
  throw new Error(`${program} is needed: install it (Debian: \`sudo apt-get install ${debianPackage}\`), then run this again.`)
}
