/** The servers that sessions are kept in, started for one run, on free ports. What they cost is not counted: they share a core with the load. */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, programPath, Server, temporaryFolder } from '../test/servers/server.ts'

export type Engine = 'redis' | 'postgres' | 'memcached'

/** How to reach them; plain values, for child processes. */
export interface StoreServers {
  readonly redis?: number
  readonly postgres?: { readonly host: string; readonly port: number; readonly user: string; readonly database: string }
  readonly memcached?: number
}

const HOST = '127.0.0.1'

/** Starts those that are needed, with their own defaults unless said. */
export async function startServers(
  engines: ReadonlySet<Engine>,
): Promise<{ readonly servers: StoreServers; readonly stop: () => Promise<void> }> {
  const running: Server[] = []
  const stop = async () => {
    await Promise.all(
      running.map(async (server) => {
        // A PostgreSQL that is killed leaves shared memory and its own children behind.
        await server.end('SIGINT')
        await server.stop()
      }),
    )
  }
  try {
    const redis = engines.has('redis') ? await startRedis() : undefined
    if (redis) running.push(redis)
    const postgres = engines.has('postgres') ? await startPostgres() : undefined
    if (postgres) running.push(postgres)
    const memcached = engines.has('memcached') ? await startMemcached() : undefined
    if (memcached) running.push(memcached)
    return {
      servers: {
        ...(redis && { redis: redis.port }),
        ...(postgres && { postgres: { host: HOST, port: postgres.port, user: 'bench', database: 'postgres' } }),
        ...(memcached && { memcached: memcached.port }),
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** In memory only: how it saves to disk is not what a read costs. */
async function startRedis(): Promise<Server> {
  const [port, folder] = [await freePort(), await temporaryFolder()]
  const args = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', folder]
  return Server.start({ program: 'redis-server', debianPackage: 'redis-server', port, folder, args })
}

async function startMemcached(): Promise<Server> {
  const [port, folder] = [await freePort(), await temporaryFolder()]
  const args = ['-l', HOST, '-p', String(port), '-U', '0', '-m', '256', '-u', 'nobody']
  return Server.start({ program: 'memcached', debianPackage: 'memcached', port, folder, args })
}

async function startPostgres(): Promise<Server> {
  const [port, folder] = [await freePort(), await temporaryFolder()]
  const plan = { debianPackage: 'postgresql', folders: postgresFolders() }
  const owner = unprivilegedUser()
  if (owner) chownSync(folder, owner.uid, owner.gid)
  const data = join(folder, 'data')
  const { status, stderr } = spawnSync(
    programPath({ program: 'initdb', ...plan }),
    ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { cwd: folder, encoding: 'utf8', ...owner },
  )
  if (status !== 0) throw new Error(`initdb failed:\n${stderr}`)
  // Each variant has a process, and each process a pool of ten.
  const args = ['-D', data, '-h', HOST, '-p', String(port), '-k', '', '-c', 'max_connections=300']
  const isReady = async () => {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ host: HOST, port, user: 'bench', database: 'postgres' })
    await client.connect()
    await client.end()
    return true
  }
  return Server.start({ program: 'postgres', ...plan, port, folder, args, isReady, ...(owner && { owner }) })
}

/** PostgreSQL refuses to be root. */
function unprivilegedUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const idOf = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
  return { uid: idOf('-u'), gid: idOf('-g') }
}

function postgresFolders(): string[] {
  const folder = '/usr/lib/postgresql'
  return existsSync(folder) ? readdirSync(folder).map((version) => join(folder, version, 'bin')) : []
}
