/**
 * Writes `Set-Cookie`. The grammar is checked and the attributes are joined once, at start-up, so that one header costs one
 * concatenation, and nothing that was not checked can get into it: header injection has no way in.
 */
import { ConfigError, SojournError } from '../core/errors.ts'

/** RFC 9110, 5.6.2: a cookie's name is a token (RFC 6265bis, 4.1.1). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 6265bis, 4.1.1: no control character, blank, quote, comma, semicolon or backslash. */
const COOKIE_OCTETS = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/
/** Labels of letters, digits and inner dashes. At least two of them: a browser refuses a cookie for a whole top-level domain. */
const DOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$/i
const IP_ADDRESS = /^\d+(\.\d+){3}$/
/** RFC 6265bis, 4.1.1: any visible ASCII but `;`. Blanks are legal there, but no path of a URL has one. */
const PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/
/** RFC 6265bis, 5.6: an attribute value longer than this is ignored by browsers, and the cookie would get another scope. */
const LONGEST_ATTRIBUTE = 1024
const READ_MORE = 'See docs/reference/cookies.md.'

/**
 * Largest cookie that every browser takes, in bytes: name, value and attributes together. RFC 6265bis, 5.7 counts only name and
 * value, some browsers count the whole line; what satisfies both is safe (ASVS 5.0, 3.3.5).
 */
export const LARGEST_COOKIE = 4096

/** RFC 6265bis, 5.5: browsers cut a longer life to 400 days. Sent as such, so that header and browser say the same. */
const LONGEST_LIFE_SECONDS = 400 * 86_400

/** What a cookie is called and where it goes. */
export interface CookieShape {
  readonly name: string
  readonly path: string
  readonly domain?: string | undefined
  readonly sameSite: 'lax' | 'strict' | 'none'
  readonly isSecure: boolean
}

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const

/** Writes one cookie's `Set-Cookie` lines. */
export class CookieWriter {
  readonly shape: CookieShape
  /** The line that removes the cookie: the same name, domain and path, an empty value, both kinds of past expiry (RFC 6265bis, 4.1.1; 5.7). */
  readonly clear: string
  /** The attributes as a cookie-string has them, without any lifetime: `Path=/; Secure; HttpOnly; SameSite=Lax`. */
  readonly attributes: string
  /** Longest value this cookie can have, in characters, also when it is persistent. A store that splits a value cuts by this. */
  readonly roomForValue: number
  readonly #start: string
  readonly #attributes: string

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - a name, domain or path that a browser would ignore or that would break the header. */
  constructor(shape: CookieShape) {
    checkShape(shape)
    this.shape = shape
    this.#start = `${shape.name}=`
    this.#attributes =
      `; Path=${shape.path}` +
      (shape.domain === undefined ? '' : `; Domain=${shape.domain}`) +
      (shape.isSecure ? '; Secure' : '') +
      `; HttpOnly; SameSite=${SAME_SITE[shape.sameSite]}`
    this.attributes = this.#attributes.slice('; '.length)
    this.clear = `${this.#start}${this.#attributes}${lifetime(0, 0)}`
    const longestLifetime = lifetime(LONGEST_LIFE_SECONDS, 0).length
    this.roomForValue = LARGEST_COOKIE - this.#start.length - this.#attributes.length - longestLifetime
  }

  /**
   * The line that sets the cookie.
   *
   * @param tokenOrValue - Cookie octets only.
   * @param persistence.expiresAt - Until when a browser may keep it, in epoch milliseconds; without it, until the browser ends.
   * @throws {SojournError} `ERR_COOKIE_TOO_LARGE` - a browser would drop it without a word. `ERR_ARGUMENT_INVALID` - not cookie octets.
   */
  set(tokenOrValue: string, persistence?: { readonly expiresAt: number; readonly now: number }): string {
    if (!COOKIE_OCTETS.test(tokenOrValue)) {
      throw new ConfigError(
        `The value for cookie '${this.shape.name}' has characters a cookie cannot carry; encode it as base64url. ${READ_MORE}`,
        { code: 'ERR_ARGUMENT_INVALID' },
      )
    }
    if (tokenOrValue.length > this.roomForValue) {
      throw new SojournError(
        `The value for cookie '${this.shape.name}' has ${tokenOrValue.length} bytes; at most ${this.roomForValue} fit beside its attributes into ` +
          `the ${LARGEST_COOKIE} bytes every browser takes. ${READ_MORE}`,
        { code: 'ERR_COOKIE_TOO_LARGE' },
      )
    }
    if (persistence === undefined) return this.#start + tokenOrValue + this.#attributes
    // Cut to whole seconds: the browser forgets up to a second early, never late. The server's own deadline is what counts.
    const seconds = Math.floor((persistence.expiresAt - persistence.now) / 1000)
    const age = Math.min(Math.max(seconds, 0), LONGEST_LIFE_SECONDS)
    return this.#start + tokenOrValue + this.#attributes + lifetime(age, persistence.now)
  }

  /** The line that removes a cookie of this name from another scope, as left behind by a former configuration or set by a neighbour. */
  clearAt(scope: CookieScope): string {
    return new CookieWriter({ ...this.shape, domain: scope.domain, path: scope.path ?? '/' }).clear
  }

  /** Whether a `Set-Cookie` line is about this cookie. */
  isAbout(line: string): boolean {
    return line.startsWith(this.shape.name) && line.slice(this.shape.name.length).trimStart().startsWith('=')
  }
}

/** A domain and path that a cookie of our name may sit in. No domain: the host alone. Path: default `/`. */
export interface CookieScope {
  readonly domain?: string | undefined
  readonly path?: string | undefined
}

/** `Max-Age` wins where it is known, `Expires` is for what does not know it; they say the same (RFC 6265bis, 5.7). */
function lifetime(seconds: number, now: number): string {
  // toUTCString writes IMF-fixdate (RFC 9110, 5.6.7) for every year of four digits.
  return `; Max-Age=${seconds}; Expires=${new Date(now + seconds * 1000).toUTCString()}`
}

function checkShape({ name, domain, path }: CookieShape): void {
  if (!TOKEN.test(name) || name.length > 256) {
    throw invalid(
      'name',
      name,
      "1 to 256 letters, digits and !#$%&'*+-.^_`|~",
      'anything else ends the name early or breaks the header',
    )
  }
  if (domain !== undefined && (!DOMAIN.test(domain) || IP_ADDRESS.test(domain) || domain.length > 253)) {
    throw invalid(
      'domain',
      domain,
      "a host name with a dot, such as 'example.com', without scheme, port or leading dot",
      'a browser ignores the cookie or gives it another scope',
    )
  }
  if (!PATH.test(path) || path.length > LONGEST_ATTRIBUTE) {
    throw invalid(
      'path',
      path,
      "a path such as '/' or '/app', at most 1,024 characters",
      'a browser would use the path of the request instead',
    )
  }
}

/** `JSON.stringify` shows control characters as escapes: the message cannot be used to forge log lines. */
function invalid(option: string, given: unknown, expected: string, why: string): ConfigError {
  const shown = JSON.stringify(given)?.slice(0, 100) ?? 'undefined'
  return new ConfigError(`cookie.${option} is ${shown}; expected ${expected}, because ${why}. ${READ_MORE}`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
