/** The cookie's options: safe without any, and refused at start-up wherever a browser would ignore the cookie or a neighbour could read it. */
import { ConfigError } from '../core/errors.ts'
import { type CookieScope, type CookieShape, CookieWriter } from './cookie-serialise.ts'

/** Options of the session cookie. The default is `__Host-sjn=...; Path=/; Secure; HttpOnly; SameSite=Lax`. */
export interface CookieOptions {
  /**
   * The cookie's name, prefix included. Default `__Host-sjn`; `__Secure-sjn` with `domain`.
   *
   * It must start with `__Host-`, or with `__Secure-` if `domain` or `path` is given. With a plain name, a neighbouring subdomain or
   * anybody on a plain-HTTP network path could plant a cookie of their own (cookie tossing). Choose a name that says nothing of
   * what runs behind it (OWASP Session Management Cheat Sheet, "Session ID Name Fingerprinting").
   */
  readonly name?: string
  /**
   * When other sites' requests carry the cookie. Default `lax`: on top-level navigation only.
   *
   * `strict`: never, so a link from elsewhere arrives signed out. `none`: always; needed inside other sites' frames, and then
   * every form on the web can act for a signed-in person unless each unsafe request is checked (cross-site request forgery).
   */
  readonly sameSite?: 'lax' | 'strict' | 'none'
  /** Part of the site that gets the cookie. Default `/`. Paths keep nobody out: scripts of the same host reach every path. */
  readonly path?: string
  /**
   * Sends the cookie to this domain and every host under it. Default: the host that set it, alone. Needs `shared: true`.
   *
   * Whoever controls any of these hosts, by a takeover of a forgotten subdomain say, can then read and replace the session.
   */
  readonly domain?: string
  /** Says that sharing sessions with every host under `domain` is meant. Without it `domain` is refused (ASVS 5.0, 3.3.3). */
  readonly shared?: true
  /**
   * Scopes this cookie had under an earlier configuration. Their left-overs are removed, one a response, when a browser sends
   * two cookies of the name. Default none; parent domains and path prefixes of the request are tried in any case.
   */
  readonly formerScopes?: readonly CookieScope[]
}

/** The cookie as it is used: over TLS, and on a developer's own machine. */
export interface ResolvedCookie {
  readonly secure: CookieWriter
  /** For `dangerouslyAllowHttp`: no prefix and no Secure, since a browser would ignore both over plain HTTP. */
  readonly plain: CookieWriter
  readonly formerScopes: readonly CookieScope[]
}

const HOST_PREFIX = '__Host-'
const SECURE_PREFIX = '__Secure-'
const DEFAULT_SUFFIX = 'sjn'
const READ_MORE = 'See docs/reference/cookies.md.'
const OPTIONS = ['name', 'sameSite', 'path', 'domain', 'shared', 'formerScopes'] as const

/**
 * Checks the options and prepares the header lines.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read.
 */
export function resolveCookie(options: CookieOptions = {}): ResolvedCookie {
  checkKnown(options)
  const { path = '/', domain, sameSite = 'lax', formerScopes = [] } = options
  const name = options.name ?? (domain === undefined ? HOST_PREFIX : SECURE_PREFIX) + DEFAULT_SUFFIX
  if (sameSite !== 'lax' && sameSite !== 'strict' && sameSite !== 'none') {
    throw invalid(
      `sameSite is ${show(sameSite)}`,
      "'lax', 'strict' or 'none' in lower case",
      'browsers read anything else as their own default',
    )
  }
  checkSharing(options)
  const shape: CookieShape = { name, path, domain, sameSite, isSecure: true }
  checkPrefix(shape)
  const secure = new CookieWriter(shape)
  return {
    secure,
    plain: new CookieWriter({
      name: withoutPrefix(name),
      path,
      sameSite: sameSite === 'none' ? 'lax' : sameSite,
      isSecure: false,
    }),
    formerScopes: checkFormerScopes(formerScopes, secure),
  }
}

/** Typos, and options of other libraries: each would silently be less safe than its author believes. */
function checkKnown(options: CookieOptions): void {
  for (const key of Object.keys(options)) {
    if ((OPTIONS as readonly string[]).includes(key)) continue
    const given = (options as Record<string, unknown>)[key]
    if (key === 'secure' && given === false && options.sameSite === 'none') {
      throw invalid(
        "sameSite is 'none' with secure: false",
        'Secure, which Sojourn always sets',
        'browsers ignore SameSite=None without it',
      )
    }
    const hint: Record<string, string> = {
      secure: 'Secure is always set; for a developer machine without TLS there is dangerouslyAllowHttp',
      httpOnly: 'HttpOnly is always set, since a script that can read the token can send it away',
      maxAge: 'the policy sets lifetimes; a cookie that outlives the browser is asked for with signIn({ isPersistent: true })',
      expires: 'the policy sets lifetimes; a cookie that outlives the browser is asked for with signIn({ isPersistent: true })',
    }
    throw invalid(`${show(key)} was given`, `only ${OPTIONS.join(', ')}`, hint[key] ?? 'there is no such option')
  }
}

function checkSharing({ domain, shared }: CookieOptions): void {
  if (shared !== undefined && shared !== true) {
    throw invalid(
      `shared is ${show(shared)}`,
      'true, or nothing',
      'it says that sharing is meant, and a host-only cookie is the default',
    )
  }
  if (domain !== undefined && !shared) {
    throw invalid(
      `domain is ${show(domain)} without shared: true`,
      'no domain, or shared: true beside it',
      'every host under that domain can then read and replace the session (ASVS 5.0, 3.3.3)',
    )
  }
  if (domain === undefined && shared)
    throw invalid('shared is true without a domain', 'the domain to share with', 'there is nobody to share with')
}

/** RFC 6265bis, 4.1.3: what each prefix demands; browsers drop a cookie that breaks it without a word. */
function checkPrefix({ name, path, domain }: CookieShape): void {
  const lower = name.toLowerCase()
  const isHost = lower.startsWith('__host-')
  if ((isHost && !name.startsWith(HOST_PREFIX)) || (lower.startsWith('__secure-') && !name.startsWith(SECURE_PREFIX))) {
    const expected = isHost ? HOST_PREFIX : SECURE_PREFIX
    throw invalid(
      `name is ${show(name)}`,
      `the prefix spelt '${expected}'`,
      'browsers differ in what they make of another spelling',
    )
  }
  if (!name.startsWith(HOST_PREFIX) && !name.startsWith(SECURE_PREFIX)) {
    const suffix = /^[\w.-]{1,64}$/.test(name) ? name : DEFAULT_SUFFIX
    throw invalid(
      `name is ${show(name)}`,
      `a prefix, such as '${domain === undefined ? HOST_PREFIX : SECURE_PREFIX}${suffix}'`,
      'without one a neighbouring subdomain, or anybody on a plain-HTTP path, can plant a cookie of that name (ASVS 5.0, 3.3.1)',
    )
  }
  if (name.length === (isHost ? HOST_PREFIX : SECURE_PREFIX).length) {
    throw invalid(`name is ${show(name)}`, 'something after the prefix', 'a bare prefix is no name')
  }
  if (isHost && domain !== undefined) {
    throw invalid(
      `domain is ${show(domain)} with the name ${show(name)}`,
      `no domain, or a name that starts with '${SECURE_PREFIX}'`,
      `browsers ignore a '${HOST_PREFIX}' cookie that has a Domain`,
    )
  }
  if (isHost && path !== '/') {
    throw invalid(
      `path is ${show(path)} with the name ${show(name)}`,
      `path '/', or a name that starts with '${SECURE_PREFIX}'`,
      `browsers ignore a '${HOST_PREFIX}' cookie with another Path`,
    )
  }
}

/** A former scope equal to the present one would clear the session itself on every answer. */
function checkFormerScopes(scopes: readonly CookieScope[], own: CookieWriter): readonly CookieScope[] {
  for (const scope of scopes) {
    own.clearAt(scope)
    if (isSameScope(scope, own.shape)) {
      throw invalid(
        'formerScopes lists the present scope',
        'scopes the cookie had before',
        'clearing it there would sign everybody out',
      )
    }
  }
  return scopes
}

/** Whether two scopes are the same to a browser: domains in any case, no path being `/`. */
export function isSameScope(a: CookieScope, b: CookieScope): boolean {
  return a.domain?.toLowerCase() === b.domain?.toLowerCase() && (a.path ?? '/') === (b.path ?? '/')
}

function withoutPrefix(name: string): string {
  return name.slice(name.startsWith(HOST_PREFIX) ? HOST_PREFIX.length : SECURE_PREFIX.length)
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100)
}

function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`cookie.${given}; expected ${expected}: ${why}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
