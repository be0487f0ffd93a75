/**
 * The provider, found when it is first needed: an application starts while its provider is away. What it says of itself is kept for an hour, and
 * longer while it cannot be asked again; its keys are fetched by `jose`, which asks anew for a key it does not know, at most twice a minute.
 */
import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters } from 'jose'
import type { Configuration } from 'openid-client'
import type { Clock } from '../../core/clock.ts'
import { hours, seconds } from '../../core/duration.ts'
import { ProviderError } from '../../core/errors.ts'
import type { RelyingPartySettings } from './options.ts'

/** Finds the key of a signature. @throws what `jose` throws where there is none, `ProviderError` where nobody can tell. */
export type FindKey = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

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
/** What failed is left alone for so long: else everybody who posts a forged token has us ask, and everybody who signs in waits for the timeout. */
const LEFT_ALONE = seconds(2)
/** The same where what it said an hour ago is there to go on with. */
const KNOWN_LEFT_ALONE = seconds(30)
/** A key set without the key: the token's fault. Everything else is the network's, or the provider's. */
const NO_SUCH_KEY: readonly unknown[] = ['ERR_JWKS_NO_MATCHING_KEY', 'ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'ERR_JOSE_NOT_SUPPORTED']

export function createProvider(settings: RelyingPartySettings, clock: Clock): Provider {
  let known: Discovered | undefined
  let knownSince = 0
  let asking: Promise<Discovered> | undefined
  const failure = new Failure(clock)

  async function ask(): Promise<Discovered> {
    try {
      known = await discoverProvider(settings, clock)
      knownSince = clock()
      return known
    } catch (cause) {
      const error = failure.happened(asProviderError(cause))
      // What it said an hour ago is better than nobody signing in or out.
      if (known !== undefined) return known
      throw error
    } finally {
      asking = undefined
    }
  }

  return {
    async discover() {
      if (known !== undefined && Math.abs(clock() - knownSince) < KEPT_FOR) return known
      const error = failure.within(known === undefined ? LEFT_ALONE : KNOWN_LEFT_ALONE)
      if (error !== undefined && known !== undefined) return known
      if (error !== undefined) throw error
      asking ??= ask()
      return await asking
    },
    get known() {
      return known
    },
  }
}

/** The latest failure, and whether it was a moment ago. */
class Failure {
  readonly #clock: Clock
  #at = 0
  #error: ProviderError | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  happened(error: ProviderError): ProviderError {
    this.#at = this.#clock()
    this.#error = error
    return error
  }

  within(milliseconds: number): ProviderError | undefined {
    return Math.abs(this.#clock() - this.#at) < milliseconds ? this.#error : undefined
  }
}

async function discoverProvider(settings: RelyingPartySettings, clock: Clock): Promise<Discovered> {
  const { issuer, clientId, timeout, allowsHttp } = settings
  const openid = await import('openid-client')
  const client = await openid.discovery(new URL(issuer), clientId, undefined, await authenticationOf(settings), {
    timeout: timeout / 1000,
    ...(allowsHttp && { execute: [openid.allowInsecureRequests] }),
  })
  client.timeout = timeout / 1000
  const metadata = client.serverMetadata()
  // As text: what only looks alike to a URL parser is another issuer (OpenID Connect Discovery 1.0, 4.3; ASVS 5.0, 10.5.3).
  if (metadata.issuer !== issuer) throw new ProviderError('The provider says that it is another issuer than the configured one.')
  const end = metadata.end_session_endpoint
  return {
    client,
    findKey: await keysAt(safeEndpoint(metadata.jwks_uri, allowsHttp), timeout, clock),
    endSessionEndpoint: end === undefined ? undefined : safeEndpoint(end, allowsHttp).href,
    namesIssuer: metadata.authorization_response_iss_parameter_supported === true,
  }
}

/** Those that are known still serve while the provider cannot be asked for more. */
async function keysAt(url: URL, timeoutDuration: number, clock: Clock): Promise<FindKey> {
  const { createLocalJWKSet, createRemoteJWKSet } = await import('jose')
  const keys = createRemoteJWKSet(url, { timeoutDuration })
  const failure = new Failure(clock)
  return async (header, token) => {
    const error = failure.within(LEFT_ALONE)
    const known = keys.fresh ? keys.jwks() : undefined
    if (error !== undefined && known === undefined) throw error
    try {
      return await (error === undefined ? keys : createLocalJWKSet(known!))(header, token)
    } catch (cause) {
      // Whether it has such a key by now, nobody can tell.
      if (error !== undefined) throw error
      if (NO_SUCH_KEY.includes(codeOf(cause))) throw cause
      throw failure.happened(
        new ProviderError('The provider did not give the keys it signs with.', { cause: withoutBody(cause) }),
      )
    }
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
    cause: withoutBody(cause),
  })
}

/** What `openid-client` throws has the provider's answer with it, tokens included, and errors are logged with their causes. */
function withoutBody(cause: unknown): Error {
  const words: string[] = []
  for (let at = cause; at instanceof Error && words.length < 5; at = at.cause) {
    const code = codeOf(at)
    words.push(`${at.name}: ${at.message}${typeof code === 'string' ? ` (${code})` : ''}`)
  }
  return new Error(words.join('; ') || 'no error was given')
}

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
