/** The options every adapter takes, and what they come to. */
import type { Clock } from '../core/clock.ts'
import { ConfigError } from '../core/errors.ts'
import type { OnOutage } from '../core/reading.ts'
import type { Sessions } from '../core/sessions.ts'
import { type AssurancePages, assurancePages } from './assurance-pages.ts'
import { type ClearSiteDataOptions, clearSiteDataHeader } from './clear-site-data.ts'
import { ChunkedCookie } from './cookie-chunks.ts'
import { type CookieOptions, resolveCookie } from './cookie-config.ts'
import { CookieHealing } from './cookie-healing.ts'
import type { CsrfOptions } from './csrf/options.ts'
import { Csrf } from './csrf.ts'
import type { GuardedHttp, RequestGuard } from './request-guard.ts'
import { Transport, type TransportOptions, type TransportVerdict } from './transport.ts'
import { TransportWarnings } from './transport-report.ts'

/** Options of an adapter. All have safe defaults. */
export interface HttpOptions<Native> extends TransportOptions, ClearSiteDataOptions {
  /** The session cookie. Default `__Host-sjn=...; Path=/; Secure; HttpOnly; SameSite=Lax`. */
  readonly cookie?: CookieOptions
  /**
   * Whether a request is the person's doing. Default: every request is. Answer `false` for polling and the like: otherwise a forgotten
   * tab keeps its session alive up to the absolute timeout, for whoever sits down in front of it (ASVS 5.0, 7.3.1).
   */
  readonly isActivity?: (request: Native) => boolean
  /**
   * What becomes of a request that brought a session cookie while the store is away. Default `reject`: 503 with `Retry-After`, for nobody
   * knows who this is. Give a function to decide route by route.
   *
   * - `anonymous` lets it through with `session.state` `unavailable`: for pages that are the same for everybody. Its session can neither
   *   sign in nor out nor keep data (503), or a session that is probably alive would be lost.
   * - `readonly` serves the last copy of a near cache within its lease (`nearCache`), with `session.isReadonly`; without such a copy it
   *   rejects. A session revoked while the store was away may still be read that long.
   *
   * Never use `anonymous` where being signed out shows more, or lets more be done, than being signed in.
   */
  readonly onOutage?: OnOutage | ((request: Native) => OnOutage)
  /**
   * Further checks of who presents a session's token, such as `deviceBinding()` (`sojourn/dbsc`) and `traitChecks()` (`sojourn/traits`), asked in
   * this order. Default none: a stolen cookie is then as good as the browser it was stolen from.
   */
  readonly guards?: readonly RequestGuard[]
  /**
   * Path of the page where visitors prove more, such as `'/step-up'`. A page that calls `session.requireAssurance` in vain sends them there, with
   * `acr`, `max_age` and `returnTo` in the query: where they were, as a safe path. Default: that of `createStepUp` among the guards, else none, and pages
   * get the same 401 as programs.
   */
  readonly stepUpPage?: string
  /** The same for visitors who are not signed in at all. Default: the `stepUpPage`. */
  readonly signInPage?: string
  /** How requests that another site's page may have forged are told from this site's own. On by default; see `CsrfOptions`. */
  readonly csrf?: CsrfOptions<Native>
  /**
   * Lets every request through, wherever it began. Default `false`. For services that no browser visits, and where something in front of this
   * adapter refuses forged requests already.
   *
   * Every page of the web can then send forms as whoever is signed in, as far as SameSite cookies allow, and sibling hosts always.
   */
  readonly dangerouslyDisableCsrf?: boolean
}

/** A cookie and what clears its left-overs. */
interface CookieUse {
  readonly cookie: ChunkedCookie
  readonly healing: CookieHealing
}

/** One adapter's configuration, checked. Made once, at start-up. */
export class SessionHttp<Data, Native> {
  readonly sessions: Sessions<Data>
  readonly transport: Transport
  /** Tells the developer why no session could travel; not in production, where the event does. */
  readonly warnings: TransportWarnings | undefined
  readonly clock: Clock
  readonly isActivity: ((request: Native) => boolean) | undefined
  readonly #onOutage: OnOutage | ((request: Native) => OnOutage) | undefined
  /** Value of `Clear-Site-Data` at logout. */
  readonly clearSiteData: string | undefined
  readonly guards: readonly RequestGuard[]
  readonly assurancePages: AssurancePages
  readonly csrf: Csrf<Native>
  readonly #secure: CookieUse
  readonly #plain: CookieUse

  /**
   * @param warn - Shows a sentence to the developer; left out in production.
   * @param formField - Finds a form's token against forged requests, where the adapter can.
   * @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read.
   */
  constructor(
    sessions: Sessions<Data>,
    options: HttpOptions<Native>,
    warn?: (sentence: string) => void,
    formField?: (request: Native) => unknown,
  ) {
    const { secure, plain, formerScopes } = resolveCookie(options.cookie)
    this.sessions = sessions
    this.transport = new Transport(options)
    this.warnings = warn && new TransportWarnings(warn)
    this.clock = sessions.clock
    this.isActivity = options.isActivity
    this.#onOutage = checkedOnOutage(options.onOutage)
    this.clearSiteData = clearSiteDataHeader(options.clearSiteData)
    this.#secure = { cookie: new ChunkedCookie(secure), healing: new CookieHealing(secure, formerScopes) }
    this.#plain = { cookie: new ChunkedCookie(plain), healing: new CookieHealing(plain, []) }
    this.guards = attached(options.guards, {
      sessions,
      sessionCookie: secure.shape,
      isSecure: (facts) => this.transport.judge(facts) === 'secure',
    })
    this.assurancePages = assurancePages(options, this.guards)
    const { dangerouslyAllowHttp = false, dangerouslyDisableCsrf = false } = options
    if (typeof dangerouslyDisableCsrf !== 'boolean')
      throw new ConfigError('dangerouslyDisableCsrf is not a boolean; expected true or false. See docs/guide/csrf.md.', {
        code: 'ERR_CONFIG_INVALID',
      })
    const { shape: sessionCookie } = secure
    this.csrf = new Csrf(options.csrf, { sessions, sessionCookie, dangerouslyAllowHttp, dangerouslyDisableCsrf, formField })
    reportLowered(sessions, options)
    for (const option of this.csrf.lowered) sessions.events.emit({ type: 'safety.lowered', option })
  }

  /** What the route wants done while the store is away. */
  onOutageOf(request: Native): OnOutage | undefined {
    return typeof this.#onOutage === 'function' ? this.#onOutage(request) : this.#onOutage
  }

  /** The cookie for a channel; `undefined` where no session may travel. */
  cookieFor(verdict: TransportVerdict): CookieUse | undefined {
    return verdict === 'secure' ? this.#secure : verdict === 'loopback' ? this.#plain : undefined
  }
}

function attached(guards: unknown, http: GuardedHttp): readonly RequestGuard[] {
  if (guards === undefined) return []
  const isGuard = (guard: unknown) => typeof (guard as RequestGuard | null)?.inspect === 'function'
  if (!Array.isArray(guards) || !guards.every(isGuard)) {
    throw new ConfigError('guards is not a list of guards; expected such as [deviceBinding()]; see docs/guide/dbsc.md.', {
      code: 'ERR_CONFIG_INVALID',
    })
  }
  const list = [...(guards as RequestGuard[])]
  if (new Set(list.map((guard) => guard.name)).size < list.length) {
    throw new ConfigError('guards has two of one name; each check is made once.', { code: 'ERR_CONFIG_INVALID' })
  }
  for (const guard of list) guard.attach(http)
  return list
}

const OUTAGE_CHOICES: readonly unknown[] = ['reject', 'anonymous', 'readonly']

function checkedOnOutage<T>(given: T): T {
  if (given === undefined || typeof given === 'function' || OUTAGE_CHOICES.includes(given)) return given
  throw new ConfigError(
    "onOutage is none of 'reject', 'anonymous' and 'readonly', and no function that answers one of them; see docs/guide/outages.md.",
    { code: 'ERR_CONFIG_INVALID' },
  )
}

/** Options that lower safety are on the record from the start (ASVS 5.0, 16.3.3). */
function reportLowered(sessions: Pick<Sessions, 'events'>, { cookie, dangerouslyAllowHttp }: HttpOptions<never>): void {
  if (dangerouslyAllowHttp) sessions.events.emit({ type: 'safety.lowered', option: 'dangerouslyAllowHttp' })
  if (cookie?.domain !== undefined) sessions.events.emit({ type: 'safety.lowered', option: 'cookie.domain' })
  if (cookie?.sameSite === 'none') sessions.events.emit({ type: 'safety.lowered', option: 'cookie.sameSite' })
}
