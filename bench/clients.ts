/** Clients of the servers that the bench starts, with their own defaults. Loaded where they are used: each costs a process memory. */
import type { StoreServers } from './servers.ts'

const HOST = '127.0.0.1'

export async function connectIoredis({ redis }: StoreServers) {
  const { Redis } = await import('ioredis')
  return new Redis(started(redis, 'Redis'), HOST)
}

export async function connectNodeRedis({ redis }: StoreServers) {
  const { createClient } = await import('redis')
  const client = createClient({ socket: { host: HOST, port: started(redis, 'Redis') } })
  // Without a listener the first lost connection would end the process.
  client.on('error', () => {})
  await client.connect()
  return client
}

export async function connectPostgres({ postgres }: StoreServers) {
  const { default: pg } = await import('pg')
  return new pg.Pool(started(postgres, 'PostgreSQL'))
}

export async function connectMemcached({ memcached }: StoreServers) {
  const { Client } = await import('memjs')
  return Client.create(`${HOST}:${started(memcached, 'memcached')}`)
}

function started<T>(server: T | undefined, name: string): T {
  if (server === undefined) throw new Error(`${name} was not started: the variant does not name it in 'engines'.`)
  return server
}
