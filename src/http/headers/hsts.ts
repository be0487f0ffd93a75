/** Strict-Transport-Security (RFC 6797; ASVS 5.0, 3.4.1): the browser comes back over TLS only, and takes no certificate error for an answer. */
import { ConfigError } from '../../core/errors.ts'

/** Options of Strict-Transport-Security. */
export interface HstsOptions {
  /**
   * How long a browser keeps to TLS after each answer, in milliseconds. Default `days(365)`, which ASVS asks for at least. From
   * `days(1)`, or 0, which takes the promise back.
   *
   * While it is short or absent, whoever is on the same network can answer the first plain request of a visit themselves.
   */
  readonly maxAge?: number
  /**
   * Extends the promise to every subdomain. Default `false`, since one that is served without TLS could not be reached any more.
   *
   * Without it an attacker on the network can answer for a subdomain that does not exist and set cookies for the whole domain (ASVS 5.0,
   * 3.4.1, level 2 asks for it).
   */
  readonly includeSubDomains?: boolean
  /**
   * Agrees to be built into browsers (hstspreload.org). Default `false`; needs `includeSubDomains` and a year. Hard to take back.
   */
  readonly preload?: boolean
}

const DAY = 86_400_000

/**
 * The header's value; `undefined` for `false`.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a duration that looks like seconds, or `preload` without what it needs.
 */
export function hstsHeader(options: HstsOptions | false): string | undefined {
  if (options === false) return undefined
  const { maxAge = 365 * DAY, includeSubDomains = false, preload = false, ...unknown } = options
  for (const name of Object.keys(unknown)) throw invalid(`hsts has no option ${JSON.stringify(name.slice(0, 64))}`)
  if (!Number.isSafeInteger(maxAge) || (maxAge !== 0 && maxAge < DAY))
    throw invalid('hsts.maxAge is under a day; expected milliseconds, as days(365) gives them, or 0')
  if (typeof includeSubDomains !== 'boolean' || typeof preload !== 'boolean')
    throw invalid('hsts.includeSubDomains or hsts.preload is no boolean')
  if (preload && (!includeSubDomains || maxAge < 365 * DAY))
    throw invalid('hsts.preload needs includeSubDomains: true and a maxAge of a year, or browsers do not take the site in')
  return `max-age=${Math.floor(maxAge / 1000)}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}

function invalid(message: string): ConfigError {
  return new ConfigError(`securityHeaders: ${message}. See docs/guide/headers.md.`, { code: 'ERR_CONFIG_INVALID' })
}
