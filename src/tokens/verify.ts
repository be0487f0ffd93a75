/**
 * For services that are handed access tokens: whether one is good, and whether its session still lives. No store, no session, no secret but the service's own
 * (RFC 9068, RFC 6750, RFC 9449).
 */
import type { IncomingMessage } from 'node:http'
import { originForm } from '../http/request-facts.ts'
import { refusedToken } from './verify/answers.ts'
import { type Access, judgeToken, type TokenRequest } from './verify/judging.ts'
import { KeySet } from './verify/key-set.ts'
import { invalidVerifier, resolveVerifierOptions, type TokenVerifierOptions } from './verify/options.ts'
import { presentedIn, rawValues } from './verify/presented.ts'
import { Revocation } from './verify/revocation.ts'
import { statusOf, type VerifierStatus } from './verify/status.ts'

export type { ReplayMemory } from './dpop/replay.ts'
export type { AccessTokenClaims } from './parts.ts'
export type { AccessRequirement, ActiveAccess } from './verify/access.ts'
export type { TokenAlgorithm } from './verify/algorithms.ts'
export type { RefusedAccess } from './verify/answers.ts'
export type { TokenRefusal, VerifierEvent, VerifierListener } from './verify/events.ts'
export type { Access, TokenRequest } from './verify/judging.ts'
export type { TokenVerifierOptions } from './verify/options.ts'
export type { RevocationSource } from './verify/revocation.ts'
export type { VerifierStatus } from './verify/status.ts'

/** What `createTokenVerifier` gives. */
export interface TokenVerifier {
  /**
   * Judges the token of a Node or Express request, from its `Authorization` header and nowhere else.
   *
   * @returns `active` with claims, or `refused` with the answer to give. It never throws for what a client sent.
   * @example
   * const access = await verifier.node(request)
   * if (access.state === 'refused') return response.writeHead(access.status, access.headers).end()
   */
  node(request: IncomingMessage): Promise<Access>
  /**
   * The same for Web requests.
   *
   * @example
   * const access = await verifier.web(request)
   * if (access.state === 'refused') return new Response(null, access)
   */
  web(request: Request): Promise<Access>
  /**
   * Judges a token however it came: over a socket, behind a proxy that cuts paths. Take it from the header of a request, never from a URL.
   *
   * @param accessToken - The token alone, without its scheme.
   * @param request - What it came with; needed in full for DPoP.
   */
  verify(accessToken: string, request?: TokenRequest): Promise<Access>
  /** How things stand with keys, feed and introspection, and how late an end may be heard of at worst. Nothing secret. */
  status(): VerifierStatus
  /** Ends the connection to the feed. From then on tokens are asked about, once its last word is older than the budget. */
  close(): void
}

/**
 * Makes a service able to tell good access tokens from all others.
 *
 * Keys are fetched from the issuer when first needed, and kept. With a `client`, it follows the issuer's feed of what ends, from now on until `close`, and asks about tokens the feed
 * cannot tell about: then no token is accepted longer than `revokedWithin` after its session's end. Without one, a token is good until it expires; `status()` says so.
 *
 * @param options - At least the issuer and this service's own name.
 * @returns The verifier. Make one, when the service starts.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that is missing, contradicts another or is not safe; `jose` not installed.
 * @see RFC 9068, 4 (validating access tokens); RFC 8725 (JWT best current practices); docs/guide/verify.md
 * @example
 * const verifier = createTokenVerifier({
 *   issuer: 'https://shop.example',
 *   audience: 'https://api.example',
 *   client: { id: 'api', clientSecret: process.env.SHOP_CLIENT_SECRET! },
 * })
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const settings = resolveVerifierOptions(options)
  checkInstalled()
  const keys = new KeySet(settings)
  const revocation = new Revocation(settings)
  const parts = { settings, keys, revocation }

  function present(authorization: readonly string[], method: string, target: string, dpopProof: string | undefined) {
    const presented = presentedIn(authorization)
    if (typeof presented === 'string') {
      settings.emit({ type: 'access-token.refused', reason: presented })
      return Promise.resolve(refusedToken(presented, settings.dpop))
    }
    const url = settings.origin === undefined ? {} : { url: settings.origin + originForm(target) }
    return judgeToken(presented.accessToken, { scheme: presented.scheme, method, dpopProof, ...url }, parts)
  }

  return {
    node(request) {
      const { rawHeaders, method = 'GET', url = '/' } = request
      // Express cuts the path a router is mounted at from `url`; clients sign all of it.
      const { originalUrl } = request as IncomingMessage & { originalUrl?: unknown }
      const target = typeof originalUrl === 'string' ? originalUrl : url
      const proofs = rawValues(rawHeaders, 'dpop')
      return present(rawValues(rawHeaders, 'authorization'), method, target, proofs.length === 0 ? undefined : proofs.join(', '))
    },
    web(request) {
      const { headers, method, url } = request
      const { pathname } = new URL(url)
      const authorization = headers.get('authorization')
      return present(authorization === null ? [] : [authorization], method, pathname, headers.get('dpop') ?? undefined)
    },
    verify: (accessToken, request = {}) => judgeToken(accessToken, request, parts),
    status: () => statusOf(parts),
    close: () => revocation.close(),
  }
}

function checkInstalled(): void {
  try {
    // Not every bundler has it; there the import itself would already have failed.
    import.meta.resolve?.('jose')
  } catch {
    throw invalidVerifier("the package 'jose' is not there", 'npm install jose', 'it verifies signatures')
  }
}
