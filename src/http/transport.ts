/**
 * Whether a request came over a channel a session may travel on. A token sent over plain HTTP can be read and replaced by anybody
 * on the way (ASVS 5.0, 12.2.1; OWASP Session Management Cheat Sheet, "Transport Layer Security").
 */
import { ConfigError, TransportError } from '../core/errors.ts'
import { formatIpAddress, parseIpAddress } from './ip-address.ts'
import type { RequestFacts } from './request-facts.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** Options about the way requests come in. */
export interface TransportOptions {
  /**
   * Gives sessions to plain-HTTP requests for loopback hosts (`localhost`, `*.localhost`, `127.0.0.0/8`, `[::1]`) under a cookie
   * without prefix and without Secure. Default `false`. For developers' machines.
   *
   * Every other host over plain HTTP stays without a session even so. If it were different, whoever is on the same network could
   * take sessions over.
   */
  readonly dangerouslyAllowHttp?: boolean
  /**
   * Your own reverse proxies, each as the next one, or your server's socket, shows it: addresses (`10.0.0.5`), networks (`10.0.0.0/8`,
   * `fd00::/8`), or the words `loopback`, `linklocal` and `uniquelocal`. Default none.
   *
   * From these peers, and no others, `X-Forwarded-Proto: https` counts as TLS, and `X-Forwarded-For` is read from its right end up to the first
   * address that is not on the list: the client. List only machines that overwrite the former and append to the latter, and no network that
   * a client can be in: whoever reaches the server from a listed address could claim TLS it does not have, so that its token crosses the
   * network readable, and any address it likes.
   */
  readonly trustedProxies?: readonly string[]
}

/** What a request's channel allows: the prefixed cookie, the developer's cookie, or no session, with the reason. */
export type TransportVerdict = 'secure' | 'loopback' | Refusal

/** Why a request gets no session. */
export interface Refusal {
  /** Machine word for the event. */
  readonly reason: 'plain-http' | 'untrusted-proxy' | 'proxied-plain-http' | 'not-loopback'
  /** What it means and what to configure, for the developer. Holds nothing a client sent. */
  readonly explanation: string
}

const LOOPBACK_HOST = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?$/i
const READ_MORE = 'See docs/guide/transport.md.'

const refuse = (reason: Refusal['reason'], explanation: string): Refusal => ({ reason, explanation })

const PLAIN_HTTP = refuse(
  'plain-http',
  'The request came over plain HTTP, without X-Forwarded-Proto. Serve it over TLS; behind a proxy that ends TLS, have it send ' +
    "X-Forwarded-Proto and list its address in trustedProxies; on a developer's machine set dangerouslyAllowHttp: true.",
)
const UNTRUSTED_PROXY = refuse(
  'untrusted-proxy',
  'The request came over plain HTTP with a forwarding header (X-Forwarded-Proto, X-Forwarded-For or Forwarded), from a peer that is not in ' +
    "trustedProxies, so the header was not believed. If that peer is your own proxy, list its address, or 'loopback' if it runs on this machine; with sojourn/web, say so by isSecure.",
)
const PROXIED_PLAIN_HTTP = refuse(
  'proxied-plain-http',
  'A trusted proxy sent the request with X-Forwarded-Proto missing or not https: the client spoke plain HTTP to it. Redirect to https there, ' +
    'and have it send X-Forwarded-Proto: https for TLS.',
)
const NOT_LOOPBACK = refuse(
  'not-loopback',
  'The request came over plain HTTP, and dangerouslyAllowHttp serves only the hosts localhost, *.localhost, 127.0.0.0/8 and [::1]; the Host header ' +
    'named another. Serve it over TLS.',
)

/** Judges requests' channels under one configuration. */
export class Transport {
  readonly #allowsHttp: boolean
  readonly #proxies: TrustedProxies

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - an entry that is no address or network; a flag that is no boolean. */
  constructor({ dangerouslyAllowHttp = false, trustedProxies = [] }: TransportOptions) {
    if (typeof dangerouslyAllowHttp !== 'boolean') {
      throw invalid(
        'dangerouslyAllowHttp is not a boolean',
        'true or false',
        'a string such as "false" would else turn safety off',
      )
    }
    this.#allowsHttp = dangerouslyAllowHttp
    this.#proxies = new TrustedProxies(trustedProxies)
  }

  /** What this request's channel allows. */
  judge(facts: RequestFacts): TransportVerdict {
    if (facts.isEncrypted) return 'secure'
    const isProxied = hasForwardingHeader(facts)
    const isTrusted = isProxied && this.#proxies.has(facts.peer)
    if (isTrusted && claimsHttps(facts.header('x-forwarded-proto'))) return 'secure'
    // A forwarding header from anybody else: a proxy nobody configured, or a client that pretends to be one. The Host it shows may be
    // the proxy's name for this server, so it proves no loopback either.
    if (isProxied && !isTrusted) return UNTRUSTED_PROXY
    if (!this.#allowsHttp) return isProxied ? PROXIED_PLAIN_HTTP : PLAIN_HTTP
    return facts.host !== undefined && LOOPBACK_HOST.test(facts.host) ? 'loopback' : NOT_LOOPBACK
  }

  /** The client's address, as far as trusted proxies say; `undefined` where the platform hides it and the application does not tell. */
  clientAddress(facts: RequestFacts): string | undefined {
    if (facts.peer !== undefined) return this.#proxies.clientOf(facts)
    const { statedAddress } = facts
    // A header that is not there is `null`.
    const stated = typeof statedAddress === 'string' ? parseIpAddress(statedAddress) : undefined
    return stated && formatIpAddress(stated)
  }
}

/**
 * The error of whoever tries to start a session over such a channel: loud, since every sign-in fails until it is mended.
 *
 * @param details - What was seen, from `detailsOf`.
 */
export function transportError(refusal: Refusal, details = ''): TransportError {
  return new TransportError(`No session can start here. ${refusal.explanation}${details} ${READ_MORE}`, {
    code: 'ERR_TRANSPORT_INSECURE',
  })
}

function hasForwardingHeader(facts: RequestFacts): boolean {
  return (
    facts.header('x-forwarded-proto') !== undefined ||
    facts.header('x-forwarded-for') !== undefined ||
    facts.header('forwarded') !== undefined
  )
}

/** Every hop has to say https: a proxy that appends to a client's own header must not make http into https. */
function claimsHttps(proto: string | undefined): boolean {
  if (proto === 'https') return true
  return proto?.split(',').every((hop) => hop.trim().toLowerCase() === 'https') ?? false
}

function invalid(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`${given}; expected ${expected}, because ${why}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
