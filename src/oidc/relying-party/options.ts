/** The options of a relying party: which provider, as which client, and how much is taken on its word. */
import type { CryptoKey } from 'jose'
import type { Strength } from '../../core/assurance.ts'
import { minutes, seconds } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import { isPage } from '../../http/assurance-pages.ts'
import type { TransportOptions } from '../../http/transport.ts'

/** The verified claims of an ID token. `iss` and `sub` together name one person; no other claim may (ASVS 5.0, 10.5.2). */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly iat: number
  readonly exp: number
  readonly sid?: string | undefined
  readonly auth_time?: number | undefined
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  readonly [name: string]: unknown
}

/** A private key of this client, in the platform's form, with the `kid` the provider knows it by. */
export interface ClientKey {
  readonly key: CryptoKey
  readonly kid?: string | undefined
}

/** How ID tokens and logout tokens may be signed. */
export type IdTokenAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'Ed25519' | 'PS256' | 'PS384' | 'PS512' | 'RS256'

/** Options of `relyingParty`. */
export interface RelyingPartyOptions extends TransportOptions {
  /** The provider's `iss`, exactly as it says it, such as `https://login.example`. What else answers under that address is not believed. */
  readonly issuer: string
  /** The name the provider knows this application by. Tokens for any other are refused. */
  readonly clientId: string
  /** Proves this application to the provider (`client_secret_basic`). Give this or `clientKey`. */
  readonly clientSecret?: string
  /** The same with a key (`private_key_jwt`), so that no secret is shared: whoever reads the provider's database cannot act as this application. */
  readonly clientKey?: ClientKey
  /** Where the provider sends people back to, as registered there; the route that calls `finish`. An absolute URL of this application. */
  readonly redirectUri: string
  /** Where it sends them after signing out, as registered there; the route that calls `finishSignOut`. Default: they stay with the provider. */
  readonly postLogoutRedirectUri?: string
  /** What is asked for. Default `openid`. More of it is more personal data that can leak. */
  readonly scope?: string
  /**
   * Longest time since the provider last saw the person prove anything, in milliseconds, at sign-in and for as long as the session lives: after it nothing that
   * was proved counts (`session.doubtedAt`), and `requireAssurance` sends the person to prove it anew. Default any; at least `minutes(1)`.
   *
   * Without it, whoever finds a browser whose owner signed in at the provider last month is signed in here. Providers must say `auth_time` for it.
   */
  readonly maxAuthAge?: number
  /** Levels to ask the provider for at each sign-in, best first (`acr_values`). One of them must come back, or nobody is signed in. Default none. */
  readonly acrValues?: readonly string[]
  /**
   * Your name for the person: a stable one that is nobody else's, ever. `undefined` refuses them. Default: issuer, `|`, `sub`.
   *
   * Never the e-mail address: whoever gets it next is then somebody else's session (ASVS 5.0, 10.3.3).
   */
  readonly subjectOf?: (claims: IdTokenClaims) => string | undefined | Promise<string | undefined>
  /** How strong a login at this provider is, by its claims, such as `acr`. Default 1: `amr` alone can then reach `aal2`, with `['pwd', 'otp']`. */
  readonly strengthOf?: (claims: IdTokenClaims) => Strength
  /**
   * What a login there proves where the provider sends no `amr`: RFC 8176 names, such as `pwd`. Default `oidc`, which is no kind of factor: with a code of this
   * application's own it never adds up to `aal2`, and who has such a second factor waits for it for ever.
   *
   * Say `pwd` only of a provider that always asks for a password, and never more than it always does: with `otp` or `hwk` too much, whoever has the password
   * alone is taken for somebody who proved two factors, and a second factor here is not asked for.
   */
  readonly methodOf?: (claims: IdTokenClaims) => string | readonly string[]
  /**
   * Signature algorithms that are accepted. Default ES256, EdDSA, Ed25519 and PS256. Name `RS256` where the provider signs with nothing else: it is OpenID
   * Connect's own default, and ASVS 5.0 disallows its padding (appendix C), so it is a `safety.lowered`. `none`, and anything with a shared secret, cannot be named.
   */
  readonly algorithms?: readonly IdTokenAlgorithm[]
  /**
   * Whether the provider's word ends sessions here. Default `provider`: the endpoints of back-channel and front-channel logout are served, and the store must
   * find sessions by their login. `none` needs neither, and is a `safety.lowered`: who signed out at the provider is still signed in here.
   */
  readonly logout?: 'provider' | 'none'
  /** Where the provider tells of logouts. Defaults: `/<name>/back-channel-logout` and `/<name>/front-channel-logout`. */
  readonly paths?: { readonly backChannelLogout?: string; readonly frontChannelLogout?: string }
  /**
   * Whether the ID token is kept, sealed, for as long as its session: providers that want `id_token_hint` at sign-out else ask the person. Default `true`. It
   * goes to the provider in a URL, and its claims with it.
   */
  readonly keepIdToken?: boolean
  /** Longest life of a logout token, `exp` less `iat`. Default and most tolerated by the standard's advice: `minutes(2)`; at most `minutes(60)`. */
  readonly logoutTokenLifetime?: number
  /**
   * Accepts logout tokens without `typ: logout+jwt`, from providers that write none. Default `false`. It is a `safety.lowered`: what else the provider signs
   * for this client may then pass for one (ASVS 5.0, 10.5.5).
   */
  readonly dangerouslyAllowUntypedLogoutTokens?: boolean
  /**
   * Where it is remembered what was used: the ledger of this store. Default: that of the sessions; another is required where those are in memcached or in sealed
   * cookies. What it forgets can be used again: a callback from a browser's history, or from whoever copied it.
   */
  readonly ledger?: Pick<Store, 'name' | 'capabilities' | 'ledger'>
  /** Longest wait for the provider, in milliseconds. Default `seconds(5)`; at most `seconds(60)`. Whoever signs in waits that long. */
  readonly timeout?: number
  /** A short word for this provider, where there are several: part of cookie names and paths. Default `sso`. */
  readonly name?: string
}

/** The options, checked and complete. */
export interface RelyingPartySettings
  extends Required<
    Pick<
      RelyingPartyOptions,
      'issuer' | 'clientId' | 'redirectUri' | 'scope' | 'acrValues' | 'algorithms' | 'keepIdToken' | 'timeout' | 'name'
    >
  > {
  readonly clientSecret: string | undefined
  readonly clientKey: ClientKey | undefined
  readonly postLogoutRedirectUri: string | undefined
  readonly maxAuthAge: number | undefined
  readonly subjectOf: NonNullable<RelyingPartyOptions['subjectOf']>
  readonly strengthOf: NonNullable<RelyingPartyOptions['strengthOf']>
  readonly methodOf: NonNullable<RelyingPartyOptions['methodOf']>
  readonly endsByProvider: boolean
  readonly backChannelPath: string
  readonly frontChannelPath: string
  readonly logoutTokenLifetime: number
  readonly allowsUntyped: boolean
  readonly allowsHttp: boolean
  /** Options of these that lower safety. */
  readonly lowered: readonly string[]
}

const DEFAULT_ALGORITHMS: readonly IdTokenAlgorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256']
const ALGORITHMS: readonly unknown[] = [...DEFAULT_ALGORITHMS, 'ES384', 'ES512', 'PS384', 'PS512', 'RS256']
/** Other parts keep notes with a session under these. */
const TAKEN: readonly string[] = ['tokens', 'stepup', 'traits', 'dbsc', 'anomalies']
const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why. */
export function resolveRelyingParty(options: RelyingPartyOptions): RelyingPartySettings {
  const { issuer, clientId, clientSecret, clientKey, redirectUri, postLogoutRedirectUri, name = 'sso' } = options
  const { algorithms = DEFAULT_ALGORITHMS, acrValues = [], scope = 'openid', logout = 'provider', maxAuthAge } = options
  const { dangerouslyAllowHttp: allowsHttp = false, dangerouslyAllowUntypedLogoutTokens: allowsUntyped = false } = options
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw invalid(
      'name is no short word',
      "lower-case letters, digits and dashes, such as 'sso'",
      'it goes into cookie names and paths',
    )
  if (TAKEN.includes(name))
    throw invalid(
      'name is one that is taken',
      "another, such as 'sso'",
      'what is noted of sessions under one name would be two things',
    )
  checkUrl('issuer', issuer, allowsHttp)
  if (/[?#|]/.test(issuer))
    throw invalid('issuer has a query, a fragment or a bar', 'its plain address', 'it is compared as it is')
  if (typeof clientId !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(clientId))
    throw invalid('clientId is no client id', '1 to 255 visible ASCII characters', 'tokens are compared with it')
  if ((clientSecret === undefined) === (clientKey === undefined))
    throw invalid(
      'there is not exactly one of clientSecret and clientKey',
      'one',
      'a client that proves nothing can be played by anybody',
    )
  if (clientSecret !== undefined && (typeof clientSecret !== 'string' || clientSecret === ''))
    throw invalid('clientSecret is empty or no string', 'what the provider gave', 'it proves this client')
  if (clientKey !== undefined && clientKey.key?.type !== 'private')
    throw invalid('clientKey.key is no private key', 'a CryptoKey of type private', 'it signs assertions')
  checkUrl('redirectUri', redirectUri, allowsHttp)
  if (postLogoutRedirectUri !== undefined) checkUrl('postLogoutRedirectUri', postLogoutRedirectUri, allowsHttp)
  if (typeof scope !== 'string' || !scope.split(' ').includes('openid'))
    throw invalid("scope has no 'openid'", "such as 'openid email'", 'without it there is no ID token')
  const areAlgorithms = Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every((alg) => ALGORITHMS.includes(alg))
  if (!areAlgorithms)
    throw invalid('algorithms names none, or one it cannot', `some of ${ALGORITHMS.join(', ')}`, 'a token must not choose')
  if (!Array.isArray(acrValues) || !acrValues.every((acr) => typeof acr === 'string' && /^\S{1,200}$/.test(acr)))
    throw invalid('acrValues is no list of words', "such as ['urn:example:mfa']", 'they are sent separated by blanks')
  if (logout !== 'provider' && logout !== 'none')
    throw invalid("logout is neither 'provider' nor 'none'", 'one of them', 'what is not said cannot be kept')
  const { backChannelLogout = `/${name}/back-channel-logout`, frontChannelLogout = `/${name}/front-channel-logout` } =
    options.paths ?? {}
  for (const path of [backChannelLogout, frontChannelLogout])
    if (!isPage(path))
      throw invalid('paths has one that is no plain path', "such as '/sso/back-channel-logout'", 'the provider calls it')
  if (backChannelLogout === frontChannelLogout) throw invalid('paths has the same twice', 'two paths', 'each has its own meaning')
  return {
    issuer,
    clientId,
    clientSecret,
    clientKey,
    redirectUri,
    postLogoutRedirectUri,
    scope,
    acrValues,
    algorithms,
    name,
    allowsHttp,
    allowsUntyped,
    maxAuthAge: maxAuthAge === undefined ? undefined : within('maxAuthAge', maxAuthAge, minutes(1), minutes(60 * 24 * 366)),
    subjectOf: options.subjectOf ?? (({ iss, sub }) => `${iss}|${sub}`),
    strengthOf: options.strengthOf ?? (() => 1),
    methodOf: options.methodOf ?? (() => 'oidc'),
    endsByProvider: logout === 'provider',
    backChannelPath: backChannelLogout,
    frontChannelPath: frontChannelLogout,
    keepIdToken: options.keepIdToken ?? true,
    logoutTokenLifetime: within('logoutTokenLifetime', options.logoutTokenLifetime ?? minutes(2), seconds(30), minutes(60)),
    timeout: within('timeout', options.timeout ?? seconds(5), 100, seconds(60)),
    lowered: [
      ...(logout === 'none' ? ['relyingParty.logout'] : []),
      ...(algorithms.includes('RS256') ? ['relyingParty.algorithms'] : []),
      ...(allowsUntyped ? ['relyingParty.dangerouslyAllowUntypedLogoutTokens'] : []),
      ...(allowsHttp ? ['relyingParty.dangerouslyAllowHttp'] : []),
    ],
  }
}

function checkUrl(option: string, value: unknown, allowsHttp: boolean): void {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  const isSafe = url?.protocol === 'https:' || (allowsHttp && url?.protocol === 'http:' && LOOPBACK.test(url.hostname))
  // Userinfo is no part of an address that anybody registers, and shows in logs.
  if (isSafe && url!.username === '' && url!.password === '' && url!.hash === '') return
  throw invalid(
    `${option} is no https URL`,
    'an absolute one without fragment; http for this machine alone, with dangerouslyAllowHttp',
    'codes and tokens travel there',
  )
}

function within(option: string, value: unknown, least: number, most: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(
    `${option} is out of bounds`,
    `whole milliseconds from ${least} to ${most}`,
    'outside of them it is nearly always the wrong unit',
  )
}

/** A ledger that forgets takes what was used for what is new. */
export function checkedLedger({ ledger }: RelyingPartyOptions, sessions: Store): NonNullable<RelyingPartyOptions['ledger']> {
  const store = ledger ?? sessions
  if (typeof store.ledger?.claim !== 'function')
    throw invalid('ledger is no store', "one such as sqliteStore('ledger.db')", 'what was used must be remembered')
  const { evicts, carries } = store.capabilities
  if (!evicts && !carries) return store
  throw invalid(
    `the store '${store.name}' ${evicts ? 'makes room by forgetting' : 'keeps nothing'}`,
    'the option ledger, a store that forgets nothing',
    'a sign-in could be finished twice',
  )
}

/** Says no value: an option may hold a secret by mistake. */
export function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`relyingParty: ${given}; expected ${expected}, because ${why}. See docs/guide/sso.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a package that speaks with providers is not installed. */
export function checkInstalled(): void {
  for (const name of ['openid-client', 'jose']) {
    try {
      // Not every bundler has it; there the import itself would already have failed.
      import.meta.resolve?.(name)
    } catch {
      throw invalid(`the package '${name}' is not there`, `npm install ${name}`, 'it speaks with the provider')
    }
  }
}
