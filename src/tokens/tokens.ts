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
import { createDenials } from './denials.ts'
import { createDpopProofs } from './dpop.ts'
import { createFeed } from './feed.ts'
import { feedEndpoint } from './feed-endpoint.ts'
import { checkInstalled } from './installed.ts'
import { introspectionEndpoint } from './introspection-endpoint.ts'
import { jwksEndpoint } from './jwks-endpoint.ts'
import { metadataEndpoint } from './metadata-endpoint.ts'
import { presentSession } from './minting-session.ts'
import { checkedLedger, METADATA_PATH, resolveTokensOptions, type TokensOptions } from './options.ts'
import type { GrantedTokens, GrantOptions, MintedAccessToken, MintOptions, SigningKeyStatus, TokenSigner } from './parts.ts'
import { checkKeepsFamilies } from './refresh/granting.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import { revocationEndpoint } from './revocation-endpoint.ts'
import { createSigningKeys } from './signing-keys.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import type { TokenParts } from './token-parts.ts'

export type { Endpoints } from '../http/endpoints.ts'
export type { SigningAlgorithm, TokenClient, TokenPaths, TokensOptions } from './options.ts'
export type { GrantedTokens, GrantOptions, MintedAccessToken, MintOptions, SigningKeyStatus, TokenSigner } from './parts.ts'

/** Tokens of one application. Hand `node` or `web` to your server, in front of the sessions. */
export interface Tokens extends Endpoints {
  /**
   * Mints an access token from the session of a request, for a call this application makes to another service. It dies with the session, wherever services follow
   * what ends.
   *
   * Mint one for each call or each minute, and keep none: it costs a signature, and nothing is written. A session that was opened longer than 30 seconds ago, as that
   * of a socket, is read again.
   *
   * @param session - A signed-in session, from an adapter or `sessions.read`.
   * @param options - For whom, and how much of it; see `MintOptions`.
   * @returns The token once, its type, and until when it is good: never past the session's own deadlines.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in, or a second factor is still due. Status 401.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - the client is in doubt and has proved nothing since. Status 401.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no usable audience or scope, or a claim that is this library's own.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the store is away, and with it the signing keys or the session.
   * @see RFC 9068, 2.2
   * @example
   * const { accessToken } = await tokens.mint(req.session, { audience: 'https://orders.internal', scope: ['orders:read'] })
   */
  mint(session: Session<unknown>, options?: MintOptions): Promise<MintedAccessToken>
  /**
   * Starts a family of refresh tokens in a session, for an app that will come back by itself: an access token, and a refresh token that is replaced with each use.
   * Hand both to the app over TLS, never to a page (docs/guide/tokens.md says why).
   *
   * @param session - As for `mint`. The family ends with it.
   * @param options - `clientId` of a client of the option `clients`, and what its tokens may be for.
   * @throws As `mint`.
   * @see RFC 9700, 4.14.2
   * @example
   * res.json(await tokens.grant(req.session, { clientId: 'app', scope: ['orders:read'] }))
   */
  grant(session: Session<unknown>, options: GrantOptions): Promise<GrantedTokens>
  /** Signs other things this issuer says, such as logout tokens of the hub. */
  readonly signer: TokenSigner
  /** The signing keys, for whoever watches over them. Nothing secret. @throws {StoreError} `ERR_STORE_UNAVAILABLE` */
  signingKeys(): Promise<readonly SigningKeyStatus[]>
  /** Stops following what ends, and lets go of services that follow it. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Makes the tokens of an application: what a session mints for services and mobile apps, the keys it is signed with, and the endpoints.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - See `TokensOptions`; `issuer` and `audience` are required.
 * @returns Endpoints for the server, `mint` and `grant` for handlers.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that is not safe, a ledger that forgets, a package that is not installed, a runtime without
 * the algorithm.
 * @see RFC 9068, RFC 7517, RFC 8414; ASVS 5.0, V9
 * @example
 * const tokens = createTokens(sessions, { issuer: 'https://shop.example', audience: 'https://api.shop.example' })
 * app.use(tokens.node)
 */
export function createTokens<Data>(sessions: Sessions<Data>, options: TokensOptions): Tokens {
  const settings = resolveTokensOptions(options)
  checkInstalled(settings.algorithm)
  const service = serviceOf(sessions)
  checkKeepsFamilies(service, settings)
  const { config, events } = service
  const ledger = ledgerCalls(checkedLedger(options.ledger ?? config.store), {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => config.random(1)[0]! / 255,
    events,
  })
  const context: TokenContext = { sessions: sessions as Sessions<unknown>, service, ledger, settings }
  const keys = createSigningKeys(context)
  const accessTokens = createAccessTokens(context, keys)
  const parts: TokenParts = {
    context,
    keys,
    accessTokens,
    refreshTokens: createRefreshTokens(context, accessTokens),
    dpop: createDpopProofs(context),
    clients: createClients(context),
    denials: createDenials(context),
    feed: createFeed(context),
  }
  const { paths } = settings
  const endpoints = new Map<string, Endpoint>([
    [paths.jwks, jwksEndpoint(parts)],
    [paths.token, tokenEndpoint(parts)],
    [paths.introspection, introspectionEndpoint(parts)],
    [paths.revocation, revocationEndpoint(parts)],
    [paths.feed, feedEndpoint(parts)],
    [METADATA_PATH, metadataEndpoint(parts)],
  ])
  const { node, web } = endpointsOf(endpoints, settings.transport, (error) => process.emitWarning(error))
  if (settings.algorithm === 'RS256') events.emit({ type: 'safety.lowered', option: 'dangerouslyUseRs256' })
  if (settings.transport.dangerouslyAllowHttp) events.emit({ type: 'safety.lowered', option: 'dangerouslyAllowHttp' })

  return {
    node,
    web,
    signer: keys,
    async mint(session, mintOptions) {
      return accessTokens.mint(await presentSession(service, session), mintOptions)
    },
    async grant(session, grantOptions) {
      return parts.refreshTokens.grant(session, grantOptions)
    },
    signingKeys: () => keys.status(),
    close: () => parts.feed.close(),
  }
}
