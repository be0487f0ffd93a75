import { StoreError } from '../../core/errors.ts'
import type { MemcachedClient } from './client.ts'
import { Server } from './server.ts'

/** The servers of a memjs client, and which one has what: as the client itself would choose. */
export class Servers {
  readonly #client: MemcachedClient
  readonly #servers: readonly Server[]

  constructor(client: MemcachedClient) {
    this.#client = client
    this.#servers = client.servers.map((server) => new Server(server))
  }

  /** The server that has a key. */
  of(key: string): Server {
    const index = this.#servers.length === 1 ? 0 : Number(this.#client.getServer(key))
    const server = this.#servers[index]
    if (server !== undefined) return server
    throw new StoreError(`The memjs client's getServer gives ${index}, and there are ${this.#servers.length} servers.`, {
      code: 'ERR_STORE_UNAVAILABLE',
      status: 503,
    })
  }

  close(): void {
    for (const server of this.#servers) server.close()
  }
}

/** Every lost race means that another writer won one; nobody loses this often unless something is badly wrong. */
const MOST_ATTEMPTS = 200

/** Tries until an attempt gives anything but `undefined`, which says that another writer was first. */
export async function untilFirst<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
    const result = await attempt()
    if (result !== undefined) return result
  }
  throw new StoreError(`Another writer was first ${MOST_ATTEMPTS} times in a row; nothing was written.`, {
    code: 'ERR_STORE_CONTENDED',
    status: 503,
  })
}
