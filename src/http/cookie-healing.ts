/**
 * Removes left-over cookies of our name. A browser never says which scope a cookie came from, so scopes are tried, one a response:
 * RFC 6265bis, 4.1.1 allows one `Set-Cookie` of a name, and after a few answers the stray one is gone.
 */
import { isSameScope } from './cookie-config.ts'
import type { CookieScope, CookieWriter } from './cookie-serialise.ts'

const HOST_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i
const PATH_SEGMENT = /^[\w.~%!$&'()*+,=:@-]+$/
const MOST_DOMAINS = 4
const MOST_PATHS = 4
/** Longer hosts and paths come from nobody who has a stray cookie. */
const LONGEST_PART = 253

/** Tries the scopes of stray cookies one after the other, across the responses of one adapter. */
export class CookieHealing {
  readonly #cookie: CookieWriter
  readonly #formerScopes: readonly CookieScope[]
  #turn = 0

  constructor(cookie: CookieWriter, formerScopes: readonly CookieScope[]) {
    this.#cookie = cookie
    this.#formerScopes = formerScopes
  }

  /**
   * The next line to try for a request that brought several cookies of our name; `undefined` when there is nothing to try.
   * Never the scope in use: healing cannot sign anybody out.
   *
   * @param host - The `Host` header or URL host, without port; not trusted, only its own sender's browser acts on the answer.
   * @param path - Path of the request's URL; not trusted either.
   */
  nextLine(host: string | undefined, path: string): string | undefined {
    const scopes = [...this.#formerScopes, ...this.#guesses(host?.toLowerCase(), path)]
    const scope = scopes[this.#turn++ % scopes.length]
    return scope && this.#cookie.clearAt(scope)
  }

  /**
   * A cookie of the host alone and one with `Domain=` this host are two cookies since RFC 6265bis, 5.7, and were one before (RFC 6265,
   * 5.3). Neither is guessed while the other is in use, or clients that follow the older text would lose the session.
   */
  #guesses(host: string | undefined, path: string): CookieScope[] {
    const { shape } = this.#cookie
    const own = { domain: shape.domain ?? host, path: shape.path }
    return likelyScopes(host, path).filter((scope) => !isSameScope({ ...scope, domain: scope.domain ?? host }, own))
  }
}

/** Where a stray cookie that this request carries can sit: most likely the whole host or a parent domain, else part of the path. */
function likelyScopes(host: string | undefined, path: string): CookieScope[] {
  const domains: (string | undefined)[] = [undefined]
  if (host !== undefined && host.length <= LONGEST_PART && HOST_NAME.test(host)) {
    const labels = host.split('.')
    // Down to two labels: a single one is a top-level domain, where browsers keep no cookies.
    for (let i = 0; i < Math.min(labels.length - 1, MOST_DOMAINS); i++) domains.push(labels.slice(i).join('.'))
  }
  const paths = ['/']
  let prefix = ''
  for (const segment of path
    .slice(0, LONGEST_PART)
    .split('/')
    .slice(1, MOST_PATHS + 1)) {
    if (!PATH_SEGMENT.test(segment)) break
    prefix += `/${segment}`
    paths.push(prefix)
  }
  return paths.flatMap((path) => domains.map((domain) => ({ domain, path })))
}
