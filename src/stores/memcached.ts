import type { Store } from '../core/store.ts'
import { checkClient, invalid, type MemcachedClient } from './memcached/client.ts'
import { Servers } from './memcached/servers.ts'
import { MemcachedStore } from './memcached/store.ts'

export type { MemcachedClient, MemcachedServer } from './memcached/client.ts'

/** Options of `memcachedStore`. */
export interface MemcachedStoreOptions {
  /**
   * What every key begins with. Default `'sjn:'`; at most 100 visible ASCII characters.
   *
   * Two applications on the same servers need different ones: under the same one they would share counts and claims, and each would
   * end the other's sessions of a subject. Whoever can write to the servers can end any session whatever the prefix; nobody can forge
   * one, since tokens are not kept and data is sealed.
   */
  readonly prefix?: string
}

/**
 * Keeps sessions in memcached, for sites that may sign people out when its memory runs short or a server restarts.
 *
 * Use it where memcached is what you run already. Prefer `redisStore` or `postgresStore` if you list or limit a person's sessions, or if
 * a restart must not sign everybody out. What was ended stays ended whatever memcached forgets: losing an item ends sessions, it never
 * brings one back.
 *
 * @param client - A memjs client (1.3), `failover` off. Its servers, timeouts, credentials and `getServer` are used; the store opens
 *   connections of its own, one a server, and closes them in `close`.
 * @param options - See `MemcachedStoreOptions`.
 * @returns A store whose every operation rejects with `ERR_STORE_UNAVAILABLE` while the server concerned is away.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - the client is not one of memjs or has `failover` on, or the prefix is not fit for keys.
 * @example
 * const client = memjs.Client.create('localhost:11211')
 * const sessions = createSessions({ store: memcachedStore(client), keys: process.env.SESSION_KEYS })
 */
export function memcachedStore(client: MemcachedClient, options: MemcachedStoreOptions = {}): Store {
  const { prefix = 'sjn:' } = options
  checkClient(client)
  // Keys have at most 250 bytes, no blanks and no control characters; ours are at most 45 longer than the prefix.
  if (typeof prefix !== 'string' || !/^[\x21-\x7e]{0,100}$/.test(prefix))
    throw invalid('prefix must be at most 100 visible ASCII characters; memcached takes nothing else in a key')
  return new MemcachedStore(new Servers(client), prefix)
}
