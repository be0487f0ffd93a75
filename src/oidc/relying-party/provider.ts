/**
 * The provider, found when it is first needed: an application starts while its provider is away. What it says of itself is kept for an hour, and
 * longer while it cannot be asked again; its keys are fetched by `jose`, which asks anew for a key it does not know, at most twice a minute.
 */
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose'
import type { Configuration } from 'openid-client'
import type { Clock } from '../../core/clock.ts'
import { hours } from '../../core/duration.ts'
import { ProviderError } from '../../core/errors.ts'
import type { RelyingPartySettings } from './options.ts'

/** Finds the key of a signature. @throws what `jose` throws where there is none, `ProviderError` where nobody can tell. */
type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

/** A provider that answered. */
export interface Discovered {
  readonly client: Configuration
  readonly findKey: FindKey
  readonly endSessionEndpoint: string | undefined
  /** Whether each of its answers says whose it is (RFC 9207). */
  readonly namesIssuer: boolean
}

export interface Provider {
  /** @throws {ProviderError} `ERR_PROVIDER_UNAVAILABLE` */
  discover(): Promise<Discovered>
  /** What is known already, without asking. */
  readonly known: Discovered | undefined
}

const KEPT_FOR = hours(1)
/** A key set without the key: the token's fault. Everything else is the network's, or the provider's. */
const NO_SUCH_KEY: readonly unknown[] = ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED']

export function createProvider(settings: RelyingPartySettings, clock: Clock): Provider {
  let known: Discovered | undefined
  let knownSince = 0
  let asking: Promise<Discovered> | undefined

  async function ask(): Promise<Discovered> {
    try {
      known = await discoverProvider(settings)
      knownSince = clock()
      return known
    } catch (cause) {
      // What it said an hour ago is better than nobody signing in or out.
      if (known !== undefined) return known
      throw asProviderError(cause)
    } finally {
      asking = undefined
    }
  }

  return {
    async discover() {
      if (known !== undefined && Math.abs(clock() - knownSince) < KEPT_FOR) return known
      asking ??= ask()
      return await asking
    },
    get known() {
      return known
    },
  }
}

async function discoverProvider(settings: RelyingPartySettings): Promise<Discovered> {
  const { issuer, clientId, timeout, allowsHttp } = settings
  const openid = await import('openid-client')
  const { createRemoteJWKSet } = await import('jose')
  const client = await openid.discovery(new URL(issuer), clientId, undefined, await authenticationOf(settings), {
    timeout: timeout / 1000,
    ...(allowsHttp && { execute: [openid.allowInsecureRequests] }),
  })
  client.timeout = timeout / 1000
  const metadata = client.serverMetadata()
  // As text: what only looks alike to a URL parser is another issuer (OpenID Connect Discovery 1.0, 4.3; ASVS 5.0, 10.5.3).
  if (metadata.issuer !== issuer) throw new ProviderError('The provider says that it is another issuer than the configured one.')
  const keys = createRemoteJWKSet(safeEndpoint(metadata.jwks_uri, allowsHttp), { timeoutDuration: timeout })
  const end = metadata.end_session_endpoint
  return {
    client,
    findKey: async (header, token) => {
      try {
        return await keys(header, token)
      } catch (cause) {
        if (NO_SUCH_KEY.includes(codeOf(cause))) throw cause
        throw new ProviderError('The provider did not give the keys it signs with.', { cause })
      }
    },
    endSessionEndpoint: end === undefined ? undefined : safeEndpoint(end, allowsHttp).href,
    namesIssuer: metadata.authorization_response_iss_parameter_supported === true,
  }
}

async function authenticationOf({ clientSecret, clientKey }: RelyingPartySettings) {
  const { ClientSecretBasic, PrivateKeyJwt } = await import('openid-client')
  if (clientKey === undefined) return ClientSecretBasic(clientSecret)
  const { key, kid } = clientKey
  return PrivateKeyJwt(kid === undefined ? key : { key, kid })
}

function safeEndpoint(value: unknown, allowsHttp: boolean): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol === 'https:' || (allowsHttp && url?.protocol === 'http:')) return url
  throw new ProviderError('The provider names an endpoint that is no https URL.')
}

/** What the network, or an answer that is none, comes to. */
export function asProviderError(cause: unknown): ProviderError {
  if (cause instanceof ProviderError) return cause
  return new ProviderError('The OpenID provider did not answer, or not as a provider does. Nobody was signed in or out by it.', {
    cause,
  })
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
