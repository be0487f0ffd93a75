/** The options of device binding: safe without any, and refused at start-up wherever a browser would end the binding without a word. */
import { minutes, seconds } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import type { RequestFacts } from '../../http/request-facts.ts'
import type { Algorithm } from './note.ts'

/**
 * What a session that no device has bound may do: `required` nothing, `preferred` all that does not call `session.requireBinding()`, `off`
 * neither asks browsers for a key nor checks one. A session that is bound needs its device under both of the first two.
 */
export type BindingMode = 'required' | 'preferred' | 'off'

/** What `mode` may look at when it decides route by route. Nothing of it is trusted. */
export type BindingRequest = Pick<RequestFacts, 'method' | 'path' | 'host' | 'header'>

/** Options of `deviceBinding`. All have safe defaults. */
export interface DeviceBindingOptions {
  /**
   * The fallback ladder. Default `preferred`: browsers that cannot bind keep working and are marked `unbound`. Give a function to decide by
   * route. The path is as it was sent, and routers take several for one: name the routes that need less, whole, and ask `required` of all others.
   *
   * Where it answers `off`, a stolen cookie is as good as the browser it was stolen from.
   */
  readonly mode?: BindingMode | ((request: BindingRequest) => BindingMode)
  /** Where browsers register their key. Default `/dbsc/register`. */
  readonly registrationPath?: string
  /** Where they prove it again and again. Default `/dbsc/refresh`. */
  readonly refreshPath?: string
  /**
   * The bound cookie's name, prefix included. Default: the session cookie's with `-bound` behind it, such as `__Host-sjn-bound`. Its other
   * attributes are those of the session cookie.
   */
  readonly cookieName?: string
  /**
   * How long one proof counts, in milliseconds. Default `minutes(10)`, at least `minutes(3)`, at most `minutes(60)`.
   *
   * A thief who copies all cookies has this long, and no longer. Chromium renews a cookie in its last two minutes, and signs six times in nine
   * minutes for one site: much under ten minutes, a person with several sessions runs out.
   */
  readonly boundLifetime?: number
  /**
   * How long after sign-in a browser may take to register, in milliseconds, before `required` refuses. Default `minutes(1)`, at least
   * `seconds(5)`, at most `minutes(10)`. So long a cookie stolen at sign-in works, but for `session.requireBinding()`.
   */
  readonly pendingTimeout?: number
  /**
   * How long after registration requests without the bound cookie still count as `pending`, in milliseconds. Default `seconds(2)`, at most
   * `minutes(1)`. The page that follows a sign-in loads while the browser registers, and what it sent before it had the answer must not
   * arrive signed out. So long a stolen cookie still works; `0` ends it at the instant of registration.
   */
  readonly registrationGrace?: number
  /**
   * How long a challenge may be answered, in milliseconds. Default `minutes(15)`, at least `minutes(1)`, at most `minutes(60)`. Longer than
   * `boundLifetime` saves browsers a second round trip at each refresh; a proof that was signed but not sent is as old as this at most.
   */
  readonly challengeLifetime?: number
  /** Kinds of key, best first. Default `['ES256', 'RS256']`. */
  readonly algorithms?: readonly Algorithm[]
  /**
   * Origin of the registrable domain, such as `https://example.com`, when every host under it takes part. Default: the host alone. The session
   * cookie must be shared with that `domain`.
   */
  readonly includeSite?: string
  /**
   * Origins that may register sessions for the whole site; this server then answers `/.well-known/device-bound-sessions`. Default none.
   * Needed on the registrable domain when sign-in is on another host under it.
   */
  readonly registeringOrigins?: readonly string[]
  /**
   * Other sites whose links may start a refresh: hosts, `*.example.com`, or `*`. Default `['*']`, or none when the session cookie is
   * `strict`.
   *
   * Without it, who follows a link after `boundLifetime` arrives as a visitor. With it, such a site can time whether there was a refresh.
   */
  readonly allowedRefreshInitiators?: readonly string[]
}

/** The options, checked and complete. */
export interface Settings {
  readonly modeOf: (request: BindingRequest) => BindingMode
  readonly registrationPath: string
  readonly refreshPath: string
  readonly cookieName: string | undefined
  readonly boundLifetime: number
  readonly pendingTimeout: number
  readonly registrationGrace: number
  readonly challengeLifetime: number
  readonly algorithms: readonly Algorithm[]
  readonly includeSite: string | undefined
  readonly registeringOrigins: readonly string[]
  readonly allowedRefreshInitiators: readonly string[] | undefined
}

const MODES: readonly unknown[] = ['required', 'preferred', 'off']
const ALGORITHMS: readonly Algorithm[] = ['ES256', 'RS256']
/** What stands in a structured-field string without an escape, and has no query. */
const PATH = /^\/[A-Za-z0-9/._~-]*$/
/** The draft's host patterns: any, one, or all below one. */
const INITIATOR = /^(\*|(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*)$/
const KNOWN = new Set<string>([
  'mode',
  'registrationPath',
  'refreshPath',
  'cookieName',
  'boundLifetime',
  'pendingTimeout',
  'registrationGrace',
  'challengeLifetime',
  'algorithms',
  'includeSite',
  'registeringOrigins',
  'allowedRefreshInitiators',
] satisfies (keyof DeviceBindingOptions)[])

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
export function resolveOptions(options: DeviceBindingOptions): Settings {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined)
    throw invalid(
      'there is an option it does not have',
      `only ${[...KNOWN].join(', ')}`,
      'a typing error would else change nothing',
    )
  const { mode = 'preferred', registrationPath = '/dbsc/register', refreshPath = '/dbsc/refresh', includeSite } = options
  checkPath('registrationPath', registrationPath)
  checkPath('refreshPath', refreshPath)
  if (registrationPath === refreshPath)
    throw invalid('refreshPath is the registrationPath', 'another path', 'each has its own meaning')
  const { algorithms = ALGORITHMS, registeringOrigins = [], allowedRefreshInitiators } = options
  checkList(
    'algorithms',
    algorithms,
    (name) => (ALGORITHMS as readonly unknown[]).includes(name),
    "one or both of 'ES256' and 'RS256'",
  )
  if (algorithms.length === 0)
    throw invalid('algorithms is empty', "one or both of 'ES256' and 'RS256'", 'no browser could register')
  checkList('registeringOrigins', registeringOrigins, isHttpsOrigin, "origins such as 'https://login.example.com'")
  checkList(
    'allowedRefreshInitiators',
    allowedRefreshInitiators ?? [],
    isInitiator,
    "hosts such as 'example.org', '*.example.org' or '*'",
  )
  if (includeSite !== undefined && !isHttpsOrigin(includeSite)) {
    throw invalid('includeSite is no origin', "one such as 'https://example.com'", 'a browser refuses to register with any other')
  }
  return {
    modeOf: typeof mode === 'function' ? (request) => checkedMode(mode(request)) : fixed(checkedMode(mode)),
    registrationPath,
    refreshPath,
    cookieName: options.cookieName,
    boundLifetime: within('boundLifetime', options.boundLifetime, minutes(10), minutes(3), minutes(60)),
    pendingTimeout: within('pendingTimeout', options.pendingTimeout, minutes(1), seconds(5), minutes(10)),
    registrationGrace: within('registrationGrace', options.registrationGrace, seconds(2), 0, minutes(1)),
    challengeLifetime: within('challengeLifetime', options.challengeLifetime, minutes(15), minutes(1), minutes(60)),
    algorithms,
    includeSite,
    registeringOrigins,
    allowedRefreshInitiators,
  }
}

const fixed = (mode: BindingMode) => () => mode

function checkedMode(mode: unknown): BindingMode {
  if (MODES.includes(mode)) return mode as BindingMode
  throw invalid(
    "mode is none of 'required', 'preferred' and 'off', and no function that answers one",
    'one of them',
    'what is not said cannot be kept',
  )
}

function checkPath(name: string, path: unknown): void {
  if (typeof path === 'string' && PATH.test(path) && !path.startsWith('//') && path.length <= 200) return
  throw invalid(
    `${name} is no plain path`,
    "one such as '/dbsc/refresh', without query",
    'it goes into a header, and is compared with what browsers ask for',
  )
}

function checkList(name: string, list: unknown, isGood: (item: unknown) => boolean, expected: string): void {
  if (Array.isArray(list) && list.every(isGood) && new Set(list).size === list.length) return
  throw invalid(`${name} is no list of these, each once`, expected, 'a browser would ignore it, or refuse to register')
}

function isHttpsOrigin(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('https://') && URL.canParse(value) && new URL(value).origin === value
}

function isInitiator(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 253 && INITIATOR.test(value)
}

function within(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  const why =
    name === 'boundLifetime'
      ? 'browsers renew in the last two minutes, at each request if there is no more, and sign six times in nine minutes; a thief has as long as this'
      : 'outside of them it is nearly always the wrong unit'
  throw invalid(`${name} is out of bounds`, `whole milliseconds from ${least} to ${most}`, why)
}

/** Says no value: an option may hold a secret by mistake. */
export function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`deviceBinding: ${given}; expected ${expected}, because ${why}. See docs/guide/dbsc.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
