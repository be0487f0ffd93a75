/**
 * From http to https, for people. What a program sent in the clear is refused instead: a redirect that works would hide for years that its
 * credentials cross the network readable (ASVS 5.0, 4.1.2). So is every request with a body: it has been read on the way already, and
 * 308 would have it sent again as if nothing had happened.
 */
import { ConfigError } from '../core/errors.ts'
import type { ErrorResponse } from './error-response.ts'
import { originForm, type RequestFacts } from './request-facts.ts'
import { Transport, type TransportOptions } from './transport.ts'
import { seenIn } from './transport-report.ts'

/** Options of `httpsRedirect`. */
export interface HttpsRedirectOptions extends TransportOptions {
  /**
   * Origins this site has, such as `['https://shop.example', 'https://www.shop.example']`. A request goes to the one whose host it asked for,
   * any other to the first.
   *
   * `Host` is the client's to write. If it decided where a redirect leads, a cache on the way would send everybody where an attacker wants.
   */
  readonly origins: readonly string[]
  /**
   * Whether people visit a path with a browser. Default: all paths. Answer `false` for an API: its clients get 403 at once, rather than a
   * redirect that hides that they speak plain HTTP (ASVS 5.0, 4.1.2).
   */
  readonly isUserFacing?: (path: string) => boolean
}

/** The part of a request's facts that the redirect looks at, with the target as it came. */
export interface RedirectFacts extends RequestFacts {
  /** Path and query. Not trusted. */
  readonly target: string
}

/** One site's redirect, checked. Made once, at start-up. */
export class HttpsRedirect {
  readonly #transport: Transport
  readonly #origins: ReadonlyMap<string, string>
  readonly #first: string
  readonly #isUserFacing: (path: string) => boolean
  readonly #warn: ((sentence: string) => void) | undefined
  #hasWarned = false

  /**
   * @param warn - Shows a sentence to the developer, once; left out in production.
   * @throws {ConfigError} `ERR_CONFIG_INVALID`
   */
  constructor(options: HttpsRedirectOptions, warn?: (sentence: string) => void) {
    const { origins, isUserFacing = () => true } = options
    if (!Array.isArray(origins) || origins.length === 0) throw invalid('origins is no list of at least one origin')
    if (typeof isUserFacing !== 'function') throw invalid('isUserFacing is no function')
    this.#origins = new Map(origins.map((origin, index) => [hostOf(origin, `origins[${index}]`), origin]))
    this.#first = origins[0] as string
    this.#isUserFacing = isUserFacing
    this.#transport = new Transport(options)
    this.#warn = warn
  }

  /** What to answer instead of the site; `undefined` for a request that came by TLS, or to a developer's loopback host. */
  answer(facts: RedirectFacts): ErrorResponse | undefined {
    const verdict = this.#transport.judge(facts)
    if (typeof verdict === 'string') return undefined
    const isVisit = facts.method === 'GET' || facts.method === 'HEAD'
    if (!isVisit || facts.header('authorization') !== undefined || !this.#isUserFacing(facts.path)) {
      return answer(403, 'This has to be asked for over https.')
    }
    const origin = this.#origins.get(facts.host?.toLowerCase() ?? '') ?? this.#first
    const isProxySilent = verdict.reason === 'proxied-plain-http' && facts.header('x-forwarded-proto') === undefined
    if (isProxySilent || verdict.reason === 'untrusted-proxy') this.#warnOnce(facts)
    return answer(308, 'This has moved to https.', { Location: `${origin}${safeTarget(facts.target)}` })
  }

  /** Where the browser spoke TLS to a proxy whose word is missing or not believed, the redirect leads in circles. */
  #warnOnce(facts: RequestFacts): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#warn?.(
      `A request that a proxy forwarded was redirected to https, since nothing believable says that it came over https. Seen: ${seenIn(facts)}. ` +
        'If browsers go round in circles now, have the proxy send X-Forwarded-Proto and list its address in trustedProxies. See docs/guide/transport.md.',
    )
  }
}

/**
 * Never cached: 308 would be by default, for ever. A browser that had been sent in circles would remember it after the fault was mended. What
 * keeps browsers on https for good is Strict-Transport-Security.
 */
function answer(status: number, sentence: string, headers: Readonly<Record<string, string>> = {}): ErrorResponse {
  const always = {
    'Cache-Control': 'no-store',
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  }
  return { status, headers: { ...headers, ...always }, body: `${sentence}\n` }
}

/**
 * The path and query as one may append them to an origin: with a slash first, or `@evil.example` and `.evil.example` would make another
 * host of it, and without a character that ends a header's line.
 */
function safeTarget(target: string): string {
  const path = originForm(target)
  return /^[\x21-\x7e]*$/.test(path) ? path : path.replace(/[^\x21-\x7e]/gu, percentEncoded)
}

/** Node gives bytes over 127 as one character each: they stay the bytes they were. */
function percentEncoded(character: string): string {
  const code = character.codePointAt(0)!
  if (code <= 0xff) return `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  return encodeURIComponent(character.toWellFormed())
}

function hostOf(origin: unknown, name: string): string {
  const url = typeof origin === 'string' && URL.canParse(origin) ? new URL(origin) : undefined
  if (url?.protocol !== 'https:' || url.origin !== origin) throw invalid(`${name} is no https origin`)
  return url.hostname
}

function invalid(given: string): ConfigError {
  return new ConfigError(
    `${given}; expected such as { origins: ['https://shop.example'] }, lower case and without a path. See docs/guide/transport.md.`,
    { code: 'ERR_CONFIG_INVALID' },
  )
}
