/** The options of passkeys: what a browser would refuse without a word is refused at start-up. */
import { minutes } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'

/** Options of passkeys. */
export interface PasskeyOptions {
  /** Your name as browsers show it when a passkey is made, such as `Shop`. */
  readonly rpName: string
  /**
   * Every origin whose pages may make and use passkeys, such as `https://shop.example`: scheme, host and port, compared exactly. One too many is a
   * page that can relay sign-ins (phishing).
   */
  readonly origins: readonly string[]
  /**
   * The domain that passkeys are made for: the host of every origin, or a parent of it. Default: the origins' host, where they share one. It cannot be
   * changed later without losing every passkey. A parent lets every host below it ask for them, though only `origins` can use the answer.
   */
  readonly rpId?: string
  /**
   * Whether the authenticator must make sure that it is its owner, by PIN or biometric. Default `required`: a passkey is then two factors in one act. With
   * `preferred` those that cannot are taken too, security keys of old, and count as one: a stolen one is then worth that factor.
   */
  readonly userVerification?: 'required' | 'preferred'
  /**
   * How long a challenge may be answered, in milliseconds. Default `minutes(5)`, at least `minutes(1)`, at most `minutes(10)` (WebAuthn level 3, 15.1). A page
   * that offers passkeys in a form's field waits longer than that: it asks for new options now and then.
   */
  readonly challengeLifetime?: number
  /** Most passkeys of one person, 1 to 100. Default 20. */
  readonly mostPerPerson?: number
}

/** The options, checked and complete. */
export interface PasskeySettings extends Required<PasskeyOptions> {}

/** Labels of letters, digits and inner dashes; one alone only for a developer's machine. */
const DOMAIN = /^(localhost|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?)$/
const KNOWN = new Set<string>([
  'rpName',
  'origins',
  'rpId',
  'userVerification',
  'challengeLifetime',
  'mostPerPerson',
] satisfies (keyof PasskeyOptions)[])

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
export function resolvePasskeys(options: PasskeyOptions): PasskeySettings {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined)
    throw invalid('there is an option they do not have', `only ${[...KNOWN].join(', ')}`, 'a typing error would change nothing')
  const { rpName, origins, userVerification = 'required' } = options
  if (typeof rpName !== 'string' || rpName.trim() === '' || rpName.length > 64)
    throw invalid('rpName is no name', 'one of 1 to 64 characters', 'authenticators cut it at 64 bytes')
  const hosts = hostsOf(origins)
  const { rpId = hosts.every((host) => host === hosts[0]) ? hosts[0] : undefined } = options
  if (typeof rpId !== 'string')
    throw invalid('rpId is missing', "the domain all origins share, such as 'example.com'", 'they have several hosts')
  if (!DOMAIN.test(rpId) || rpId.length > 253)
    throw invalid(
      'rpId is no domain',
      "one such as 'example.com', in lower case, without scheme or port",
      'browsers refuse others',
    )
  if (!hosts.every((host) => host === rpId || host.endsWith(`.${rpId}`)))
    throw invalid(
      "rpId is no origin's own host or parent of it",
      'a domain that every origin is in',
      'browsers would refuse the other origins',
    )
  if (userVerification !== 'required' && userVerification !== 'preferred')
    throw invalid('userVerification is neither word', "'required' or 'preferred'", 'what is not said cannot be kept')
  return {
    rpName,
    origins: [...origins],
    rpId,
    userVerification,
    challengeLifetime: within('challengeLifetime', options.challengeLifetime, minutes(5), minutes(1), minutes(10)),
    mostPerPerson: within('mostPerPerson', options.mostPerPerson, 20, 1, 100),
  }
}

function hostsOf(origins: unknown): string[] {
  const expected = "at least one such as 'https://shop.example', each once, without path; plain HTTP for localhost alone"
  const isList = Array.isArray(origins) && origins.length > 0 && new Set(origins).size === origins.length
  if (!isList || !origins.every(isOrigin)) throw invalid('origins is no list of origins', expected, 'they are compared exactly')
  return origins.map((origin: string) => new URL(origin).hostname)
}

/** Browsers offer passkeys to secure contexts with a domain: no address, and no plain HTTP but on the machine itself. */
function isOrigin(value: unknown): value is string {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, hostname, origin } = new URL(value)
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost')
  return origin === value && (protocol === 'https:' || (protocol === 'http:' && isLocal)) && (isLocal || DOMAIN.test(hostname))
}

function within(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(
    `${name} is out of bounds`,
    `a whole number from ${least} to ${most}`,
    'outside of them it is nearly always a mistake',
  )
}

function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`Passkeys: ${given}; expected ${expected}, because ${why}. See docs/guide/passkeys.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
