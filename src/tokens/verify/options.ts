/** The options of `createTokenVerifier`, and what they come to. */
import { type Clock, systemClock } from '../../core/clock.ts'
import { hours, minutes, seconds } from '../../core/duration.ts'
import { ConfigError } from '../../core/errors.ts'
import { memoryReplay, type ReplayMemory } from '../dpop/replay.ts'
import { ALGORITHMS, type TokenAlgorithm } from './algorithms.ts'
import type { VerifierListener } from './events.ts'

/** Options of `createTokenVerifier`. Durations are milliseconds. */
export interface TokenVerifierOptions {
  /** Who mints the tokens, exactly as in their `iss`: an https origin such as `https://shop.example`. A token of anybody else is refused. */
  readonly issuer: string
  /** This service's own name, or names: a token is accepted when its `aud` has one of them. With another service's name its tokens would open this one. */
  readonly audience: string | readonly string[]
  /** Where the issuer's public keys are. Default: `/.well-known/jwks.json` at the issuer. Whoever can answer there can sign whatever they like. */
  readonly jwks?: string
  /**
   * Which signatures count. Default `['ES256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65']`. `RS256` counts only where it is listed: ASVS 5.0 disallows it. Each key is used with its own
   * algorithm whatever a token says, or a public key could be taken for a shared secret.
   */
  readonly algorithms?: readonly TokenAlgorithm[]
  /** How far the issuer's clock and this one may be apart. Default `seconds(30)`; 0 to 5 minutes. Stolen tokens are good that much longer. */
  readonly clockTolerance?: number
  /** Longest token that is parsed, in characters. Default 8,192; 512 to 16,384. Longer ones cost an attacker nothing and this service time. */
  readonly maxTokenLength?: number
  /** Longest lifetime a token may have: the issuer's `accessTokenLifetime` or more. Default 1 hour; 30 seconds to 1 day. What has ended is remembered that long. */
  readonly accessTokenLifetime?: number
  /** What this service proves itself with to the issuer, who lists it among its `clients` with `may: ['introspect', 'feed']`. Without it, nothing is heard of what ends. */
  readonly client?: { readonly id: string; readonly clientSecret: string }
  /** Where the feed of what ends is. Default with a `client`: `/oauth/feed` at the issuer. `false`: every token is asked about. */
  readonly feed?: string | false
  /** Where tokens are asked about. Default with a `client`: `/oauth/introspect` at the issuer. `false`: while the feed is stale, no token is accepted. */
  readonly introspection?: string | false
  /**
   * The budget: how long after a session's end its tokens may still be accepted here. Default `seconds(5)`; `0` asks about every token, else 500 ms up to `accessTokenLifetime`.
   * A thief goes on for this long after the owner has signed out.
   */
  readonly revokedWithin?: number
  /** Scopes that every token needs; without one of them the answer is 403. Default none. */
  readonly requiredScopes?: readonly string[]
  /**
   * Tokens bound to a key (RFC 9449). `allowed`: they are accepted with their proof, others without one. `required`: only bound ones. `off`: bound ones are refused.
   * Default `allowed` where the origin is known, else `off`.
   */
  readonly dpop?: 'off' | 'allowed' | 'required'
  /** Where clients reach this service, such as `https://api.example`: proofs are made for a URL, and `Host` is what a client writes. Default: the audience, where that is an https URL. */
  readonly origin?: string
  /** Which proofs were used. Default: remembered in this process alone. With several processes behind one address hand in what they share, such as a store's `ledger`, or a proof is good once in each. */
  readonly proofReplay?: ReplayMemory
  /** How long one call to the issuer may take; a question about a token no longer than `revokedWithin`, unless that is 0. Default `seconds(3)`; 100 ms to 30 s. */
  readonly timeout?: number
  /** Calls the issuer. Default: the platform's. It must refuse redirects when told to, or a redirect could choose the keys. */
  readonly fetch?: typeof fetch
  /** Told what was refused and what failed; never a token. What it throws is dropped. */
  readonly onEvent?: VerifierListener
  /** Takes `http:` URLs of loopback hosts for issuer, keys, feed and introspection. Default `false`. For developers' machines. */
  readonly dangerouslyAllowHttp?: boolean
  /** Default: the system's. */
  readonly clock?: Clock
}

/** The options, checked and complete. */
export interface VerifierSettings {
  readonly issuer: string
  readonly audience: ReadonlySet<string>
  readonly jwks: string
  readonly algorithms: ReadonlySet<string>
  readonly clockTolerance: number
  readonly maxTokenLength: number
  readonly accessTokenLifetime: number
  /** Value of `Authorization` for the issuer. */
  readonly clientSecretHeader: string | undefined
  readonly feed: string | undefined
  readonly introspection: string | undefined
  readonly revokedWithin: number
  readonly requiredScopes: readonly string[]
  readonly dpop: 'off' | 'allowed' | 'required'
  readonly origin: string | undefined
  readonly proofReplay: ReplayMemory
  readonly timeout: number
  readonly fetch: typeof fetch
  readonly emit: VerifierListener
  readonly clock: Clock
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why. */
export function invalidVerifier(given: string, expected: string, why: string): ConfigError {
  return new ConfigError(`createTokenVerifier: ${given}; expected ${expected}, because ${why}. See docs/guide/verify.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}

export function resolveVerifierOptions(options: TokenVerifierOptions): VerifierSettings {
  if (typeof options !== 'object' || options === null)
    throw invalidVerifier('there are no options', 'issuer and audience', 'without them any token would do')
  const { dangerouslyAllowHttp = false, client, onEvent } = options
  if (typeof dangerouslyAllowHttp !== 'boolean')
    throw invalidVerifier('dangerouslyAllowHttp is not a boolean', 'true or false', '"false" would turn safety off')
  const urlOf = (name: string, value: unknown) => checkedUrl(name, value, dangerouslyAllowHttp)
  const issuer = issuerOf(options.issuer, urlOf)
  const audience = audienceOf(options.audience)
  const accessTokenLifetime = within('accessTokenLifetime', options.accessTokenLifetime, hours(1), seconds(30), hours(24))
  const clientSecretHeader = client === undefined ? undefined : basicOf(client)
  const at = (name: string, given: string | false | undefined, path: string) => {
    if (given === false || (given === undefined && client === undefined)) return undefined
    if (client === undefined)
      throw invalidVerifier(`${name} is given without a client`, 'client: { id, clientSecret }', 'the issuer tells nobody else')
    return urlOf(name, given ?? issuer + path)
  }
  const feed = at('feed', options.feed, '/oauth/feed')
  const introspection = at('introspection', options.introspection, '/oauth/introspect')
  const isTold = feed !== undefined || introspection !== undefined
  if (client !== undefined && !isTold)
    throw invalidVerifier('there is a client, and neither feed nor introspection', 'one of them', 'nothing else needs a client')
  if (options.revokedWithin !== undefined && !isTold)
    throw invalidVerifier('revokedWithin is given, and neither feed nor introspection', 'a client', 'nothing says what has ended')
  const revokedWithin = budgetOf(options.revokedWithin, accessTokenLifetime, introspection)
  const origin = originOf(options.origin, audience, urlOf)
  const dpop = options.dpop ?? (origin === undefined ? 'off' : 'allowed')
  if (!['off', 'allowed', 'required'].includes(dpop))
    throw invalidVerifier('dpop is none of its words', "'off', 'allowed' or 'required'", 'it decides whether copied tokens work')
  if (dpop !== 'off' && origin === undefined)
    throw invalidVerifier(
      'dpop needs an origin',
      "origin: 'https://api.example'",
      'proofs are made for a URL, and Host can be forged',
    )
  return {
    issuer,
    audience,
    jwks: urlOf('jwks', options.jwks ?? `${issuer}/.well-known/jwks.json`),
    algorithms: algorithmsOf(options.algorithms),
    clockTolerance: within('clockTolerance', options.clockTolerance, seconds(30), 0, minutes(5)),
    maxTokenLength: within('maxTokenLength', options.maxTokenLength, 8192, 512, 16_384),
    accessTokenLifetime,
    clientSecretHeader,
    feed,
    introspection,
    revokedWithin,
    requiredScopes: scopesOf(options.requiredScopes),
    dpop,
    origin,
    proofReplay: calls('proofReplay.claim', options.proofReplay?.claim, options.proofReplay) ?? memoryReplay(),
    timeout: within('timeout', options.timeout, seconds(3), 100, seconds(30)),
    // Under its own name: browsers and Deno refuse a `fetch` that is called as a method of something else.
    fetch: calls('fetch', options.fetch, options.fetch) ?? ((input, init) => fetch(input, init)),
    emit: listenerOf(calls('onEvent', onEvent, onEvent)),
    clock: calls('clock', options.clock, options.clock) ?? systemClock,
  }
}

function issuerOf(given: unknown, urlOf: (name: string, value: unknown) => string): string {
  const issuer = urlOf('issuer', given)
  if (new URL(issuer).origin !== issuer)
    throw invalidVerifier(
      'issuer is no plain origin',
      "such as 'https://shop.example'",
      'it is compared with iss character by character',
    )
  return issuer
}

function originOf(given: string | undefined, audience: ReadonlySet<string>, urlOf: (name: string, value: unknown) => string) {
  if (given !== undefined) {
    const url = urlOf('origin', given)
    if (new URL(url).origin !== url)
      throw invalidVerifier('origin has a path', "such as 'https://api.example'", "requests' paths are put behind it")
    return url
  }
  const ofAudience = [...audience].find((name) => /^https:\/\//i.test(name) && URL.canParse(name))
  return ofAudience === undefined || audience.size > 1 ? undefined : new URL(ofAudience).origin
}

const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

function checkedUrl(name: string, value: unknown, allowsHttp: boolean): string {
  if (typeof value !== 'string' || !URL.canParse(value))
    throw invalidVerifier(`${name} is no URL`, 'an https URL', 'it is called')
  const { protocol, hostname, username, password, hash } = new URL(value)
  if (username !== '' || password !== '' || hash !== '')
    throw invalidVerifier(`${name} has a user, password or fragment`, 'a plain https URL', 'it would show in logs')
  if (protocol === 'https:' || (protocol === 'http:' && allowsHttp && LOOPBACK.test(hostname))) return value
  throw invalidVerifier(
    `${name} is not https`,
    'https, or http to a loopback host with dangerouslyAllowHttp',
    'whoever is on the way could choose the keys',
  )
}

function audienceOf(given: unknown): ReadonlySet<string> {
  const names: readonly unknown[] = Array.isArray(given) ? given : [given]
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== '' && name.length <= 1024))
    throw invalidVerifier(
      'audience is missing or no text',
      "this service's own name",
      "another service's tokens would be good here",
    )
  return new Set(names as string[])
}

function algorithmsOf(given: readonly TokenAlgorithm[] = ALGORITHMS.filter((name) => name !== 'RS256')): ReadonlySet<string> {
  if (!Array.isArray(given) || given.length === 0 || !given.every((name) => ALGORITHMS.includes(name)))
    throw invalidVerifier(
      'algorithms has an unknown name or none',
      `some of ${ALGORITHMS.join(', ')}`,
      'others prove nothing here',
    )
  return new Set(given)
}

function scopesOf(given: readonly string[] = []): readonly string[] {
  // RFC 6749, 3.3: what a scope is made of; and none ends the challenge's quotes.
  if (!Array.isArray(given) || !given.every((scope) => typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    throw invalidVerifier('requiredScopes holds what is no scope', 'a list of words without blanks', 'no token could have it')
  return [...given]
}

function budgetOf(given: number | undefined, lifetime: number, introspection: string | undefined): number {
  if (given === 0) {
    if (introspection !== undefined) return 0
    throw invalidVerifier('revokedWithin is 0 without introspection', 'a client that may introspect', 'only asking is as quick')
  }
  return within('revokedWithin', given, Math.min(seconds(5), lifetime), 500, lifetime)
}

/** RFC 6749, 2.3.1: both parts are encoded as in a form before they are joined. */
function basicOf({ id, clientSecret }: { readonly id: string; readonly clientSecret: string }): string {
  if (typeof id !== 'string' || id === '' || typeof clientSecret !== 'string' || clientSecret.length < 16)
    throw invalidVerifier(
      'client has no id or no secret of 16 characters or more',
      'both, as the issuer has them',
      'it is asked for them',
    )
  const encoded = [id, clientSecret].map((part) => new URLSearchParams([['', part]]).toString().slice(1)).join(':')
  return `Basic ${Buffer.from(encoded).toString('base64')}`
}

function within(name: string, given: number | undefined, fallback: number, least: number, most: number): number {
  const value = given ?? fallback
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw invalidVerifier(
      `${name} is out of range`,
      `a number from ${least} to ${most}`,
      'less or more is nearly always the wrong unit',
    )
  return value
}

function calls<T>(name: string, called: unknown, whole: T | undefined): T | undefined {
  if (whole === undefined || typeof called === 'function') return whole
  throw invalidVerifier(`${name} is no function`, 'a function', 'it is called')
}

function listenerOf(listener: VerifierListener | undefined): VerifierListener {
  return (event) => {
    try {
      listener?.(event)
    } catch {
      // A listener that fails costs its own events, never a request.
    }
  }
}
