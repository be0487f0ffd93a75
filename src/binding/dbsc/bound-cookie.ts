/** The bound cookie: short-lived, its value a proof that the session's key signed a moment ago. Where it goes the session cookie goes. */
import { seconds } from '../../core/duration.ts'
import type { HeaderTarget } from '../../http/cache-headers.ts'
import { resolveCookie } from '../../http/cookie-config.ts'
import { cookieValues } from '../../http/cookie-parse.ts'
import type { CookieShape, CookieWriter } from '../../http/cookie-serialise.ts'
import type { BindingMacs } from './macs.ts'
import type { Bound } from './note.ts'
import { invalid } from './options.ts'

/** What a request's bound cookie shows. `expired` and `foreign` are of another time, or another session or key. */
type Shown = 'proven' | 'expired' | 'foreign' | 'missing'

/** A browser drops it so long before it ends here: what it has just sent with it must not arrive late. */
const ON_THE_WAY = seconds(30)

export class BoundCookie {
  readonly #writer: CookieWriter
  readonly #macs: BindingMacs
  readonly #lifetime: number

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - a name that browsers would ignore, or that is the session cookie's. */
  constructor(session: CookieShape, name: string | undefined, macs: BindingMacs, lifetime: number) {
    const { path, domain, sameSite } = session
    const shared = domain === undefined ? {} : { domain, shared: true as const }
    this.#writer = resolveCookie({ name: name ?? `${session.name}-bound`, path, sameSite, ...shared }).secure
    if (this.name === session.name)
      throw invalid('cookieName is the session cookie', 'another name', 'one would overwrite the other')
    this.#macs = macs
    this.#lifetime = lifetime
  }

  get name(): string {
    return this.#writer.shape.name
  }

  /** As the browser must be told, word for word: where they differ it refreshes before every request. */
  get attributes(): string {
    return this.#writer.attributes
  }

  /** The `Set-Cookie` line for a proof given at an instant. */
  set(sessionId: string, thumbprint: string, { provenAt, now }: { readonly provenAt: number; readonly now: number }): string {
    const expiresAt = provenAt + this.#lifetime
    return this.#writer.set(this.#macs.boundProof(sessionId, thumbprint, expiresAt), { expiresAt: expiresAt - ON_THE_WAY, now })
  }

  /** What a `Cookie` header proves of a session. Several of the name, as a neighbouring host may toss them: one good one is enough. */
  judge(header: string | undefined, sessionId: string, { thumbprint }: Bound, now: number): Shown {
    let shown: Shown = 'missing'
    for (const value of header === undefined ? [] : cookieValues(header, this.name)) {
      const until = this.#macs.boundUntil(sessionId, thumbprint, value)
      if (until !== undefined && now < until) return 'proven'
      if (shown !== 'expired') shown = until === undefined ? 'foreign' : 'expired'
    }
    return shown
  }

  /** Clears one that the request brought, unless the answer sets it. */
  clearIfBrought(header: string | undefined, target: HeaderTarget): void {
    if (header === undefined || cookieValues(header, this.name).length === 0) return
    const lines = target.setCookies()
    if (!lines.some((line) => this.#writer.isAbout(line))) target.replaceSetCookies([...lines, this.#writer.clear])
  }
}
