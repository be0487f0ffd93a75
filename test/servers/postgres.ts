/** PostgreSQL, its streaming replica and PgBouncer, as Debian installs them. All three refuse to run as root and run as `postgres` then. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chown, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client, Pool, type PoolConfig } from 'pg'
import { freePort, programPath, Server, temporaryFolder } from './server.ts'

const run = promisify(execFile)

/** Settings as in `postgresql.conf`. */
export type PostgresSettings = Readonly<Record<string, string>>

/** Where a PostgreSQL, or a PgBouncer in front of one, takes connections. */
export interface Address {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly user: 'postgres'
  readonly database: 'postgres'
}

/** Speed instead of durability: nothing here outlives the tests. `kill -9` of the server loses nothing all the same. */
const FAST: PostgresSettings = { fsync: 'off', full_page_writes: 'off', shared_buffers: '64MB', max_connections: '100' }

/** What takes connections, and the pools that go with it. */
class Connectable {
  readonly address: Address
  protected readonly server: Server
  readonly #pools = new Set<Pool>()

  constructor(server: Server) {
    this.server = server
    this.address = { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' }
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.address.port}/postgres`
  }

  /** A pool that is ended with the server. */
  pool(config: PoolConfig = {}): Pool {
    const pool = new Pool({ ...this.address, connectionTimeoutMillis: 2000, ...config })
    this.#pools.add(pool)
    return pool
  }

  /** A connected client of its own, for the test to end. */
  async client(): Promise<Client> {
    const client = new Client(this.address)
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async stop(): Promise<void> {
    for (const pool of this.#pools) await pool.end().catch(() => {})
    // PostgreSQL: an immediate shutdown, which removes its shared memory; `kill -9` would leave that behind.
    await this.server.end('SIGQUIT')
    await this.server.stop()
  }
}

/** A PgBouncer in transaction mode. */
export class PgBouncer extends Connectable {}

/** A server that runs, and what tests do to it. */
export class PostgresServer extends Connectable {
  /** Restarts it as an operator would (`pg_ctl restart -m fast`): connections are ended, what was committed stays. */
  async restart(): Promise<void> {
    await this.server.end('SIGINT')
    await this.server.restart()
  }

  /** Ends it without a shutdown, as when the machine's power fails; `restart` then recovers from the log. */
  kill(): Promise<void> {
    return this.server.kill()
  }

  pause(): void {
    this.server.pause()
  }

  resume(): void {
    this.server.resume()
  }
}

/** Starts an empty server; `settings` go over the fast ones. */
export async function startPostgres(settings: PostgresSettings = {}): Promise<PostgresServer> {
  const template = await preparedTemplate()
  const folder = await ownFolder()
  await run('cp', ['-r', template, join(folder, 'data')], owner())
  return startOn(folder, settings)
}

/** Starts a streaming replica that answers reads. */
export async function startReplica(primary: PostgresServer, settings: PostgresSettings = {}): Promise<PostgresServer> {
  const folder = await ownFolder()
  const from = ['-h', '127.0.0.1', '-p', String(primary.address.port), '-U', 'postgres']
  const how = ['-D', join(folder, 'data'), '--write-recovery-conf', '--checkpoint=fast', '--no-sync']
  await run(binary('pg_basebackup'), [...from, ...how], owner())
  return startOn(folder, settings)
}

/** Starts a PgBouncer in front of a server, in transaction mode with few server connections, so that transactions really take turns. */
export async function startPgBouncer(behind: PostgresServer): Promise<PgBouncer> {
  const folder = await ownFolder()
  const port = await freePort()
  const configuration = join(folder, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `postgres = host=127.0.0.1 port=${behind.address.port} user=postgres`,
    '[pgbouncer]',
    `listen_addr = 127.0.0.1\nlisten_port = ${port}\nunix_socket_dir =`,
    'auth_type = any\npool_mode = transaction\ndefault_pool_size = 4\nmax_client_conn = 200',
    'ignore_startup_parameters = extra_float_digits',
  ]
  await writeFile(configuration, `${lines.join('\n')}\n`)
  const plan = { program: 'pgbouncer', debianPackage: 'pgbouncer', port, args: [configuration], folder, ...ownerOption() }
  const server = await Server.start(plan)
  return new PgBouncer(server)
}

/** Holds a replica back, and lets it catch up. */
export function replayOf(primary: PostgresServer, replica: PostgresServer) {
  const ask = async (server: PostgresServer, text: string) => {
    const client = await server.client()
    try {
      return (await client.query({ text, rowMode: 'array' })).rows[0]?.[0]
    } finally {
      await client.end()
    }
  }
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return {
    pause: async () => {
      await ask(replica, 'SELECT pg_wal_replay_pause()')
      await until(async () => (await ask(replica, 'SELECT pg_get_wal_replay_pause_state()')) === 'paused')
    },
    resume: async () => {
      await ask(replica, 'SELECT pg_wal_replay_resume()')
      const position = await ask(primary, 'SELECT pg_current_wal_lsn()')
      await until(() => ask(replica, `SELECT pg_last_wal_replay_lsn() >= '${position}'`))
    },
  }
}

async function startOn(folder: string, settings: PostgresSettings): Promise<PostgresServer> {
  const port = await freePort()
  const own = { ...FAST, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: folder, ...settings }
  const args = ['-D', join(folder, 'data'), ...Object.entries(own).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const isReady = () => answers(port)
  return new PostgresServer(await Server.start({ ...debian('postgres'), port, args, folder, isReady, ...ownerOption() }))
}

async function answers(port: number): Promise<boolean> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', connectionTimeoutMillis: 1000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } finally {
    await client.end()
  }
}

/** `initdb` takes a second, a copy of its result a tenth: made once on a machine, by whoever comes first. */
async function preparedTemplate(): Promise<string> {
  const { uid } = owner() ?? userInfo()
  const template = join(tmpdir(), `sojourn-postgres-template-${uid}`)
  if (existsSync(template)) {
    if ((await stat(template)).uid !== uid) throw new Error(`${template} is somebody else's; remove it.`)
    return template
  }
  const folder = await ownFolder()
  const made = join(folder, 'data')
  const options = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions']
  await run(binary('initdb'), ['-D', made, ...options], owner())
  // Only the first of several gets there; an `initdb` of the same kind serves as well.
  await rename(made, template).catch(() => {})
  await rm(folder, { recursive: true, force: true })
  return template
}

async function ownFolder(): Promise<string> {
  const folder = await temporaryFolder()
  const user = owner()
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  return folder
}

let knownOwner: { readonly uid: number; readonly gid: number } | undefined

/** Whom to run as: `postgres` if we are root, else ourselves. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  knownOwner ??= { uid: idOf('-u'), gid: idOf('-g') }
  return knownOwner
}

const ownerOption = () => {
  const user = owner()
  return user === undefined ? {} : { owner: user }
}

const binary = (program: string) => programPath(debian(program))

function debian(program: string) {
  return { program, debianPackage: 'postgresql', folders: versionFolders() }
}

/** Debian keeps each version's programs in a folder of its own; the newest first. */
function versionFolders(): string[] {
  const parent = '/usr/lib/postgresql'
  if (!existsSync(parent)) return []
  const versions = readdirSync(parent).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(parent, version, 'bin'))
}
