import { ConfigError } from '../../core/errors.ts'

/**
 * What the store takes from a memjs client: where the servers are, how long to wait, and which server has a key.
 *
 * It talks to them over connections of its own. memjs 1.3.2 sends no compare-and-set, and its connections cannot be trusted with
 * sessions: a server that closes one leaves its callers waiting for ever, one cut off within an answer garbles all later ones, and
 * whatever fails is sent again, although it may have happened. docs/stores/memcached.md says more.
 */
export interface MemcachedClient {
  readonly servers: readonly MemcachedServer[]
  readonly options?: { readonly failover?: boolean | undefined } | undefined
  /** Index of the server that has a key. An overridden one, such as a hash ring, is used as well. */
  getServer(key: string): number | string
}

/** One server of a memjs client. */
export interface MemcachedServer {
  readonly host: string
  readonly port: number
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Seconds, as memjs has them. */
  readonly options?: { readonly timeout?: number | undefined; readonly conntimeout?: number | undefined } | undefined
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - it is no memjs client, or one that would lose or revive sessions. */
export function checkClient(client: MemcachedClient): void {
  if (!Array.isArray(client?.servers) || client.servers.length === 0 || typeof client.getServer !== 'function')
    throw invalid("the client is not one of memjs; give it `memjs.Client.create('localhost:11211')`")
  if (client.options?.failover === true)
    throw invalid(
      'the client has `failover: true`; leave it out. While a server is away its sessions would be looked for, and ended, on another one: ' +
        'people would be signed out without a word, and sessions ended meanwhile would live again when it is back',
    )
}

export function invalid(problem: string): ConfigError {
  return new ConfigError(`memcachedStore: ${problem}. See docs/stores/memcached.md.`, { code: 'ERR_CONFIG_INVALID' })
}
