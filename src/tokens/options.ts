/** The options of `createTokens`, and what they come to. */
import { days, hours, minutes, seconds } from '../core/duration.ts'
import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import type { TransportOptions } from '../http/transport.ts'
import { resolveClients } from './clients/registering.ts'

/** How access tokens are signed. ES256 and EdDSA verify everywhere; ML-DSA (RFC 9964) withstands quantum computers where the runtime has it. */
export type SigningAlgorithm = 'ES256' | 'EdDSA' | 'ML-DSA-44' | 'ML-DSA-65'

/** Somebody who calls the endpoints: a mobile app, a service. */
export interface TokenClient {
  /** Public name, `client_id`. */
  readonly id: string
  /**
   * How it proves itself. `public`: not at all, as an app on a phone; its refresh tokens should be bound to a key (`dpop`). `clientSecret`: at least 32 random bytes
   * in base64url, for services (`client_secret_basic`). `jwks`: its public keys (`private_key_jwt`), so that nothing secret is shared.
   */
  readonly authentication: 'public' | { readonly clientSecret: string } | { readonly jwks: { readonly keys: readonly object[] } }
  /** Scopes it may have at most. Default none. */
  readonly scopes?: readonly string[]
  /** Audiences its tokens may be for. Default: the default audience. */
  readonly audiences?: readonly string[]
  /** What a resource server may do besides: ask whether tokens for its audience are good (`introspect`), follow what has ended (`feed`). Default neither. */
  readonly may?: readonly ('introspect' | 'feed')[]
  /** Whether its tokens are bound to a key it proves. Default `required` for public clients, else `allowed`. Unbound, a copied token is as good as the app. */
  readonly dpop?: 'allowed' | 'required'
}

/** Options of `createTokens`. */
export interface TokensOptions extends TransportOptions {
  /**
   * The `iss` of every token, an https origin without a path, such as `https://shop.example`. Endpoints are found below it; with `dangerouslyAllowHttp` it may be
   * `http://localhost:3000`. Services fetch the keys from there: whoever answers under that name makes tokens they believe.
   */
  readonly issuer: string
  /** Who tokens are for where the caller names nobody. A service accepts only tokens for its own audience (RFC 9068, 4). */
  readonly audience: string
  /** How tokens are signed; every service has to verify it. Default `ES256`. ML-DSA needs a runtime that has it, on both sides. */
  readonly algorithm?: SigningAlgorithm
  /** Signs with RS256 (RSASSA-PKCS1-v1_5) instead, for services that verify nothing else. Default `false`: ASVS 5.0 disallows it (appendix C). */
  readonly dangerouslyUseRs256?: boolean
  /**
   * How long an access token is good, in milliseconds. Default `minutes(5)`, at least `seconds(30)`, at most `hours(1)`; never past the session's own deadlines. A stolen
   * token is good that long where nobody asks or follows the feed.
   */
  readonly accessTokenLifetime?: number
  /** Largest share of the lifetime by which a token is shortened, at random, so that clients do not all come back at once. Default 0.1; 0 to 0.5. */
  readonly lifetimeJitter?: number
  /** Longest gap between two uses of a refresh token; never past the session's own deadlines. Default: the session's idle timeout. */
  readonly refreshIdleTimeout?: number
  /**
   * How long a signing key signs, in milliseconds. Default `days(30)`, at least `days(1)`, at most `days(366)`; the next one is published `keyOverlap` before. Whoever
   * gets hold of a private key makes tokens until its period is over. Change it while few people are about: the keys are then other ones, at once.
   */
  readonly signingKeyLifetime?: number
  /**
   * How long a key is published before it signs, in milliseconds. Default `days(1)`, at least `minutes(5)`, at most `days(7)` and `signingKeyLifetime`. Services may
   * keep the key set for a quarter of it, an hour at most: one that keeps it longer refuses good tokens when a new key begins to sign.
   */
  readonly keyOverlap?: number
  /**
   * Whether a DPoP proof needs a nonce of this server's: `offered` hands one out with every answer and judges those that use it by it, `required` refuses
   * proofs without. Default `offered`: whoever holds an app's key for a moment can make proofs for later, and needs its newest refresh token besides,
   * whose second use ends the session. With `required`, proofs made in advance are good for ten minutes, and an app's first request takes two trips.
   */
  readonly dpopNonce?: 'offered' | 'required'
  /** Who may call the endpoints. Default nobody: tokens are minted in this application alone. */
  readonly clients?: readonly TokenClient[]
  /** Where the endpoints are. Defaults: `/.well-known/jwks.json`, `/oauth/token`, `/oauth/introspect`, `/oauth/revoke`, `/oauth/feed`. */
  readonly paths?: Partial<TokenPaths>
  /**
   * Where signing keys and what must happen only once are kept, if not beside the sessions: a store that forgets nothing. Needed where sessions are in memcached, or
   * in sealed cookies without a ledger. A key forgotten makes every token it signed unverifiable; a proof forgotten can be used again.
   */
  readonly ledger?: Pick<Store, 'name' | 'capabilities' | 'ledger'>
}

export interface TokenPaths {
  readonly jwks: string
  readonly token: string
  readonly introspection: string
  readonly revocation: string
  readonly feed: string
}

/** A client as the endpoints know it: every default filled in. */
export type RegisteredClient = Required<TokenClient>

/** The options, checked and complete. */
export interface TokenSettings {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: SigningAlgorithm | 'RS256'
  readonly accessTokenLifetime: number
  readonly lifetimeJitter: number
  /** `undefined`: the session's own. */
  readonly refreshIdleTimeout: number | undefined
  readonly signingKeyLifetime: number
  readonly keyOverlap: number
  readonly dpopNonce: 'offered' | 'required'
  readonly clients: ReadonlyMap<string, RegisteredClient>
  readonly paths: TokenPaths
  readonly transport: TransportOptions
}

/** Where RFC 8414 wants the metadata of an issuer without a path. */
export const METADATA_PATH = '/.well-known/oauth-authorization-server'

const PATHS: TokenPaths = {
  jwks: '/.well-known/jwks.json',
  token: '/oauth/token',
  introspection: '/oauth/introspect',
  revocation: '/oauth/revoke',
  feed: '/oauth/feed',
}
const ALGORITHMS: readonly unknown[] = ['ES256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65'] satisfies SigningAlgorithm[]
const KNOWN = new Set<string>([
  'issuer',
  'audience',
  'algorithm',
  'dangerouslyUseRs256',
  'accessTokenLifetime',
  'lifetimeJitter',
  'refreshIdleTimeout',
  'signingKeyLifetime',
  'keyOverlap',
  'dpopNonce',
  'clients',
  'paths',
  'ledger',
  'dangerouslyAllowHttp',
  'trustedProxies',
] satisfies (keyof TokensOptions)[])
/** Without query, dot segments or percent signs: compared with what clients ask for, and written into metadata. */
const PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*|\/\.well-known)+$/
const LOOPBACK_ISSUER = /^http:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/
const READ_MORE = 'See docs/guide/tokens.md.'

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why. */
export function invalidTokens(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`createTokens: ${given}; expected ${expected}, because ${why}. ${READ_MORE}`, {
    code: 'ERR_CONFIG_INVALID',
  })
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
export function resolveTokensOptions(options: TokensOptions): TokenSettings {
  if (typeof options !== 'object' || options === null)
    throw invalidTokens('there are no options', '{ issuer, audience }', 'a token names both')
  checkKnown(options, KNOWN, 'an option')
  const { issuer, audience, dangerouslyAllowHttp, trustedProxies, lifetimeJitter = 0.1 } = options
  checkIssuer(issuer, dangerouslyAllowHttp === true)
  if (!isAudience(audience))
    throw invalidTokens(
      'audience is no name',
      "one such as 'https://api.shop.example', of at most 256 characters without blanks",
      'a service accepts only tokens for itself (RFC 9068, 4)',
    )
  if (typeof lifetimeJitter !== 'number' || !(lifetimeJitter >= 0 && lifetimeJitter <= 0.5))
    throw invalidTokens('lifetimeJitter is out of bounds', 'a number from 0 to 0.5', 'it is a share of the lifetime')
  const signingKeyLifetime = within('signingKeyLifetime', options.signingKeyLifetime, days(30), days(1), days(366))
  const keyOverlap = within('keyOverlap', options.keyOverlap, days(1), minutes(5), days(7))
  if (keyOverlap > signingKeyLifetime)
    throw invalidTokens('keyOverlap is longer than signingKeyLifetime', 'at most that', 'only the next key is published ahead')
  return {
    issuer,
    audience,
    algorithm: algorithmOf(options),
    accessTokenLifetime: within('accessTokenLifetime', options.accessTokenLifetime, minutes(5), seconds(30), hours(1)),
    lifetimeJitter,
    refreshIdleTimeout:
      options.refreshIdleTimeout === undefined
        ? undefined
        : within('refreshIdleTimeout', options.refreshIdleTimeout, 0, minutes(1), days(366)),
    signingKeyLifetime,
    keyOverlap,
    dpopNonce: dpopNonceOf(options.dpopNonce),
    clients: resolveClients(options.clients ?? [], audience),
    paths: resolvePaths(options.paths ?? {}),
    transport: {
      ...(dangerouslyAllowHttp !== undefined && { dangerouslyAllowHttp }),
      ...(trustedProxies !== undefined && { trustedProxies }),
    },
  }
}

function dpopNonceOf(given: unknown = 'offered'): 'offered' | 'required' {
  if (given === 'offered' || given === 'required') return given
  throw invalidTokens(
    'dpopNonce is another word',
    "'offered' or 'required'",
    'a typing error would let proofs made in advance count',
  )
}

/** An audience or a client's name: visible ASCII, so that no two look alike and none splits a header. */
export function isAudience(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value)
}

/** A scope as RFC 6749, 3.3 has it; joined by blanks on the wire. */
export function isScope(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 256 && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

/** A misspelt option would change nothing, without a word. */
export function checkKnown(given: object, known: ReadonlySet<string>, what: string): void {
  if (Object.keys(given).every((key) => known.has(key))) return
  throw invalidTokens(`there is ${what} it does not have`, `only ${[...known].join(', ')}`, 'a typing error would change nothing')
}

/** The store of keys and of what happens once. One that forgets would end every token, and let proofs in twice. */
export function checkedLedger<Given extends Required<TokensOptions>['ledger']>(store: Given): Given {
  if (typeof store?.ledger?.claim !== 'function')
    throw invalidTokens('ledger is no store', "one such as sqliteStore('ledger.db')", 'signing keys must be kept')
  const { evicts, carries } = store.capabilities
  const expected = 'the option ledger, a store that forgets nothing'
  if (evicts)
    throw invalidTokens(
      `the store '${store.name}' makes room by forgetting`,
      expected,
      'tokens signed by a forgotten key cannot be verified',
    )
  if (carries) throw invalidTokens(`the store '${store.name}' keeps nothing`, expected, 'all processes sign with one key')
  return store
}

function checkIssuer(issuer: unknown, allowsHttp: boolean): void {
  const isOrigin = typeof issuer === 'string' && URL.canParse(issuer) && new URL(issuer).origin === issuer
  if (isOrigin && (issuer.startsWith('https://') || (allowsHttp && LOOPBACK_ISSUER.test(issuer)))) return
  throw invalidTokens(
    'issuer is no https origin',
    "one such as 'https://shop.example', without path or slash; on this machine, with dangerouslyAllowHttp, 'http://localhost:3000'",
    'services compare it letter by letter, and fetch the keys from it',
  )
}

function algorithmOf({ algorithm, dangerouslyUseRs256 = false }: TokensOptions): TokenSettings['algorithm'] {
  if (typeof dangerouslyUseRs256 !== 'boolean')
    throw invalidTokens('dangerouslyUseRs256 is not a boolean', 'true or false', 'a string such as "false" would turn safety off')
  if (dangerouslyUseRs256 && algorithm !== undefined)
    throw invalidTokens('there are an algorithm and dangerouslyUseRs256', 'one of them', 'tokens are signed in one way')
  if (dangerouslyUseRs256) return 'RS256'
  if (algorithm !== undefined && !ALGORITHMS.includes(algorithm))
    throw invalidTokens('algorithm is none it has', ALGORITHMS.join(', '), 'others are weak, or verify nowhere')
  return algorithm ?? 'ES256'
}

function resolvePaths(given: Partial<TokenPaths>): TokenPaths {
  if (typeof given !== 'object' || given === null)
    throw invalidTokens('paths is no object', "one such as { token: '/oauth/token' }", 'clients are told where to go')
  checkKnown(given, new Set(Object.keys(PATHS)), 'a path')
  const paths = { ...PATHS, ...given }
  const all: unknown[] = [...Object.values(paths), METADATA_PATH]
  if (!all.every((path) => typeof path === 'string' && PATH.test(path) && path.length <= 200))
    throw invalidTokens(
      'a path is no plain path',
      "one such as '/oauth/token', without query",
      'clients spell it as they are told',
    )
  if (new Set(all).size < all.length)
    throw invalidTokens('two paths are the same', 'one for each endpoint', 'each has its own meaning')
  return paths
}

function within(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalidTokens(
    `${name} is out of bounds`,
    `whole milliseconds from ${least} to ${most}`,
    'outside of them it is nearly always the wrong unit',
  )
}
