/**
 * What a developer is told when a session cannot travel: the forwarding headers as they came, reduced to words that are known. A header is
 * the client's to write, and an error or event that repeated it would carry forged lines and personal data into logs (ASVS 5.0, 16.4.1).
 */
import type { RequestFacts } from './request-facts.ts'
import type { Refusal } from './transport.ts'

/** Values of `X-Forwarded-Proto` and its relatives that say something. Anything else is told to be something else. */
const KNOWN_VALUES: ReadonlySet<string> = new Set(['http', 'https', 'ws', 'wss', 'on', 'off'])

/** Headers by which proxies tell the scheme too, and which are not read. Seen, they show why `X-Forwarded-Proto` is missing. */
const UNREAD: readonly (readonly [name: string, title: string])[] = [
  ['forwarded', 'Forwarded'],
  ['x-forwarded-ssl', 'X-Forwarded-Ssl'],
  ['x-forwarded-protocol', 'X-Forwarded-Protocol'],
  ['x-forwarded-scheme', 'X-Forwarded-Scheme'],
  ['x-url-scheme', 'X-Url-Scheme'],
  ['front-end-https', 'Front-End-Https'],
  ['cloudfront-forwarded-proto', 'CloudFront-Forwarded-Proto'],
]

const MOST_VALUES = 4
const MOST_ADDRESSES = 32

/** The forwarding headers of a request in one line, such as `X-Forwarded-Proto: http`; `undefined` if there is none. No address. */
export function seenIn(facts: RequestFacts): string | undefined {
  const seen: string[] = []
  const proto = facts.header('x-forwarded-proto')
  if (proto !== undefined) seen.push(`X-Forwarded-Proto: ${valuesOf(proto)}`)
  const forwardedFor = facts.header('x-forwarded-for')
  if (forwardedFor !== undefined) seen.push(`X-Forwarded-For with ${countOf(forwardedFor)}`)
  const unread = UNREAD.filter(([name]) => facts.header(name) !== undefined).map(([, title]) => title)
  if (seen.length + unread.length === 0) return undefined
  if (proto === undefined) seen.unshift('no X-Forwarded-Proto')
  if (unread.length > 0) seen.push(`${unread.join(', ')} (not read)`)
  return seen.join('; ')
}

function valuesOf(header: string): string {
  const values = header.split(',', MOST_VALUES + 1).map((value) => value.trim().toLowerCase())
  const shown = values.map((value) => (value === '' ? '(nothing)' : KNOWN_VALUES.has(value) ? value : '(something else)'))
  return shown.length > MOST_VALUES ? `${shown.slice(0, MOST_VALUES).join(', ')}, ...` : shown.join(', ')
}

function countOf(header: string): string {
  const count = header.split(',', MOST_ADDRESSES + 1).length
  return count > MOST_ADDRESSES ? `over ${MOST_ADDRESSES} entries` : count === 1 ? '1 entry' : `${count} entries`
}

/**
 * What was there, in sentences that follow a refusal's explanation.
 *
 * @param isDevelopment - Names the peer too, to be copied into `trustedProxies`: its address belongs in no log of production.
 */
export function detailsOf({ reason }: Refusal, facts: RequestFacts, isDevelopment: boolean): string {
  const seen = seenIn(facts)
  // The peer of any other refusal is the client itself.
  const isPeerShown = isDevelopment && reason === 'untrusted-proxy' && facts.peer !== undefined
  return `${seen === undefined ? '' : ` Seen: ${seen}.`}${isPeerShown ? ` The peer is ${shownPeer(facts.peer!)}.` : ''}`
}

/** Warnings on the developer's machine, one a reason: whoever sends a request over plain HTTP could else fill the terminal. */
export class TransportWarnings {
  readonly #warn: (message: string) => void
  readonly #warned = new Set<string>()

  /** @param warn - Shows a sentence to the developer. */
  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  refused(refusal: Refusal, facts: RequestFacts): void {
    if (this.#warned.has(refusal.reason)) return
    this.#warned.add(refusal.reason)
    this.#warn(
      `A session cookie came and was not looked at. ${refusal.explanation}${detailsOf(refusal, facts, true)} See docs/guide/transport.md.`,
    )
  }
}

/** As `trustedProxies` takes it. A socket's own text, and checked all the same: a platform may let somebody else write it. */
function shownPeer(peer: string): string {
  return /^[0-9a-f:.]{2,45}$/i.test(peer) ? `'${peer}'` : 'an address that cannot be shown'
}
