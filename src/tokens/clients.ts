/**
 * Who calls the token endpoints. A service proves itself by a secret in the `Authorization` header or by a signature; an app on a phone only says who it is.
 *
 * A secret in the request's body (`client_secret_post`) is refused, whoever's it is: bodies are kept by more logs and crash reports than that
 * header is, and RFC 6749, 2.3.1, wants them for clients only that cannot send headers, of which there are none left.
 *
 * A refused call is counted and told, but nobody is locked out: a stranger who knows a service's name could do that to it, and nobody guesses 256 bits.
 */
import { equalInConstantTime, sha256 } from '../core/crypto.ts'
import type { EndpointRequest } from '../http/endpoints.ts'
import { ASSERTION_TYPE, createAssertions, type PinnedKey, pinnedKeysOf } from './clients/assertion.ts'
import { readBasic } from './clients/basic.ts'
import { type RefusalReason, tellerOfRefusals } from './clients/refusals.ts'
import type { TokenContext } from './context.ts'
import type { RegisteredClient } from './options.ts'
import type { Clients } from './parts.ts'

/** A client as it is looked up: a secret is kept as its hash alone. */
interface KnownClient {
  readonly client: RegisteredClient
  readonly secretHash: Buffer | undefined
  readonly keys: readonly PinnedKey[]
}

type Judgement = { readonly client: RegisteredClient } | { readonly clientId: string | undefined; readonly reason: RefusalReason }

export function createClients(context: TokenContext): Clients {
  const { service, settings } = context
  const known = new Map([...settings.clients].map(([id, client]) => [id, knownClient(client)]))
  const assertions = createAssertions(
    context,
    [...known.values()].flatMap(({ keys }) => keys),
  )
  const tellRefusal = tellerOfRefusals(context)
  // Compared with where there is no such client, so that the answer takes the same time.
  const nobodysHash = Buffer.from(service.config.random(32))

  function byBasic(authorization: string, clientId: string | undefined): Judgement {
    const given = readBasic(authorization)
    if (given === undefined) return { clientId: undefined, reason: 'malformed' }
    const found = known.get(given.clientId)
    const isRight = equalInConstantTime(sha256(Buffer.from(given.clientSecret)), found?.secretHash ?? nobodysHash)
    if (found === undefined) return { clientId: undefined, reason: 'unknown' }
    if (found.secretHash === undefined) return { clientId: given.clientId, reason: 'other-method' }
    if (!isRight) return { clientId: given.clientId, reason: 'wrong-secret' }
    // RFC 6749, 3.2.1: the same client may name itself in the form as well, and nobody else.
    return clientId === undefined || clientId === given.clientId
      ? { client: found.client }
      : { clientId: given.clientId, reason: 'malformed' }
  }

  async function byAssertion(assertion: string, type: string | undefined, clientId: string | undefined): Promise<Judgement> {
    const claimed = type === ASSERTION_TYPE ? await assertions.read(assertion) : undefined
    if (claimed === undefined) return { clientId: undefined, reason: 'malformed' }
    const found = known.get(claimed.clientId)
    const problem = await assertions.judge(claimed, found?.keys ?? [])
    if (found === undefined) return { clientId: undefined, reason: 'unknown' }
    if (found.keys.length === 0) return { clientId: claimed.clientId, reason: 'other-method' }
    if (problem !== undefined) return { clientId: claimed.clientId, reason: problem }
    return clientId === undefined || clientId === claimed.clientId
      ? { client: found.client }
      : { clientId: claimed.clientId, reason: 'malformed' }
  }

  function byName(clientId: string): Judgement {
    const found = known.get(clientId)
    if (found === undefined) return { clientId: undefined, reason: 'unknown' }
    return found.client.authentication === 'public' ? { client: found.client } : { clientId, reason: 'other-method' }
  }

  async function judge(request: EndpointRequest, form: URLSearchParams): Promise<Judgement> {
    // RFC 6749, 3.2: no parameter twice, or two readers would take two different clients for the caller.
    if (OURS.some((name) => form.getAll(name).length > 1)) return { clientId: undefined, reason: 'malformed' }
    // A parameter without a value counts as left out (RFC 6749, 3.2).
    const [clientId, clientSecret, assertion, type] = OURS.map((name) => form.get(name) || undefined)
    const authorization = request.facts.header('authorization')
    if (clientSecret !== undefined) return { clientId: undefined, reason: 'secret-in-body' }
    const isAsserted = assertion !== undefined || type !== undefined
    // RFC 6749, 2.3: no more than one method a request.
    if (authorization !== undefined && isAsserted) return { clientId: undefined, reason: 'two-methods' }
    if (authorization !== undefined) return byBasic(authorization, clientId)
    if (isAsserted) return byAssertion(assertion ?? '', type, clientId)
    return clientId === undefined ? { clientId: undefined, reason: 'absent' } : byName(clientId)
  }

  return {
    async authenticate(request, form) {
      const judgement = await judge(request, form)
      if ('client' in judgement) return judgement.client
      tellRefusal(judgement.clientId, judgement.reason)
      return undefined
    },
  }
}

const OURS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']

function knownClient(client: RegisteredClient): KnownClient {
  const { authentication } = client
  const isSecret = typeof authentication === 'object' && 'clientSecret' in authentication
  return {
    client,
    secretHash: isSecret ? sha256(Buffer.from(authentication.clientSecret)) : undefined,
    keys: typeof authentication === 'object' && 'jwks' in authentication ? pinnedKeysOf(authentication.jwks.keys) : [],
  }
}
