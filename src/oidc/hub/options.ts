/** The options of `createHub`, and what they come to. */
import { days, hours, minutes, seconds } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import type { Outbox } from '../outbox.ts'
import type { LogoutSigner } from './signer.ts'

/** An application that is told when sessions end. */
export interface HubClient {
  /** Its public name, `client_id`: the `aud` of its logout tokens. 1 to 255 printable ASCII characters. */
  readonly id: string
  /**
   * Where logout tokens are posted to, `backchannel_logout_uri`: an https URL without a fragment; query and port are fine. It comes from your configuration
   * alone: an address that a stranger chose would make this server ask whatever it can reach.
   */
  readonly logoutUri: string
  /**
   * What it knows sessions by. `session` (the default): the session's public id, as access tokens have. `pairwise`: a value that no other application has, so
   * that two cannot find out together which of their sessions are of one browser. Changing it is good for sessions it takes part in from then on.
   */
  readonly sidFor?: 'session' | 'pairwise'
  /** For people who read the console. */
  readonly name?: string
}

/** Options of `createHub`. */
export interface HubOptions {
  /** Who signs logout tokens: `tokens.signer` of `sojourn/tokens`. */
  readonly signer: LogoutSigner
  /** Where it is written down who is still to be told: `sqliteOutbox`, `postgresOutbox`, or your own. What it loses, nobody is told. */
  readonly outbox: Outbox
  /** Who is told; at most 1,000. */
  readonly clients: readonly HubClient[]
  /** Allows `logoutUri` over plain HTTP at loopback hosts. Default `false`. For developers' machines: logout tokens can be read and held back on the way. */
  readonly dangerouslyAllowHttp?: boolean
  /**
   * Longest time, in milliseconds, until an end is found that no event told of: a deadline that passed, an end in a process without a hub, a crash. Default
   * `seconds(30)`; 1 second to 1 hour. Each watched session is read once in that time, at most 10,000 in a quarter of it by one process; a stolen session is good at
   * applications for that long where nothing else tells them.
   */
  readonly sweepInterval?: number
  /** How often a process looks for deliveries that another has left, or that are to be tried again. Default `seconds(2)`; 20 ms to 1 minute. */
  readonly pollInterval?: number
  /** Longest wait for an application's answer, in milliseconds. Default `seconds(5)`; 100 ms to 30 seconds. */
  readonly timeout?: number
  /** Deliveries to one application at the same time, by one process. Default 8; 1 to 64. */
  readonly concurrency?: number
  /** How long a delivery is tried before it is dead, since it was due. Default `hours(24)`; 1 minute to 30 days. Five tries are made at least. */
  readonly giveUpAfter?: number
  /** How long delivered and dead entries are kept to be looked at. Default `days(7)`; 1 minute to 366 days. */
  readonly keepFor?: number
  /** Sends the requests, instead of the global `fetch`: through a proxy, with a client's certificate. It must not follow redirects. */
  readonly fetch?: typeof globalThis.fetch
}

/** The options, checked and complete. */
export interface HubSettings {
  readonly signer: LogoutSigner
  readonly outbox: Outbox
  readonly clients: ReadonlyMap<string, HubClient>
  /** Whether a client is told over plain HTTP. */
  readonly isPlain: boolean
  readonly sweepInterval: number
  readonly pollInterval: number
  readonly timeout: number
  readonly concurrency: number
  readonly giveUpAfter: number
  readonly keepFor: number
  readonly fetch: typeof globalThis.fetch
}

const KNOWN: ReadonlySet<string> = new Set([
  'signer',
  'outbox',
  'clients',
  'dangerouslyAllowHttp',
  'sweepInterval',
  'pollInterval',
  'timeout',
  'concurrency',
  'giveUpAfter',
  'keepFor',
  'fetch',
] satisfies (keyof HubOptions)[])
const MOST_CLIENTS = 1000
/** RFC 6749, A.1: `client-id = *VSCHAR`. */
const CLIENT_ID = /^[\x20-\x7e]{1,255}$/
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why. */
export function resolveHubOptions(options: HubOptions): HubSettings {
  if (typeof options !== 'object' || options === null)
    throw invalid('there are no options', '{ signer, outbox, clients }', 'it needs all three')
  if (!Object.keys(options).every((key) => KNOWN.has(key)))
    throw invalid('there is an option it does not have', [...KNOWN].join(', '), 'a typing error would change nothing')
  const { signer, outbox, clients, dangerouslyAllowHttp = false, fetch = globalThis.fetch } = options
  if (typeof signer?.sign !== 'function' || typeof signer.issuer !== 'string' || signer.issuer === '')
    throw invalid('signer is none', 'tokens.signer of sojourn/tokens', 'receivers believe signed words alone')
  if (typeof outbox?.watch !== 'function' || typeof outbox.lease !== 'function')
    throw invalid('outbox is none', "one such as sqliteOutbox('outbox.db')", 'who is to be told must survive a restart')
  if (!Array.isArray(clients) || clients.length > MOST_CLIENTS)
    throw invalid('clients is no list', `a list of at most ${MOST_CLIENTS}`, 'somebody must be told')
  if (typeof dangerouslyAllowHttp !== 'boolean')
    throw invalid('dangerouslyAllowHttp is no boolean', 'true or false', 'it lowers safety')
  if (typeof fetch !== 'function')
    throw invalid('fetch is no function', 'one of the shape of the global fetch', 'it sends the requests')
  const byId = new Map<string, HubClient>()
  for (const client of clients) {
    checkClient(client, dangerouslyAllowHttp)
    if (byId.has(client.id)) throw invalid('two clients have one id', 'each once', 'one of them would never be told')
    byId.set(client.id, client)
  }
  return {
    signer,
    outbox,
    clients: byId,
    isPlain: [...byId.values()].some(({ logoutUri }) => logoutUri.startsWith('http:')),
    sweepInterval: within('sweepInterval', options.sweepInterval, seconds(30), seconds(1), hours(1)),
    pollInterval: within('pollInterval', options.pollInterval, seconds(2), 20, minutes(1)),
    timeout: within('timeout', options.timeout, seconds(5), 100, seconds(30)),
    concurrency: within('concurrency', options.concurrency, 8, 1, 64),
    giveUpAfter: within('giveUpAfter', options.giveUpAfter, hours(24), minutes(1), days(30)),
    keepFor: within('keepFor', options.keepFor, days(7), minutes(1), days(366)),
    fetch,
  }
}

function checkClient(client: HubClient, allowsHttp: boolean): void {
  if (typeof client?.id !== 'string' || !CLIENT_ID.test(client.id))
    throw invalid('a client has no id', '1 to 255 printable ASCII characters', 'its logout tokens are for it alone')
  const { sidFor = 'session', name = '' } = client
  if (sidFor !== 'session' && sidFor !== 'pairwise')
    throw invalid(`sidFor of ${client.id} is neither word`, "'session' or 'pairwise'", 'it would not know which session is meant')
  if (typeof name !== 'string') throw invalid(`name of ${client.id} is no string`, 'one for people', 'the console shows it')
  if (!isLogoutUri(client.logoutUri, allowsHttp))
    throw invalid(
      `logoutUri of ${client.id} is no address for it`,
      'an https URL without user, password and fragment; with dangerouslyAllowHttp also http at a loopback host',
      'whoever is on the way could hold a logout back (OIDC Back-Channel Logout 1.0, 2.2)',
    )
}

function isLogoutUri(text: unknown, allowsHttp: boolean): boolean {
  if (typeof text !== 'string' || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && allowsHttp && LOOPBACK.test(hostname))
}

function within(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(
    `${name} is out of bounds`,
    `a whole number from ${least} to ${most}`,
    'outside of them it is nearly always a mistake',
  )
}

export function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`createHub: ${given}; expected ${expected}, because ${why}. See docs/guide/hub.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
