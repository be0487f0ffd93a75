/** The options of time-based codes. */

import { ConfigError } from '../../core/errors.ts'
import type { Service } from '../../core/service.ts'
import type { Algorithm, Digits } from './code.ts'

/** Options of `createStepUp` under `totp`. All have safe defaults. */
export interface TotpOptions {
  /**
   * How many steps of 30 seconds a code may be early or late: `1` or `0`. Default `1`; `0` with the policies `high` and `aal3`.
   *
   * With `1` a code counts for 90 seconds, and a guess is three times as good; with `0` for 30, as ASVS 5.0, 6.5.5 has it, and who types slowly,
   * or whose phone is half a minute off, tries twice.
   */
  readonly skew?: 0 | 1
  /** Hash of new factors. Default `SHA1`, since many apps ignore what they are told and use it; within HMAC it is not broken (RFC 6238, 1.2). */
  readonly algorithm?: Algorithm
  /** Digits of new factors: `6`, the default, or `8`, which some apps ignore. A guess at `8` is a hundred times worse. */
  readonly digits?: Digits
  /** How many apps one person may enrol. Default 5, at least 1, at most 20. A guess is as many times as good. */
  readonly most?: number
}

/** What the part works with. */
export interface TotpSettings extends Required<TotpOptions> {
  readonly issuer: string
}

const KNOWN = new Set<string>(['skew', 'algorithm', 'digits', 'most'] satisfies (keyof TotpOptions)[])
const LONGEST_ISSUER = 64
const STRICT = ['high', 'aal3']

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - what was given, what was expected, why, where to read. */
export function resolveTotp(issuer: string, options: TotpOptions, { config }: Service): TotpSettings {
  // Apps show it above the code, cut the label at its first colon, and cannot be told later.
  const isName = typeof issuer === 'string' && issuer.trim() !== '' && issuer.length <= LONGEST_ISSUER && issuer.isWellFormed()
  if (!isName || /[:\p{Cc}]/u.test(issuer))
    throw invalid('issuer is no name', `1 to ${LONGEST_ISSUER} characters without a colon, such as "Sojourn Books"`)
  if (options === null || typeof options !== 'object') throw invalid('totp is no object', 'options such as { skew: 0 }')
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw invalid('there is an option it does not have', [...KNOWN].join(', '))
  const strictSkew = STRICT.includes(config.declared.preset ?? '') ? 0 : 1
  const { skew = strictSkew, algorithm = 'SHA1', digits = 6, most = 5 } = options
  if (skew !== 0 && skew !== 1) throw invalid('skew is neither 0 nor 1', '0 or 1 step of 30 seconds (RFC 6238, 5.2)')
  if (!['SHA1', 'SHA256', 'SHA512'].includes(algorithm)) throw invalid('algorithm is unknown', "'SHA1', 'SHA256' or 'SHA512'")
  if (digits !== 6 && digits !== 8) throw invalid('digits is neither 6 nor 8', '6 or 8')
  if (!Number.isInteger(most) || most < 1 || most > 20) throw invalid('most is out of range', 'a whole number from 1 to 20')
  return { issuer: issuer.trim(), skew, algorithm, digits, most }
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`createStepUp: totp: ${given}; expected ${expected}. See docs/guide/totp.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
