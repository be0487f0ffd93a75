/** Where everything is, for whoever knows the issuer alone (RFC 8414): only what exists, so that nobody tries what does not. */
import { type Endpoint, jsonAnswer } from '../http/endpoints.ts'
import { PROOF_ALGORITHMS } from './dpop/key.ts'
import type { RegisteredClient } from './options.ts'
import type { TokenParts } from './token-parts.ts'

const MAX_AGE = 3600
/** What `private_key_jwt` is verified with; see `clients/assertion.ts`. */
const CLIENT_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'PS256']

export function metadataEndpoint({ context }: Pick<TokenParts, 'context'>): Endpoint {
  const { issuer, paths, clients } = context.settings
  const all = [...clients.values()]
  const metadata = {
    issuer,
    jwks_uri: issuer + paths.jwks,
    // Required, and empty: there is no authorization endpoint here, applications sign people in by themselves.
    response_types_supported: [],
    ...(all.length > 0 && {
      token_endpoint: issuer + paths.token,
      grant_types_supported: ['refresh_token'],
      ...methodsOf('token', all),
      revocation_endpoint: issuer + paths.revocation,
      ...methodsOf('revocation', all),
      dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    }),
    ...askersOf(all, issuer + paths.introspection),
  }
  const answer = jsonAnswer(200, metadata, { 'Cache-Control': `public, max-age=${MAX_AGE}` })
  return { methods: ['GET'], answer: () => answer }
}

function askersOf(all: readonly RegisteredClient[], endpoint: string): object {
  const askers = all.filter(({ may }) => may.includes('introspect'))
  return askers.length === 0 ? {} : { introspection_endpoint: endpoint, ...methodsOf('introspection', askers) }
}

/** How the clients there are prove themselves, by the names of RFC 7591, 2. */
function methodsOf(endpoint: string, clients: readonly RegisteredClient[]): Record<string, readonly string[]> {
  const methods = [...new Set(clients.map(methodOf))]
  const signs = methods.includes('private_key_jwt') && {
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: CLIENT_ALGORITHMS,
  }
  return { [`${endpoint}_endpoint_auth_methods_supported`]: methods, ...signs }
}

function methodOf({ authentication }: RegisteredClient): string {
  if (authentication === 'public') return 'none'
  return 'clientSecret' in authentication ? 'client_secret_basic' : 'private_key_jwt'
}
