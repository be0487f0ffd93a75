import { ConfigError } from '../../core/errors.ts'

/** What start-up says of an option that is wrong. */
export function invalid(what: string, given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`${what}: ${given}; expected ${expected}, because ${why}. See docs/guide/alerts.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}

/** A whole number of these bounds, or the default where none was given. */
export function within(what: string, name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
  throw invalid(
    what,
    `${name} is out of bounds`,
    `a whole number from ${least} to ${most}`,
    'outside of them it is nearly always a mistake',
  )
}

/** Options that are an object of known names alone. */
export function checkNames(what: string, options: unknown, known: ReadonlySet<string>): void {
  if (typeof options === 'object' && options !== null && Object.keys(options).every((key) => known.has(key))) return
  throw invalid(
    what,
    'its options hold one it does not have, or are none',
    [...known].join(', '),
    'a typing error would change nothing',
  )
}
