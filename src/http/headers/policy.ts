/** All headers of one `securityHeaders(...)`, written at start-up: an answer without a nonce costs no text work at all. */
import { pooledRandom, type Random } from '../../core/crypto.ts'
import { ConfigError } from '../../core/errors.ts'
import { CspText, checkDirectives } from './csp.ts'
import { hstsHeader } from './hsts.ts'
import { checkOptions, invalid, PRESETS, type SecurityHeadersOptions } from './options.ts'
import { permissionsPolicy, REFUSED } from './permissions.ts'

/** 144 bits, which are 24 characters without padding: CSP Level 3 asks for 128. */
const NONCE_BYTES = 18
const NONCE_LENGTH = 24
/** Made this many at a time: asking for bytes and writing them as text costs 1 us, cutting a text nothing. */
const BATCH = 32
const ENDPOINT = 'reports'

/** Headers as pairs in one list, name before value, the policy that takes the nonce first. */
export type FlatHeaders = readonly string[]

export class HeaderPolicy<Req> {
  /** Names in lower case. */
  readonly names: ReadonlySet<string>
  readonly isSecure: ((request: Req) => boolean) | undefined
  readonly #frames: string
  readonly #csp: CspText
  readonly #plain: FlatHeaders
  readonly #secure: FlatHeaders
  readonly #random: Random
  /** Nonces made ahead, and how much of the text was given away. */
  #nonces = ''
  #used = 0

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - an option that browsers would ignore, or that is not safe. */
  constructor(options: SecurityHeadersOptions<Req>, random: Random = pooledRandom()) {
    checkOptions(options as SecurityHeadersOptions)
    const preset = PRESETS[options.preset ?? 'page']
    const { strictDynamic = true, reportOnly = false, reportTo, hsts = {} } = options
    const directives = checkDirectives(
      { ...preset.directives, ...options.directives },
      { ...options, allowAnyFrame: options.preset === 'embedded' },
    )
    const frames = directives.get('frame-ancestors')!
    if (options.preset === 'embedded' && frames.includes("'none'"))
      throw invalid('an embedded page that no site may frame; name the sites under frame-ancestors, or use the preset page')
    this.#frames = `frame-ancestors ${frames.join(' ')}`
    const only = reportOnly ? '-Report-Only' : ''
    const reports = reportTo === undefined ? '' : `; report-to="${ENDPOINT}"`
    const headers: [string, string | false | undefined][] = [
      [`Content-Security-Policy${only}`, ''],
      // What may frame a page is no part of what a page may load: it is in force from the first day.
      ['Content-Security-Policy', reportOnly && this.#frames],
      ['X-Frame-Options', legacyFrames(frames)],
      ['X-Content-Type-Options', 'nosniff'],
      ['Referrer-Policy', options.referrerPolicy ?? preset.referrerPolicy],
      ['Cross-Origin-Resource-Policy', options.resourcePolicy ?? preset.resourcePolicy],
      [`Cross-Origin-Opener-Policy${only}`, extended(options.openerPolicy ?? preset.openerPolicy, reports)],
      [`Cross-Origin-Embedder-Policy${only}`, extended(options.embedderPolicy ?? false, reports)],
      ['Origin-Agent-Cluster', preset.isPage && '?1'],
      ['Permissions-Policy', permissionsPolicy({ ...(preset.isPage && REFUSED), ...options.permissions })],
      ['Reporting-Endpoints', reportTo && `${ENDPOINT}="${reportTo}"`],
    ]
    if (reportTo !== undefined) {
      // Both, because browsers that know report-to ignore report-uri, and the others know nothing else.
      directives.set('report-uri', [reportTo])
      directives.set('report-to', [ENDPOINT])
    }
    this.#csp = new CspText(directives, strictDynamic)
    headers[0]![1] = this.#csp.plain
    this.#plain = headers.filter((pair): pair is [string, string] => typeof pair[1] === 'string').flat()
    const promise = hstsHeader(hsts)
    // RFC 6797, 7.2: never over plain HTTP, where anybody could have written it.
    this.#secure = promise === undefined ? this.#plain : [...this.#plain, 'Strict-Transport-Security', promise]
    this.names = new Set(this.#secure.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()))
    this.isSecure = options.isSecure
    this.#random = random
  }

  /** The headers of one answer; a list of its own when it has a nonce. */
  headers(isSecure: boolean, nonce: string | undefined): FlatHeaders {
    const headers = isSecure ? this.#secure : this.#plain
    if (nonce === undefined) return headers
    // Not `with`, which takes 0.5 us.
    const own = headers.slice()
    own[1] = this.#csp.withNonce(nonce)
    return own
  }

  /**
   * A handler's own policy, with ours about frames where it says nothing of them: Express's 404 page, say, replaces the policy by
   * `default-src 'none'`, which lets anybody frame it. Two policies in one header hold both.
   */
  withFrames(own: string | readonly string[]): string | string[] {
    const policies = typeof own === 'string' ? [own] : [...own]
    if (policies.some((policy) => /\bframe-ancestors\s/i.test(policy))) return typeof own === 'string' ? own : policies
    return typeof own === 'string' ? `${own}, ${this.#frames}` : [...policies, this.#frames]
  }

  newNonce(): string {
    if (this.#used === this.#nonces.length) {
      this.#nonces = Buffer.from(this.#random(BATCH * NONCE_BYTES)).toString('base64url')
      this.#used = 0
    }
    this.#used += NONCE_LENGTH
    return this.#nonces.slice(this.#used - NONCE_LENGTH, this.#used)
  }
}

/** What one answer asked for. Kept on Node's response, or on the Web's request. */
export class Answering<Req> {
  /** The latest one that was asked to protect it: a router may know better than the whole application. */
  policy: HeaderPolicy<Req>
  nonce: string | undefined
  isSent = false

  constructor(policy: HeaderPolicy<Req>) {
    this.policy = policy
  }

  giveNonce(): string {
    if (this.nonce !== undefined) return this.nonce
    if (this.isSent)
      throw misuse('the headers have left, so no nonce can be in them; ask before the first byte of the answer is written')
    this.nonce = this.policy.newNonce()
    return this.nonce
  }
}

export function misuse(message: string): ConfigError {
  return new ConfigError(`cspNonce: ${message}. See docs/guide/headers.md.`, { code: 'ERR_ARGUMENT_INVALID' })
}

/** For browsers from before 2017. They know no list of origins, so there it says nothing rather than forbid what the policy allows. */
function legacyFrames(frames: readonly string[]): string | undefined {
  if (frames.length !== 1) return undefined
  return frames[0] === "'none'" ? 'DENY' : frames[0] === "'self'" ? 'SAMEORIGIN' : undefined
}

function extended(value: string | false, more: string): string | false {
  return value && value + more
}
