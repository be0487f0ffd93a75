/**
 * The relying party: sign-in with an OpenID Provider, and sign-out there that ends the sessions here (OpenID Connect Core, RP-Initiated, Front-Channel and
 * Back-Channel Logout 1.0), through `openid-client`. What the provider says becomes an ordinary session: its tokens go no further.
 */
import process from 'node:process'
import { ConfigError } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { ledgerCalls } from '../core/store-calls.ts'
import { type Endpoint, type Endpoints, endpointsOf } from '../http/endpoints.ts'
import type { GuardedHttp, RequestGuard } from '../http/request-guard.ts'
import { doubtIfOld } from './relying-party/age.ts'
import type { RelyingPartyContext } from './relying-party/context.ts'
import { type FinishOptions, finishAtProvider, noteToCome, type SignInOutcome } from './relying-party/finishing.ts'
import { backChannelLogout, frontChannelLogout } from './relying-party/logout-endpoints.ts'
import { checkedLedger, checkInstalled, invalid, type RelyingPartyOptions, resolveRelyingParty } from './relying-party/options.ts'
import { createProvider } from './relying-party/provider.ts'
import { createSealing } from './relying-party/sealing.ts'
import {
  finishSignOutAtProvider,
  type SignOutOptions,
  type SignOutOutcome,
  signOutAtProvider,
} from './relying-party/signing-out.ts'
import { type StartOptions, startAtProvider } from './relying-party/starting.ts'
import { Transactions } from './relying-party/transactions.ts'

export type { FinishOptions, SignInOutcome, SignInRefusal } from './relying-party/finishing.ts'
export type { ClientKey, IdTokenAlgorithm, IdTokenClaims, RelyingPartyOptions } from './relying-party/options.ts'
export type { SignOutOptions, SignOutOutcome } from './relying-party/signing-out.ts'
export type { StartOptions } from './relying-party/starting.ts'

/** What to register with the provider, by the names it has there (OpenID Connect Dynamic Client Registration 1.0, and the logout specifications). */
export interface ClientRegistration {
  readonly client_id: string
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris?: readonly string[]
  readonly response_types: readonly ['code']
  readonly grant_types: readonly ['authorization_code']
  readonly token_endpoint_auth_method: 'client_secret_basic' | 'private_key_jwt'
  readonly id_token_signed_response_alg: string
  readonly backchannel_logout_uri?: string
  readonly backchannel_logout_session_required?: true
  readonly frontchannel_logout_uri?: string
  readonly frontchannel_logout_session_required?: true
}

/** What `relyingParty` gives: a guard for an adapter's `guards`, endpoints for the server, and the steps of a sign-in for your routes. */
export interface RelyingParty extends RequestGuard, Endpoints {
  /**
   * Starts a sign-in at the provider. Call it in a route that a person chose, best a POST: a link from elsewhere should not sign anybody in (ASVS 5.0, 7.6.2).
   *
   * @param session - The request's; signed in or not. It is replaced when the person comes back.
   * @param options - See `StartOptions`: where to go afterwards, and how much the provider is to prove.
   * @returns The provider's address, to redirect to with 303. The answer carries the transaction's cookie, for ten minutes.
   * @throws {ProviderError} `ERR_PROVIDER_UNAVAILABLE` - the provider is away, or is another than configured. Status 503.
   * @throws {TransportError} `ERR_TRANSPORT_INSECURE` - no cookie may be set on this channel.
   * @throws {SessionStateError} `ERR_SESSION_COMMITTED` - headers have left.
   * @see OpenID Connect Core 1.0, 3.1.2; RFC 7636; RFC 9700, 2.1
   * @example
   * app.post('/sign-in', async (req, res) => res.redirect(303, await sso.start(req.session, { returnTo: req.query.next })))
   */
  start(session: Session<unknown>, options?: StartOptions): Promise<string>
  /**
   * Asks the provider for more, or for a new proof, by the person this session is signed in as. `finish` then elevates the session, and only for the same
   * `iss` and `sub`.
   *
   * @param session - Signed in by this provider.
   * @param options - `acrValues` for a level; `maxAge` for how old the proof may be, default 0 (a new one) unless `acrValues` says what is wanted.
   * @returns As `start`.
   * @throws As `start`, and {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in by this provider. Status 401.
   * @see RFC 9470; ASVS 5.0, 7.5.3
   * @example
   * res.redirect(303, await sso.stepUp(req.session, { acrValues: ['urn:example:mfa'], returnTo: '/transfer' }))
   */
  stepUp(session: Session<unknown>, options?: StartOptions): Promise<string>
  /**
   * Finishes what `start` or `stepUp` began, in the route of `redirectUri`. It reads the request's URL, and signs the session in, or elevates it.
   *
   * @param session - The request's.
   * @param options - `keep`, `isPersistent` and `due`, as those of `session.signIn`.
   * @returns `ok: true` with the subject, the claims and where to go; else why nobody was signed in, a machine word: show a page with a way to try again, never
   * the word's details.
   * @throws {ProviderError} `ERR_PROVIDER_UNAVAILABLE` - nobody was signed in. Status 503.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - nobody was signed in.
   * @throws {SessionStateError} `ERR_SESSION_LIMIT`, `ERR_SESSION_COMMITTED`, as `session.signIn`.
   * @see OpenID Connect Core 1.0, 3.1.3.7; RFC 9207; ASVS 5.0, 10.1.2, 10.5.1-10.5.4
   * @example
   * const outcome = await sso.finish(req.session)
   * res.redirect(303, outcome.ok ? outcome.returnTo : `/sign-in?failed=${outcome.reason}`)
   */
  finish(session: Session<unknown>, options?: FinishOptions): Promise<SignInOutcome>
  /**
   * Signs out here, and gives the address where the provider does. Call it in a POST.
   *
   * @param session - The request's; a visitor's, or one that another way of signing in made, is no mistake.
   * @param options - `returnTo`, where the person comes back to in the end.
   * @returns Where to redirect to with 303: the provider's sign-out, or `returnTo` where there is none, or it is away. Here they are signed out in any case.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the session may still be alive: do not tell the person otherwise.
   * @see OpenID Connect RP-Initiated Logout 1.0
   * @example
   * app.post('/sign-out', async (req, res) => res.redirect(303, await sso.signOut(req.session)))
   */
  signOut(session: Session<unknown>, options?: SignOutOptions): Promise<string>
  /**
   * Receives the person back from the provider's sign-out, in the route of `postLogoutRedirectUri`.
   *
   * @returns Where to go, if this browser signed out with this `state` a moment ago; else why not. It changes no session.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
   * @example
   * const outcome = await sso.finishSignOut(req.session)
   * res.redirect(303, outcome.ok ? outcome.returnTo : '/')
   */
  finishSignOut(session: Session<unknown>): Promise<SignOutOutcome>
  /** What to register with the provider. Nothing in it is secret. */
  readonly registration: ClientRegistration
}

/**
 * Lets people sign in with an OpenID Provider, and ends their sessions here when they sign out there.
 *
 * Hand what it gives to the adapter as a guard and to the server as endpoints, in front of the sessions; then write four short routes. It asks the
 * provider for nothing before somebody signs in.
 *
 * @param sessions - The service, from `createSessions`. Its store must find sessions by their login, unless `logout` is `none`.
 * @param options - See `RelyingPartyOptions`; `issuer`, `clientId`, `redirectUri` and one of `clientSecret` and `clientKey` are required.
 * @returns The guard, with the endpoints and the steps.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that is not safe, a store that cannot end sessions by login, a package that is not
 * installed.
 * @see OpenID Connect Core 1.0; ASVS 5.0, V10; docs/guide/sso.md
 * @example
 * const sso = relyingParty(sessions, { issuer: 'https://login.example', clientId: 'shop', clientSecret, redirectUri: 'https://shop.example/signed-in' })
 * app.use(sso.node)
 * app.use(sessionMiddleware(sessions, { guards: [sso] }))
 */
export function relyingParty<Data>(sessions: Sessions<Data>, options: RelyingPartyOptions): RelyingParty {
  const settings = resolveRelyingParty(options)
  checkInstalled()
  const service = serviceOf(sessions)
  const { config, events } = service
  if (settings.endsByProvider && config.store.capabilities.revokesLinked !== true)
    throw invalid(
      `the store '${config.store.name}' finds no sessions by their login at a provider`,
      "another store, or logout: 'none'",
      'who signs out at the provider would stay signed in here',
    )
  for (const option of settings.lowered) events.emit({ type: 'safety.lowered', option })
  const ledger = ledgerCalls(checkedLedger(options, config.store), {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => config.random(1)[0]! / 255,
    events,
  })
  const sealing = createSealing(config.keyring, config.random, [settings.issuer, settings.clientId, settings.name])
  let transactions: Transactions | undefined
  const context: RelyingPartyContext = {
    sessions: sessions as Sessions<unknown>,
    service,
    ledger,
    settings,
    sealing,
    provider: createProvider(settings, config.clock),
    transactions() {
      if (transactions !== undefined) return transactions
      throw new ConfigError(
        'relyingParty was handed to no adapter; expected guards: [sso] among its options. See docs/guide/sso.md.',
        {
          code: 'ERR_CONFIG_INVALID',
        },
      )
    },
  }
  const paths = new Map<string, Endpoint>()
  if (settings.endsByProvider) {
    paths.set(settings.backChannelPath, backChannelLogout(context))
    paths.set(settings.frontChannelPath, frontChannelLogout(context))
  }
  const notesToCome = new WeakMap<object, number>()

  return {
    ...endpointsOf(paths, options, (error) => process.emitWarning(error)),
    name: settings.name,
    attach(http: GuardedHttp) {
      if (http.sessions !== (sessions as Sessions<unknown>))
        throw invalid(
          'it was given to an adapter of other sessions',
          'that of its own',
          'it would sign people in to the wrong store',
        )
      transactions = new Transactions(http.sessionCookie, settings.name, sealing, ledger)
    },
    notesAtStart: (request) => noteToCome(notesToCome, request),
    inspect: (session) => (settings.maxAuthAge === undefined ? undefined : doubtIfOld(context, session)),
    start: (session, given = {}) => startAtProvider(context, session, given, 'sign-in'),
    stepUp: (session, given = {}) => startAtProvider(context, session, given, 'step-up'),
    finish: (session, given = {}) => finishAtProvider(context, session, given, notesToCome),
    signOut: (session, given = {}) => signOutAtProvider(context, session, given),
    finishSignOut: (session) => finishSignOutAtProvider(context, session),
    registration: registrationOf(context),
  }
}

function registrationOf({ settings }: RelyingPartyContext): ClientRegistration {
  const { clientId, redirectUri, postLogoutRedirectUri, algorithms, clientKey, endsByProvider } = settings
  // Of one origin with the redirect URI, as Front-Channel Logout 1.0, 2 asks.
  const at = (path: string) => new URL(path, redirectUri).href
  return {
    client_id: clientId,
    redirect_uris: [redirectUri],
    ...(postLogoutRedirectUri !== undefined && { post_logout_redirect_uris: [postLogoutRedirectUri] }),
    response_types: ['code'],
    grant_types: ['authorization_code'],
    token_endpoint_auth_method: clientKey === undefined ? 'client_secret_basic' : 'private_key_jwt',
    id_token_signed_response_alg: algorithms[0]!,
    ...(endsByProvider && {
      backchannel_logout_uri: at(settings.backChannelPath),
      backchannel_logout_session_required: true,
      frontchannel_logout_uri: at(settings.frontChannelPath),
      frontchannel_logout_session_required: true,
    }),
  }
}
