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

/** What is done with a list of paths: `exactly` where to match lets through, `loosely` where to match refuses. Each errs on the safe side. */
export type Manner = 'exactly' | 'loosely'

/**
 * Exact paths: `/hook` is neither `/hook/`, `//hook` nor `/hook/../transfer`, whatever a router makes of those. Loosely it is all of them, and
 * `/HOOK` and `/h%6fok`: some router takes each for the same.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - no list of such paths, and no function.
 */
export function checkedMatcher<Native>(name: string, given: unknown, manner: Manner): Matcher<Native> | undefined {
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
  const read = manner === 'exactly' ? (path: string) => path : loosened
  const paths: ReadonlySet<string> = new Set((given as string[]).map(read))
  return ({ path }) => paths.has(read(path))
}

/** A path as the most forgiving of routers reads it. */
function loosened(path: string): string {
  const segments: string[] = []
  const [plain = ''] = decoded(path.replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '')).split(/[?#]/, 1)
  for (const segment of plain.toLowerCase().split(/[/\\]/)) {
    const [name = ''] = segment.split(';', 1)
    if (name === '..') segments.pop()
    else if (name !== '' && name !== '.') segments.push(name)
  }
  return `/${segments.join('/')}`
}

function decoded(path: string): string {
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` */
export function checkedFunction<T>(name: string, given: T): T {
  if (given === undefined || typeof given === 'function') return given
  throw invalid(`csrf.${name} is no function`, 'a function of the request')
}

export function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(`${given}; expected ${expected}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
