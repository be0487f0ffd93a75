/**
 * Where a request began, compared as a whole: scheme, host and port (RFC 6454, 5). Nothing here searches or matches a pattern:
 * `https://shop.example.evil.example` begins with the right letters.
 */
import { ConfigError } from '../../core/errors.ts'

const DEFAULT_PORT = { 'https://': ':443', 'http://': ':80' } as const
const LOOPBACK = /^http:\/\/(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/

/**
 * Whether an `Origin` is that of the site the request went to.
 *
 * @param authority - The `Host` it asked for, with port. A page cannot choose it: a browser writes it, and sends no cookie of ours to another.
 */
export function isOwnOrigin(origin: string, isSecure: boolean, authority: string | undefined): boolean {
  if (authority === undefined || authority === '') return false
  const scheme = isSecure ? 'https://' : 'http://'
  if (!origin.startsWith(scheme)) return false
  if (origin.length === scheme.length + authority.length && origin.endsWith(authority)) return true
  return origin === scheme + canonical(authority, DEFAULT_PORT[scheme])
}

/** As browsers write it into `Origin`: small letters, and no port where it is the scheme's own. */
function canonical(authority: string, defaultPort: string): string {
  const lower = authority.toLowerCase()
  return lower.endsWith(defaultPort) ? lower.slice(0, -defaultPort.length) : lower
}

/** The origin of a `Referer`: what stands before its path. Whatever else is in it, a user name say, is in the answer and equals nothing. */
export function originOf(referer: string): string {
  const path = referer.indexOf('/', referer.indexOf('://') + 3)
  return path === -1 ? referer : referer.slice(0, path)
}

/**
 * Origins beside the site's own, checked.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - anything but `https://host` or `https://host:port`, spelt as browsers spell it.
 */
export function checkedOrigins(given: unknown, allowsLoopback: boolean): ReadonlySet<string> {
  if (given === undefined) return new Set()
  if (!Array.isArray(given)) throw invalid('csrf.allowedOrigins is not a list', "a list such as ['https://admin.shop.example']")
  for (const [index, origin] of given.entries()) {
    if (isExactOrigin(origin, allowsLoopback)) continue
    throw invalid(
      `csrf.allowedOrigins[${index}] is no https origin`,
      "one such as 'https://admin.shop.example' or 'https://localhost:8443', in small letters, without path, wildcard or default port" +
        ', because its pages can act for whoever is signed in',
    )
  }
  return new Set(given as string[])
}

function isExactOrigin(given: unknown, allowsLoopback: boolean): boolean {
  if (typeof given !== 'string' || given.includes('*') || !URL.canParse(given)) return false
  const { origin, protocol } = new URL(given)
  return origin === given && (protocol === 'https:' || (allowsLoopback && LOOPBACK.test(given)))
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`${given}; expected ${expected}. See docs/guide/csrf.md.`, { code: 'ERR_CONFIG_INVALID' })
}
