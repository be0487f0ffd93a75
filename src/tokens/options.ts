/** The options of `createTokens`, and what they come to. */
import { ConfigError } from '../core/errors.ts'
import type { TransportOptions } from '../http/transport.ts'

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
  /** The `iss` of every token, an https origin without a path, such as `https://shop.example`. Endpoints are found below it. */
  readonly issuer: string
  /** Who tokens are for where the caller names nobody. A service accepts only tokens for its own audience (RFC 9068, 4). */
  readonly audience: string
  /** Default `ES256`. */
  readonly algorithm?: SigningAlgorithm
  /** Signs with RS256 (RSASSA-PKCS1-v1_5) instead, for services that verify nothing else. Default `false`: ASVS 5.0 disallows it (appendix C). */
  readonly dangerouslyUseRs256?: boolean
  /** How long an access token is good, 30 seconds to 1 hour. Default 5 minutes. A token stolen is good that long where nobody asks or follows the feed. */
  readonly accessTokenLifetime?: number
  /** Share of the lifetime by which tokens are shortened at random, 0 to 0.5, so that clients do not all come back at once. Default 0.1. */
  readonly lifetimeJitter?: number
  /** Longest gap between two uses of a refresh token; never past the session's own deadlines. Default: the session's idle timeout. */
  readonly refreshIdleTimeout?: number
  /** How long a signing key signs, 1 day to 1 year; the next one is published `keyOverlap` before. Default 30 days. */
  readonly signingKeyLifetime?: number
  /** How long a key is published before it signs, and longest a service may keep the key set, 5 minutes to 7 days. Default 1 day. */
  readonly keyOverlap?: number
  /** Who may call the endpoints. Default nobody: tokens are minted in this application alone. */
  readonly clients?: readonly TokenClient[]
  /** Where the endpoints are. Defaults: `/.well-known/jwks.json`, `/oauth/token`, `/oauth/introspect`, `/oauth/revoke`, `/oauth/feed`. */
  readonly paths?: Partial<TokenPaths>
}

export interface TokenPaths {
  readonly jwks: string
  readonly token: string
  readonly introspection: string
  readonly revocation: string
  readonly feed: string
}

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
  readonly clients: ReadonlyMap<string, TokenClient>
  readonly paths: TokenPaths
  readonly transport: TransportOptions
}

const READ_MORE = 'See docs/guide/tokens.md.'

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why. */
export function invalidTokens(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`createTokens: ${given}; expected ${expected}, because ${why}. ${READ_MORE}`, {
    code: 'ERR_CONFIG_INVALID',
  })
}

export function resolveTokensOptions(_options: TokensOptions): TokenSettings {
  throw invalidTokens('nothing is built yet', 'everything', 'this is a skeleton')
}
