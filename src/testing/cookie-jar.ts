import { type Clock, systemClock } from '../core/clock.ts'
import { parseSetCookie, type SameSite, type SetCookie } from './cookies/set-cookie.ts'

/** A cookie as a browser keeps it. */
export interface JarCookie {
  readonly name: string
  readonly value: string
  /** The host that set it or, if it is not host-only, the domain it is shared in. */
  readonly domain: string
  readonly isHostOnly: boolean
  readonly path: string
  readonly isSecure: boolean
  readonly isHttpOnly: boolean
  /** Kept, not acted upon: the jar does not know which site a request comes from. */
  readonly sameSite: SameSite
  /** Instant in epoch milliseconds; `undefined` for a cookie that goes with the browser's session. */
  readonly expiresAt: number | undefined
  readonly createdAt: number
}

/** A browser's cookies. */
export interface CookieJar {
  /** Takes the `Set-Cookie` headers of a response from `url`, keeping what a browser would. Returns how many it accepted. */
  store(url: string | URL, setCookieHeaders: string | readonly string[]): number
  /** The `Cookie` header of a request to `url`; `undefined` if none would be sent. */
  header(url: string | URL): string | undefined
  /** The cookies a request to `url` would carry, in their order in the header. */
  cookies(url: string | URL): readonly JarCookie[]
  /** Forgets everything, as with a new browser profile. */
  clear(): void
}

/** Options of `cookieJar`. */
export interface CookieJarOptions {
  /** What time it is; default the system's clock. */
  readonly clock?: Clock
  /** Counts plain HTTP to `localhost`, `127.0.0.1` and `[::1]` as secure, as Chromium and Firefox do. Default false. */
  readonly trustsLoopback?: boolean
}

/** Browsers cap a cookie's life at 400 days (RFC 6265bis, 5.5). */
const LONGEST_LIFE = 400 * 86_400_000

/**
 * Makes a cookie jar that behaves as a browser's: RFC 6265bis, with its rules for `Secure`, `Domain`, `Path`, lifetimes and the
 * prefixes `__Host-` and `__Secure-`.
 *
 * For tests that talk HTTP without a browser. It has no public suffix list: a domain of one label, such as `com`, is taken for a
 * public suffix, and `co.uk` is not.
 *
 * @param options.clock - What time it is; default the system's clock.
 * @param options.trustsLoopback - Whether plain HTTP to loopback counts as secure; default false.
 * @example
 * const jar = cookieJar()
 * const response = await fetch(url, { headers: { cookie: jar.header(url) ?? '' } })
 * jar.store(url, response.headers.getSetCookie())
 */
export function cookieJar(options: CookieJarOptions = {}): CookieJar {
  const clock = options.clock ?? systemClock
  const kept = new Map<string, JarCookie & { readonly order: number }>()
  let order = 0

  const isSecureUrl = (url: URL) =>
    url.protocol === 'https:' || url.protocol === 'wss:' || (options.trustsLoopback === true && isLoopback(url.hostname))

  const accept = (url: URL, header: string): boolean => {
    const parsed = parseSetCookie(header)
    if (!parsed) return false
    const cookie = toJarCookie(parsed, url, clock())
    if (!cookie || !obeysSecurity(parsed, cookie, isSecureUrl(url))) return false
    // "Leave secure cookies alone": plain HTTP must not overlay a cookie that came over TLS.
    if (!isSecureUrl(url) && [...kept.values()].some((present) => present.isSecure && overlays(cookie, present))) return false
    const key = JSON.stringify([cookie.name, cookie.domain, cookie.isHostOnly, cookie.path])
    const earlier = kept.get(key)
    if (cookie.expiresAt !== undefined && cookie.expiresAt <= clock()) kept.delete(key)
    else kept.set(key, { ...cookie, createdAt: earlier?.createdAt ?? cookie.createdAt, order: earlier?.order ?? order++ })
    return true
  }

  const cookies = (target: string | URL): JarCookie[] => {
    const url = new URL(target)
    const now = clock()
    return [...kept.values()]
      .filter((cookie) => cookie.expiresAt === undefined || cookie.expiresAt > now)
      .filter((cookie) => (cookie.isHostOnly ? url.hostname === cookie.domain : domainMatches(url.hostname, cookie.domain)))
      .filter((cookie) => pathMatches(url.pathname, cookie.path) && (!cookie.isSecure || isSecureUrl(url)))
      .sort((a, b) => b.path.length - a.path.length || a.createdAt - b.createdAt || a.order - b.order)
      .map(({ order: _order, ...cookie }) => cookie)
  }

  return {
    store: (target, headers) => {
      const url = new URL(target)
      return [headers].flat().filter((header) => accept(url, header)).length
    },
    header: (target) => {
      const pairs = cookies(target).map(({ name, value }) => (name === '' ? value : `${name}=${value}`))
      return pairs.length === 0 ? undefined : pairs.join('; ')
    },
    cookies,
    clear: () => kept.clear(),
  }
}

/** RFC 6265bis, 5.7, up to the domain; `undefined` if the host may not set a cookie for that domain. */
function toJarCookie(parsed: SetCookie, url: URL, now: number): JarCookie | undefined {
  const host = url.hostname
  const isPublicSuffix = parsed.domain !== '' && !parsed.domain.includes('.') && !isAddress(parsed.domain)
  if (isPublicSuffix && parsed.domain !== host) return undefined
  const domain = isPublicSuffix ? '' : parsed.domain
  if (domain !== '' && !domainMatches(host, domain)) return undefined
  const { name, value, isSecure, isHttpOnly, sameSite } = parsed
  const path = parsed.path ?? defaultPath(url.pathname)
  const expiresAt = toExpiresAt(parsed, now)
  return {
    name,
    value,
    domain: domain || host,
    isHostOnly: domain === '',
    path,
    isSecure,
    isHttpOnly,
    sameSite,
    expiresAt,
    createdAt: now,
  }
}

/** Max-Age wins over Expires (RFC 6265bis, 5.7, step 3). */
function toExpiresAt({ maxAge, expires }: SetCookie, now: number): number | undefined {
  if (maxAge !== undefined) return maxAge <= 0 ? Number.NEGATIVE_INFINITY : Math.min(now + maxAge * 1000, now + LONGEST_LIFE)
  return expires === undefined ? undefined : Math.min(expires, now + LONGEST_LIFE)
}

function obeysSecurity(parsed: SetCookie, cookie: JarCookie, isSecureUrl: boolean): boolean {
  if (cookie.isSecure && !isSecureUrl) return false
  if (cookie.sameSite === 'none' && !cookie.isSecure) return false
  // A cookie without a name is sent as its bare value, so a value that looks like a prefixed name would pass for one.
  if (cookie.name === '' && /^__(secure|host)-/i.test(cookie.value)) return false
  if (/^__secure-/i.test(cookie.name)) return cookie.isSecure
  if (/^__host-/i.test(cookie.name)) return cookie.isSecure && parsed.domain === '' && parsed.path === '/'
  return true
}

function overlays(cookie: JarCookie, present: JarCookie): boolean {
  const isSameHost = domainMatches(cookie.domain, present.domain) || domainMatches(present.domain, cookie.domain)
  return cookie.name === present.name && isSameHost && pathMatches(cookie.path, present.path)
}

/** RFC 6265bis, 5.1.3. */
function domainMatches(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && !isAddress(host))
}

/** RFC 6265bis, 5.1.4. */
function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || (path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/'))
}

function defaultPath(path: string): string {
  const lastSlash = path.lastIndexOf('/')
  return lastSlash <= 0 ? '/' : path.slice(0, lastSlash)
}

const isAddress = (host: string) => host.startsWith('[') || /^\d+(\.\d+){3}$/.test(host)

const isLoopback = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '[::1]'
