/**
 * Tokens for APIs: short-lived access tokens that a session mints for services and mobile apps, and that die when it does (RFC 9068, RFC 6749,
 * RFC 9449).
 */
import process from 'node:process'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { ledgerCalls } from '../core/store-calls.ts'
import { type Endpoint, type Endpoints, endpointsOf } from '../http/endpoints.ts'
import { createAccessTokens } from './access-token.ts'
import { createClients } from './clients.ts'
import type { TokenContext } from './context.ts'
import { createDpopProofs } from './dpop.ts'
import { feedEndpoint } from './feed-endpoint.ts'
import { introspectionEndpoint } from './introspection-endpoint.ts'
import { jwksEndpoint } from './jwks-endpoint.ts'
import { metadataEndpoint } from './metadata-endpoint.ts'
import { resolveTokensOptions, type TokensOptions } from './options.ts'
import type {
  AccessTokens,
  Clients,
  DpopProofs,
  GrantedTokens,
  GrantOptions,
  MintedAccessToken,
  MintOptions,
  RefreshTokens,
  SigningKeyStatus,
  SigningKeys,
  TokenSigner,
} from './parts.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import { revocationEndpoint } from './revocation-endpoint.ts'
import { createSigningKeys } from './signing-keys.ts'
import { tokenEndpoint } from './token-endpoint.ts'

/** Everything the endpoints work with. */
export interface TokenParts {
  readonly context: TokenContext
  readonly keys: SigningKeys
  readonly accessTokens: AccessTokens
  readonly refreshTokens: RefreshTokens
  readonly dpop: DpopProofs
  readonly clients: Clients
}

/** What `createTokens` gives. */
export interface Tokens extends Endpoints {
  /** Mints an access token from a live session, for a call this application makes, or for an app that has none yet. */
  mint(session: Session<unknown>, options?: MintOptions): Promise<MintedAccessToken>
  /** Starts a refresh family in a session, for an app that will come back by itself. */
  grant(session: Session<unknown>, options: GrantOptions): Promise<GrantedTokens>
  /** Signs other things this issuer says, such as logout tokens. */
  readonly signer: TokenSigner
  /** The signing keys, for whoever watches over them. Nothing secret. */
  signingKeys(): Promise<readonly SigningKeyStatus[]>
  /** Stops following what ends. */
  close(): Promise<void>
}

export function createTokens<Data>(sessions: Sessions<Data>, options: TokensOptions): Tokens {
  const settings = resolveTokensOptions(options)
  const service = serviceOf(sessions)
  const { config, events } = service
  const random = () => config.random(1)[0]! / 255
  const ledger = ledgerCalls(config.store, {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random,
    events,
  })
  const context: TokenContext = { sessions: sessions as Sessions<unknown>, service, ledger, settings }
  const keys = createSigningKeys(context)
  const accessTokens = createAccessTokens(context, keys)
  const refreshTokens = createRefreshTokens(context, accessTokens)
  const parts: TokenParts = {
    context,
    keys,
    accessTokens,
    refreshTokens,
    dpop: createDpopProofs(context),
    clients: createClients(context),
  }
  const { paths } = settings
  const endpoints = new Map<string, Endpoint>([
    [paths.jwks, jwksEndpoint(parts)],
    [paths.token, tokenEndpoint(parts)],
    [paths.introspection, introspectionEndpoint(parts)],
    [paths.revocation, revocationEndpoint(parts)],
    [paths.feed, feedEndpoint(parts)],
    ['/.well-known/oauth-authorization-server', metadataEndpoint(parts)],
  ])
  throw new Error(`not built yet: ${endpointsOf(endpoints, settings.transport, (error) => process.emitWarning(error))}`)
}
