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
  /**
   * The last good value of each binding, for as long as core remembers its record: a browser sends the same one for minutes, and comparing it
   * costs a tenth of the MAC.
   */
  readonly #good = new WeakMap<Bound, { readonly value: string; readonly until: number }>()

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
  judge(header: string | undefined, sessionId: string, binding: Bound, now: number): Shown {
    let shown: Shown = 'missing'
    for (const value of header === undefined ? [] : cookieValues(header, this.name)) {
      const until = this.#until(value, sessionId, binding)
      if (until !== undefined && now < until) return 'proven'
      if (shown !== 'expired') shown = until === undefined ? 'foreign' : 'expired'
    }
    return shown
  }

  #until(value: string, sessionId: string, binding: Bound): number | undefined {
    const good = this.#good.get(binding)
    if (good !== undefined && isSameText(good.value, value)) return good.until
    const until = this.#macs.boundUntil(sessionId, binding.thumbprint, value)
    // A copy: the value is a slice of the header, which would be kept with it.
    if (until !== undefined) this.#good.set(binding, { value: Buffer.from(value, 'latin1').toString('latin1'), until })
    return until
  }

  /** Clears one that the request brought, unless the answer sets it. */
  clearIfBrought(header: string | undefined, target: HeaderTarget): void {
    if (header === undefined || cookieValues(header, this.name).length === 0) return
    const lines = target.setCookies()
    if (!lines.some((line) => this.#writer.isAbout(line))) target.replaceSetCookies([...lines, this.#writer.clear])
  }
}

/** In time that depends on the lengths alone: the good value is a secret, and could else be found letter by letter. */
function isSameText(good: string, given: string): boolean {
  if (good.length !== given.length) return false
  let difference = 0
  for (let i = 0; i < good.length; i++) difference |= good.charCodeAt(i) ^ given.charCodeAt(i)
  return difference === 0
}
