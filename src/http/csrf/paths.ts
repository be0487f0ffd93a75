/** Lists of paths and functions that say which requests an option is about. */
import { ConfigError } from '../../core/errors.ts'
import type { NativeFacts } from '../request-facts.ts'

/** What a function said, or whether the path is on the list. */
export type Matcher<Native> = (facts: NativeFacts<Native>) => unknown

/** Visible ASCII without what a router or a proxy could read in two ways: escapes, a query, a fragment, a backslash, a wildcard. */
const PATH = /^\/[\x21\x24\x26-\x29\x2b-\x3e\x40-\x5b\x5d-\x7e]*$/
/** Segments that are none: empty, or dots that lead elsewhere. */
const ODD_SEGMENT = /\/(?:\/|\.{1,2}(?:\/|$))/
const READ_MORE = 'See docs/guide/csrf.md.'

/**
 * Exact paths: `/hook` is neither `/hook/`, `//hook` nor `/hook/../transfer`, whatever a router makes of those.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - no list of such paths, and no function.
 */
export function checkedMatcher<Native>(name: string, given: unknown): Matcher<Native> | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'function') return ({ request }) => (given as (request: Native) => unknown)(request)
  if (!Array.isArray(given)) throw invalid(`csrf.${name} is neither a list of paths nor a function`, "such as ['/hooks/payment']")
  for (const [index, path] of given.entries()) {
    if (typeof path === 'string' && PATH.test(path) && !ODD_SEGMENT.test(path)) continue
    throw invalid(
      `csrf.${name}[${index}] is no exact path`,
      "one such as '/hooks/payment', without query, wildcard, escapes or dots; for more, give a function of the request",
    )
  }
  const paths: ReadonlySet<string> = new Set(given as string[])
  return ({ path }) => paths.has(path)
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` */
export function checkedFunction<T>(name: string, given: T): T {
  if (given === undefined || typeof given === 'function') return given
  throw invalid(`csrf.${name} is no function`, 'a function of the request')
}

export function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`${given}; expected ${expected}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
