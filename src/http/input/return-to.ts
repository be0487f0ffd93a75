/**
 * The address to go on to after a sign-in, which comes in by a link that anybody can write. One that leads elsewhere lends an attacker's page
 * the name of this site (open redirect; ASVS 5.0, 3.7.2; RFC 9700, 4.11.2).
 *
 * URLs are not read alike: browsers take `\` for `/`, drop tabs and line breaks, and fold `/..//evil.example` into `//evil.example`; proxies and
 * frameworks decode `%2f` before they look. So nothing is repaired here: what only might mean something else is the fallback.
 */
import { ConfigError } from '../../core/errors.ts'

/** Options of `returnTo`. */
export interface ReturnToOptions {
  /** Path that is given instead of what is not safe. Default `'/'`. */
  readonly fallback?: string
  /**
   * Origins of yours that may be returned to as absolute URLs, such as `'https://account.example'`. Default none.
   *
   * Compared whole: scheme, host and port. Every page of such an origin can be the end of a link that looks like yours.
   */
  readonly allowedOrigins?: readonly string[]
}

const LONGEST = 2048
/** Visible ASCII: without spaces, tabs, line breaks, and characters that look like a slash or become one by normalisation. */
const VISIBLE = /^[!-~]+$/
/** A host that is never asked: URLs are only taken apart with it. */
const NOWHERE = 'https://nowhere.invalid'
/** Encoded backslashes and control characters, once or twice encoded. No path of an application has them. */
const HIDDEN = /%(?:25)*(?:5c|[01][0-9a-f]|7f)/i
/** A second slash, encoded or not, behind a slash: whoever decodes it sees the beginning of a host. */
const SLASHES = /(?:\/|%(?:25)*2f)(?:\/|%(?:25)*2f)/i

/**
 * Gives a path of this site that is safe to redirect to, or the fallback.
 *
 * @param value - What the visitor's link or form said; anything at all.
 * @param options.fallback - Path for everything that is not safe. Default `'/'`.
 * @param options.allowedOrigins - Origins that may be returned to as well. Default none: then the result is always a path, beginning with one slash.
 * @returns The normalised path with query and fragment; with `allowedOrigins` possibly an absolute URL of one of them. Never throws for `value`.
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - the fallback is no safe path, or an origin is none: both are yours, not the visitor's.
 * @see ASVS 5.0, 3.7.2; OWASP Unvalidated Redirects and Forwards Cheat Sheet; RFC 9700, 4.11.2
 * @example
 * res.redirect(303, returnTo(req.query.next, { fallback: '/account' }))
 */
export function returnTo(value: unknown, options: ReturnToOptions = {}): string {
  const { fallback = '/', allowedOrigins = [] } = options
  if (fallback !== '/' && safePath(fallback) === undefined) {
    throw misuse('fallback is no safe path; expected one of this site that begins with a single slash, without encoded ones')
  }
  for (const origin of allowedOrigins) checkOrigin(origin)
  return safePath(value) ?? allowedUrl(value, allowedOrigins) ?? fallback
}

function safePath(value: unknown): string | undefined {
  return isPlain(value) && value.startsWith('/') ? safeRest(value, NOWHERE) : undefined
}

function allowedUrl(value: unknown, origins: readonly string[]): string | undefined {
  if (!isPlain(value)) return undefined
  // As text and up to the slash, or `https://shop.example.evil.example` and `https://shop.example@evil.example` would begin like it.
  const origin = origins.find((known) => value === known || value.startsWith(`${known}/`))
  if (origin === undefined) return undefined
  const rest = safeRest(value.slice(origin.length) || '/', origin)
  return rest === undefined ? undefined : origin + rest
}

function isPlain(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST && VISIBLE.test(value) && !value.includes('\\')
}

/** Path, query and fragment as a browser reads them, if it would stay on this origin whoever decodes them on the way. */
function safeRest(text: string, origin: string): string | undefined {
  if (!URL.canParse(text, origin)) return undefined
  const { origin: reached, pathname, search, hash } = new URL(text, origin)
  if (reached !== origin || HIDDEN.test(pathname) || SLASHES.test(pathname)) return undefined
  return pathname + search + hash
}

/** Plain marks only: URL parsing takes a star or a quote for part of a host. */
const ORIGIN = /^https?:\/\/[a-z0-9.:_[\]-]+$/

function checkOrigin(origin: unknown): void {
  const isOrigin = typeof origin === 'string' && ORIGIN.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin
  if (!isOrigin)
    throw misuse(
      "allowedOrigins holds something that is no origin; expected one such as 'https://account.example', without a path",
    )
}

function misuse(message: string): ConfigError {
  return new ConfigError(`returnTo: ${message}. See docs/guide/input.md.`, { code: 'ERR_ARGUMENT_INVALID' })
}
