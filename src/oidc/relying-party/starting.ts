/** The way to the provider: a transaction of this browser, and the address to send it to (RFC 9700, 2.1.1; RFC 7636). */
import { sha256 } from '../../core/crypto.ts'
import { SessionStateError } from '../../core/errors.ts'
import type { Session } from '../../core/session.ts'
import { misuse } from '../../core/unit-of-work.ts'
import { type Exchange, exchangeOf } from '../../http/exchange.ts'
import { returnTo as safeReturnTo } from '../../http/input/return-to.ts'
import type { RelyingPartyContext } from './context.ts'
import { invalid } from './options.ts'

/** Options of `start` and `stepUp`. */
export interface StartOptions {
  /** Where the person goes afterwards: a path of this site, from a link anybody can write; anything else becomes `/`. */
  readonly returnTo?: unknown
  /**
   * What the provider may ask (OpenID Connect Core 1.0, 3.1.2.1). `none`: nothing, and it may refuse; whoever is signed in there is then signed in here
   * without having done anything, so use it only where the person chose that (ASVS 5.0, 7.6.2). Default: as the provider sees fit.
   */
  readonly prompt?: 'none' | 'login' | 'consent' | 'select_account'
  /** As the option of `relyingParty`, for this time. */
  readonly acrValues?: readonly string[]
  /** Oldest proof at the provider that will do, in milliseconds. Default: `maxAuthAge`; for a step-up 0, which is a new one. */
  readonly maxAge?: number
  /** What the person typed as their name, for the provider to fill in. Default none. It is in a URL: leave out what is private. */
  readonly loginHint?: string
}

const PROMPTS: readonly unknown[] = [undefined, 'none', 'login', 'consent', 'select_account']
/** Longer ones would make cookies that browsers do not keep, and servers on the way refuse. */
const LONGEST_RETURN_TO = 1024

export async function startAtProvider(
  context: RelyingPartyContext,
  session: Session<unknown>,
  options: StartOptions,
  kind: 'sign-in' | 'step-up',
): Promise<string> {
  const { settings, service, provider } = context
  const { prompt, acrValues = settings.acrValues, loginHint } = options
  const { maxAge = kind === 'step-up' && options.acrValues === undefined ? 0 : settings.maxAuthAge } = options
  if (!PROMPTS.includes(prompt)) throw misuse(`prompt is none of ${PROMPTS.slice(1).join(', ')}`)
  if (maxAge !== undefined && !(Number.isSafeInteger(maxAge) && maxAge >= 0))
    throw misuse('maxAge is no whole number of milliseconds')
  const sessionId = kind === 'step-up' ? steppingUp(session, settings.issuer) : undefined
  const exchange = requestOf(session)
  const { client } = await provider.discover()
  const random = () => Buffer.from(service.config.random(32)).toString('base64url')
  const [state, nonce, verifierSecret] = [random(), random(), random()]
  context.transactions().begin(exchange, {
    kind,
    state,
    nonce,
    verifierSecret,
    startedAt: service.config.clock(),
    returnTo: returnToOf(options.returnTo),
    maxAge,
    acrValues,
    sessionId,
  })
  const { buildAuthorizationUrl } = await import('openid-client')
  return buildAuthorizationUrl(client, {
    redirect_uri: settings.redirectUri,
    scope: settings.scope,
    response_type: 'code',
    state,
    nonce,
    code_challenge: sha256(Buffer.from(verifierSecret)).toString('base64url'),
    code_challenge_method: 'S256',
    // Without it a provider need not say `auth_time`. Cut to whole seconds: it asks early, never late.
    ...(maxAge !== undefined && { max_age: String(Math.floor(maxAge / 1000)) }),
    ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
    ...(prompt !== undefined && { prompt }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
  }).href
}

function steppingUp(session: Session<unknown>, issuer: string): string {
  if (session.subject !== undefined && session.providerLink?.issuer === issuer) return session.id!
  throw new SessionStateError('Nobody is signed in by this provider, so nobody can prove more there; start a sign-in instead.', {
    code: 'ERR_SESSION_ENDED',
    status: 401,
  })
}

export function returnToOf(value: unknown): string {
  const path = safeReturnTo(value)
  return path.length > LONGEST_RETURN_TO ? '/' : path
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - the session was opened without an adapter, so no cookie can be set. */
export function requestOf(session: Session<unknown>): Exchange<unknown, unknown> {
  const exchange = exchangeOf(session)
  if (exchange !== undefined) return exchange
  throw invalid('the session is of no adapter', 'the one of the request', 'a transaction belongs to a browser, by a cookie')
}

/** The query of a request's URL. */
export function queryOf(exchange: Exchange<unknown, unknown>): URLSearchParams {
  const target = exchange.facts.target ?? ''
  const at = target.indexOf('?')
  return new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
}
