/**
 * Keeps personal responses out of shared caches: a cached answer of one person shown to another is a session leak without any
 * token stolen (OWASP Session Management Cheat Sheet, "Web Content Caching"; ASVS 5.0, 14.3.2). Responses that do not touch the
 * session are left alone, so that pages stay cacheable.
 */

/** The response headers as the policies of this folder see them; each platform's response gets one small class. */
export interface HeaderTarget {
  /** A header by its name, values joined; `undefined` when it is not there. */
  get(name: string): string | undefined
  /** Replaces a header. */
  set(name: string, value: string): void
  /** The `Set-Cookie` lines so far. */
  setCookies(): readonly string[]
  /** Replaces all `Set-Cookie` lines. */
  replaceSetCookies(lines: readonly string[]): void
}

/** RFC 9213: directives for caches in between, which some of them obey instead of `Cache-Control`. */
const TARGETED = ['CDN-Cache-Control', 'Surrogate-Control']

/**
 * Marks a response as personal, on top of what the application said.
 *
 * @param hasOwnCookie - Whether our `Set-Cookie` is on it. Then even the browser's own cache must not keep it.
 */
export function markPersonal(target: HeaderTarget, hasOwnCookie: boolean): void {
  target.set('Cache-Control', personalCacheControl(target.get('Cache-Control'), hasOwnCookie))
  target.set('Vary', withCookie(target.get('Vary')))
  for (const name of TARGETED) {
    if (target.get(name) !== undefined) target.set(name, 'no-store')
  }
}

/**
 * `no-store`, unless the application was as strict: its `no-store` or, on a response without our cookie, `private` stays as it is.
 * `public`, `max-age` and the like give way. `private="Set-Cookie"` protects only that header, so it is not `private`.
 */
export function personalCacheControl(given: string | undefined, hasOwnCookie: boolean): string {
  if (given === undefined) return 'no-store'
  const directives = given.split(',').map((directive) => directive.trim().toLowerCase())
  if (directives.includes('no-store') && !directives.includes('public')) return given
  if (!hasOwnCookie && directives.includes('private') && !directives.includes('public')) return given
  return 'no-store'
}

/** `Vary` with `Cookie` in it, for caches that keep a response in spite of everything. */
export function withCookie(given: string | undefined): string {
  return withVary(given, 'Cookie')
}

/** `Vary` with this request header in it. */
export function withVary(given: string | undefined, header: string): string {
  if (given === undefined || given.trim() === '') return header
  const names = given.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') || names.includes(header.toLowerCase()) ? given : `${given}, ${header}`
}
