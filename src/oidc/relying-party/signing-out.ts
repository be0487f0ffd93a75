/** Signing out here and at the provider (OpenID Connect RP-Initiated Logout 1.0): here first, whatever becomes of the rest. */
import type { Session } from '../../core/session.ts'
import type { RelyingPartyContext } from './context.ts'
import { takeIdToken } from './id-token-keeping.ts'
import { queryOf, requestOf, returnToOf } from './starting.ts'
import type { NoTransaction } from './transactions.ts'

/** Options of `signOut`. */
export interface SignOutOptions {
  /** Where the person goes afterwards; as for `start`. */
  readonly returnTo?: unknown
}

/** What `finishSignOut` comes to. */
export type SignOutOutcome =
  | { readonly ok: true; readonly returnTo: string }
  | { readonly ok: false; readonly reason: NoTransaction | 'callback' }

export async function signOutAtProvider(
  context: RelyingPartyContext,
  session: Session<unknown>,
  options: SignOutOptions,
): Promise<string> {
  const { settings, service, provider } = context
  const exchange = requestOf(session)
  const returnTo = returnToOf(options.returnTo)
  const { id, providerLink } = session
  await session.signOut()
  // Not signed in by this provider: there is nothing to end there, and nobody to ask.
  if (id === undefined || providerLink?.issuer !== settings.issuer) return returnTo
  const idToken = await takeIdToken(context, id)
  // Signed out here all the same; where the provider is away it cannot be told.
  const discovered = await provider.discover().catch(() => undefined)
  if (discovered?.endSessionEndpoint === undefined) return returnTo
  const url = new URL(discovered.endSessionEndpoint)
  url.searchParams.set('client_id', settings.clientId)
  if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken)
  if (settings.postLogoutRedirectUri !== undefined) {
    const state = Buffer.from(service.config.random(32)).toString('base64url')
    context.transactions().begin(exchange, { kind: 'sign-out', state, startedAt: service.config.clock(), returnTo })
    url.searchParams.set('post_logout_redirect_uri', settings.postLogoutRedirectUri)
    url.searchParams.set('state', state)
  }
  return url.href
}

export async function finishSignOutAtProvider(context: RelyingPartyContext, session: Session<unknown>): Promise<SignOutOutcome> {
  const exchange = requestOf(session)
  const query = queryOf(exchange)
  if (query.getAll('state').length > 1) return { ok: false, reason: 'callback' }
  const now = context.service.config.clock()
  const state = query.get('state') ?? undefined
  const taken = await context.transactions().take(exchange, state, { kinds: ['sign-out'], now })
  return typeof taken === 'string' ? { ok: false, reason: taken } : { ok: true, returnTo: taken.returnTo }
}
