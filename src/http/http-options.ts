/** The options every adapter takes, and what they come to. */
import type { Clock } from '../core/clock.ts'
import type { Sessions } from '../core/sessions.ts'
import { type ClearSiteDataOptions, clearSiteDataHeader } from './clear-site-data.ts'
import { type CookieOptions, resolveCookie } from './cookie-config.ts'
import { CookieHealing } from './cookie-healing.ts'
import type { CookieWriter } from './cookie-serialise.ts'
import { Transport, type TransportOptions, type TransportVerdict } from './transport.ts'

/** Options of an adapter. All have safe defaults. */
export interface HttpOptions<Native> extends TransportOptions, ClearSiteDataOptions {
  /** The session cookie. Default `__Host-sjn=...; Path=/; Secure; HttpOnly; SameSite=Lax`. */
  readonly cookie?: CookieOptions
  /**
   * Whether a request is the person's doing. Default: every request is. Answer `false` for polling and the like: otherwise a forgotten
   * tab keeps its session alive up to the absolute timeout, for whoever sits down in front of it (ASVS 5.0, 7.3.1).
   */
  readonly isActivity?: (request: Native) => boolean
}

/** A cookie and what clears its left-overs. */
interface CookieUse {
  readonly writer: CookieWriter
  readonly healing: CookieHealing
}

/** One adapter's configuration, checked. Made once, at start-up. */
export class SessionHttp<Data, Native> {
  readonly sessions: Sessions<Data>
  readonly transport: Transport
  readonly clock: Clock
  readonly isActivity: ((request: Native) => boolean) | undefined
  /** Value of `Clear-Site-Data` at logout. */
  readonly clearSiteData: string | undefined
  readonly #secure: CookieUse
  readonly #plain: CookieUse

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
  constructor(sessions: Sessions<Data>, options: HttpOptions<Native>) {
    const { secure, plain, formerScopes } = resolveCookie(options.cookie)
    this.sessions = sessions
    this.transport = new Transport(options)
    this.clock = sessions.clock
    this.isActivity = options.isActivity
    this.clearSiteData = clearSiteDataHeader(options.clearSiteData)
    this.#secure = { writer: secure, healing: new CookieHealing(secure, formerScopes) }
    this.#plain = { writer: plain, healing: new CookieHealing(plain, []) }
    reportLowered(sessions, options)
  }

  /** The cookie for a channel; `undefined` where no session may travel. */
  cookieFor(verdict: TransportVerdict): CookieUse | undefined {
    return verdict === 'secure' ? this.#secure : verdict === 'loopback' ? this.#plain : undefined
  }
}

/** Options that lower safety are on the record from the start (ASVS 5.0, 16.3.3). */
function reportLowered(sessions: Pick<Sessions, 'events'>, { cookie, dangerouslyAllowHttp }: HttpOptions<never>): void {
  if (dangerouslyAllowHttp) sessions.events.emit({ type: 'safety.lowered', option: 'dangerouslyAllowHttp' })
  if (cookie?.domain !== undefined) sessions.events.emit({ type: 'safety.lowered', option: 'cookie.domain' })
  if (cookie?.sameSite === 'none') sessions.events.emit({ type: 'safety.lowered', option: 'cookie.sameSite' })
}
