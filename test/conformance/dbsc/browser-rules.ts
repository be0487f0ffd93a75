/**
 * What a browser checks before it takes session instructions, written from the draft ("Process a session instructions response") and not from
 * our own writer: an oracle for DBSC-11 and DBSC-12.
 */
import { parseSetCookie } from '../../../src/testing/cookies/set-cookie.ts'

interface Credential {
  readonly type: unknown
  readonly name: unknown
  readonly attributes: unknown
}

/** Everything in instructions that a browser would not take. Knows no public suffixes: the last two labels are the site. */
export function problems(body: string, url: string): string[] {
  const found: string[] = []
  const check = (isGood: boolean, problem: string) => {
    if (!isGood) found.push(problem)
  }
  const config = JSON.parse(body) as Record<string, unknown>
  const from = new URL(url)
  const isSameSite = (other: URL) => other.protocol === 'https:' && siteOf(other) === siteOf(from)

  check(typeof config.session_identifier === 'string' && config.session_identifier !== '', 'session_identifier')
  check(config.continue === undefined || config.continue === true, 'continue')
  const refresh = URL.canParse(String(config.refresh_url), url) ? new URL(String(config.refresh_url), url) : undefined
  check(refresh !== undefined && isSameSite(refresh), 'refresh_url')

  const scope = config.scope as Record<string, unknown>
  check(typeof scope?.include_site === 'boolean', 'scope.include_site')
  const origin = scope.origin === undefined ? from : new URL(String(scope.origin))
  check(scope.origin === undefined || origin.origin === scope.origin, 'scope.origin is no origin')
  check(isSameSite(origin), 'scope.origin is of another site')
  if (scope.include_site) check(origin.hostname === siteOf(origin), 'include_site needs the registrable domain')
  check(Array.isArray(scope.scope_specification), 'scope_specification')
  check(isHostList(config.allowed_refresh_initiators), 'allowed_refresh_initiators')

  const credentials = config.credentials as readonly Credential[]
  check(Array.isArray(credentials) && credentials.length > 0, 'credentials')
  for (const { type, name, attributes } of credentials) {
    check(type === 'cookie' && typeof name === 'string' && name !== '' && typeof attributes === 'string', 'credential')
    check(!/partitioned/i.test(String(attributes)), 'partitioned')
  }
  return found
}

/** How the cookies that were set differ from those described, in what a browser compares; each needs a short life of its own, too. */
export function differences(body: string, setCookies: readonly string[]): string[] {
  const { credentials } = JSON.parse(body) as { credentials: readonly Credential[] }
  return credentials.flatMap(({ name, attributes }) => {
    const set = setCookies.filter((line) => line.startsWith(`${name}=`))
    const isSame = set.length === 1 && isSameCookie(set[0]!, `${name}=x; ${attributes}`)
    const isShort = set.every((line) => (parseSetCookie(line)?.maxAge ?? Number.POSITIVE_INFINITY) <= 600)
    return isSame && isShort && !/max-age|expires/i.test(String(attributes)) ? [] : [`${set} is not ${attributes}`]
  })
}

/** Domain, Path, Secure, HttpOnly and SameSite; neither value nor lifetime. */
function isSameCookie(a: string, b: string): boolean {
  const facts = (line: string) => {
    const { domain, path, isSecure, isHttpOnly, sameSite } = parseSetCookie(line)!
    return JSON.stringify([domain, path, isSecure, isHttpOnly, sameSite])
  }
  return facts(a) === facts(b)
}

function siteOf({ hostname }: URL): string {
  return hostname.split('.').slice(-2).join('.')
}

function isHostList(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.every((host) => /^(\*|(\*\.)?[a-z0-9.-]+)$/.test(String(host))))
}
