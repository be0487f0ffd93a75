/**
 * Where a session's sign-in came from: a login at an OpenID Provider. It is kept with the record, and indexed, so that the provider's
 * word that the login ended ends exactly the sessions that came of it (OpenID Connect Back-Channel Logout 1.0).
 */
import { sha256 } from './crypto.ts'
import { ConfigError } from './errors.ts'
import type { RecordLink } from './store.ts'

/** A login at a provider. `issuer` and `subject` together name one person; `sid` names one login of theirs. */
export interface ProviderLink {
  /** `iss` of the ID token, exactly. */
  readonly issuer: string
  /** `sub` of the ID token: the provider's name for the person, not the application's subject. */
  readonly subject: string
  /** `sid` of the ID token, where the provider gives one. */
  readonly sid?: string | undefined
  /** `iat` of the ID token, in epoch milliseconds. A logout that was said later ends what it made. */
  readonly issuedAt: number
}

/** What a provider says has ended: one login, or all of a person's. With both, only what is of that login and that person. */
export type ProviderLogout = Pick<ProviderLink, 'issuer'> &
  ({ readonly sid: string; readonly subject?: string | undefined } | { readonly subject: string; readonly sid?: undefined })

/**
 * How old an ID token may be when a session starts from it. It bounds how long a store must remember a logout: whoever comes later with a
 * login of before it is refused for the age alone.
 */
export const LONGEST_SIGN_IN = 24 * 3_600_000

const MOST_BYTES = 1024

/** The names a store finds the link by: by login, by person, and by both, since a logout may say either or both. */
export function indexedLink({ issuer, subject, sid, issuedAt }: ProviderLink): RecordLink {
  const keys = [linkKeyOf('sub', issuer, subject)]
  if (sid !== undefined) keys.push(linkKeyOf('sid', issuer, sid), linkKeyOf('sid+sub', issuer, sid, subject))
  return { keys, at: issuedAt }
}

/** The one of these names that a logout means. */
export function linkKeyOfLogout({ issuer, sid, subject }: ProviderLogout): string {
  if (sid === undefined) return linkKeyOf('sub', issuer, subject!)
  return subject === undefined ? linkKeyOf('sid', issuer, sid) : linkKeyOf('sid+sub', issuer, sid, subject)
}

/** SHA-256, so that a key name or a log of the engine tells nobody's name; JSON, so that no two values run into each other. */
function linkKeyOf(...parts: readonly ['sid' | 'sub' | 'sid+sub', ...string[]]): string {
  return sha256(Buffer.from(JSON.stringify(parts))).toString('base64url')
}

/**
 * A copy of a link that can be told apart from every other and is of a login of today.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a part is no well-formed, non-empty string of at most 1,024 bytes, or `issuedAt` is over a
 * day from now; seconds instead of milliseconds are.
 */
export function checkedLink(link: ProviderLink, now: number): ProviderLink {
  checkShape('providerLink', link)
  const { issuer, subject, sid, issuedAt } = link
  checkName('providerLink.issuer', issuer)
  checkName('providerLink.subject', subject)
  if (sid !== undefined) checkName('providerLink.sid', sid)
  if (typeof issuedAt !== 'number' || !(Math.abs(now - issuedAt) <= LONGEST_SIGN_IN))
    throw invalid('providerLink.issuedAt', 'no instant of the last 24 hours, in milliseconds')
  return { issuer, subject, sid, issuedAt }
}

/** The same for a logout, which says who or which login, or both. @throws {ConfigError} `ERR_ARGUMENT_INVALID` */
export function checkLogout(logout: ProviderLogout): void {
  checkShape('logout', logout)
  const { issuer, sid, subject } = logout
  checkName('logout.issuer', issuer)
  if (sid === undefined && subject === undefined) throw invalid('logout', 'without a sid and without a subject')
  if (sid !== undefined) checkName('logout.sid', sid)
  if (subject !== undefined) checkName('logout.subject', subject)
}

/** Makes sure that a logout's instant is one: seconds instead of milliseconds would end nothing. */
export function checkLogoutInstant(at: unknown, now: number): asserts at is number {
  const isInstant = typeof at === 'number' && at <= now + LONGEST_SIGN_IN && at > now - 366 * LONGEST_SIGN_IN
  if (!isInstant) throw invalid('at', 'no instant in milliseconds within the last year')
}

function checkShape(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw invalid(name, `a value of type ${typeof value}`)
}

function checkName(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalid(name, `a value of type ${typeof value}`)
  if (value === '') throw invalid(name, 'empty')
  // UTF-8 would write every half of a surrogate pair alike, and two persons would share a link.
  if (!value.isWellFormed()) throw invalid(name, 'not well-formed Unicode')
  if (Buffer.byteLength(value) > MOST_BYTES) throw invalid(name, `over ${MOST_BYTES} bytes`)
}

const invalid = (name: string, problem: string) =>
  new ConfigError(`${name} is ${problem}; expected what a checked ID token or logout token says. See docs/guide/logout.md.`, {
    code: 'ERR_ARGUMENT_INVALID',
  })
