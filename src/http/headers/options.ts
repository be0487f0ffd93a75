/** Options of the security headers, their presets, and what is refused at start-up because browsers would pass over it without a word. */
import { ConfigError } from '../../core/errors.ts'
import type { CspDirectives } from './csp.ts'
import type { HstsOptions } from './hsts.ts'
import type { Permissions } from './permissions.ts'

/** What an answer is: a page, data for programs, or a page made to stand inside other sites. */
export type HeadersPreset = 'page' | 'api' | 'embedded'

/** Options of `securityHeaders` and `withSecurityHeaders`. All have safe defaults. */
export interface SecurityHeadersOptions<Req = never> {
  /**
   * What the answers are. Default `'page'`.
   *
   * `page`: HTML that loads from its own origin, has no inline code without the nonce and stands in no frame. `api`: JSON and other
   * data, which a browser that is led there must not render as a page. `embedded`: a page other sites show in a frame; `directives`
   * must name them under `frame-ancestors`.
   */
  readonly preset?: HeadersPreset
  /**
   * Directives of the Content Security Policy, over those of the preset. `{ 'img-src': ["'self'", 'https://cdn.example'] }`.
   *
   * Each source is somewhere an attacker may load from too: a host that also keeps other people's files gives them scripts in your page.
   */
  readonly directives?: CspDirectives
  /**
   * Whether scripts that carry the nonce may load further ones, and the hosts of `script-src` stop counting once a nonce is asked for
   * (`'strict-dynamic'`). Default `true`.
   *
   * With `false` every file below a host of `script-src` can run, also one that somebody uploaded.
   */
  readonly strictDynamic?: boolean
  /**
   * Reports what the policy would forbid, and forbids nothing but foreign frames. Default `false`. For the time of introduction: injected
   * scripts run meanwhile.
   */
  readonly reportOnly?: boolean
  /**
   * Where browsers send reports of violations: a path of this site or an `https:` URL. Default none.
   *
   * Anybody can post there, so a report proves nothing. `parseReports` reads them.
   */
  readonly reportTo?: string
  /** Strict-Transport-Security, sent over TLS only. Default a year, this host alone; `false` sends none. */
  readonly hsts?: HstsOptions | false
  /**
   * Whether a request came over TLS, so that the answer says Strict-Transport-Security. Default: whether its own connection did (with
   * `withSecurityHeaders`: its URL). Behind a proxy that ends TLS and is the only way in: `() => true`.
   */
  readonly isSecure?: (request: Req) => boolean
  /**
   * What other sites learn of the address a visitor comes from. Default `'same-origin'` (`'no-referrer'` for `api`): nothing.
   *
   * `'no-referrer'` on a page makes browsers send `Origin: null` with its own forms, and the CSRF guard refuses these where `Sec-Fetch-Site` is
   * missing too.
   */
  readonly referrerPolicy?: 'no-referrer' | 'same-origin' | 'strict-origin' | 'strict-origin-when-cross-origin'
  /**
   * Who shares a browsing context group with a page. Default `'same-origin'`; none for `api` and `embedded`. A sign-in in a pop-up of
   * another site needs `'same-origin-allow-popups'`. With `false` a page that opened yours keeps a handle on it.
   */
  readonly openerPolicy?: 'same-origin' | 'same-origin-allow-popups' | 'noopener-allow-popups' | false
  /**
   * Who may load an answer as an image, a script and the like. Default `'same-origin'` (`'cross-origin'` for `embedded`). What others may load
   * can be measured, and read by a processor that guesses ahead.
   */
  readonly resourcePolicy?: 'same-origin' | 'same-site' | 'cross-origin'
  /** What a page may load from others that did not agree to it. Default `false`: anything. Needed for `crossOriginIsolated`. */
  readonly embedderPolicy?: 'require-corp' | 'credentialless' | false
  /** Permissions-Policy, over the preset's: camera, microphone, position, payment, screen and devices are refused. `{ camera: ['self'] }`. */
  readonly permissions?: Permissions
  /** Lets inline scripts and event handlers run. Default `false`. Then whoever gets markup into a page runs code in it. */
  readonly dangerouslyAllowInlineScripts?: boolean
  /** Lets inline styles apply. Default `false`. Injected styles can cover a page and read attribute values letter by letter. */
  readonly dangerouslyAllowInlineStyles?: boolean
  /** Lets scripts turn strings into code. Default `false`. Then text that reaches `eval` or `setTimeout` is code. */
  readonly dangerouslyAllowEval?: boolean
}

/** What a preset says where the options say nothing. */
export interface Preset {
  readonly directives: CspDirectives
  readonly referrerPolicy: NonNullable<SecurityHeadersOptions['referrerPolicy']>
  readonly openerPolicy: NonNullable<SecurityHeadersOptions['openerPolicy']>
  readonly resourcePolicy: NonNullable<SecurityHeadersOptions['resourcePolicy']>
  /** Whether an answer is a document that asks for permissions and shares a process. */
  readonly isPage: boolean
}

const PAGE: CspDirectives = {
  'default-src': ["'self'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  // Named although default-src covers it: ASVS 5.0, 3.4.3 asks for these two by name.
  'object-src': [],
  'base-uri': [],
  'form-action': ["'self'"],
  'frame-ancestors': [],
}

export const PRESETS: Readonly<Record<HeadersPreset, Preset>> = {
  page: {
    directives: PAGE,
    // Not no-referrer: see the option.
    referrerPolicy: 'same-origin',
    openerPolicy: 'same-origin',
    resourcePolicy: 'same-origin',
    isPage: true,
  },
  api: {
    // Opened as a page, JSON with markup in it is in a sandbox: no script, no origin, no form (ASVS 5.0, 3.2.1).
    directives: { 'default-src': [], 'object-src': [], 'base-uri': [], 'form-action': [], 'frame-ancestors': [], sandbox: [] },
    referrerPolicy: 'no-referrer',
    openerPolicy: false,
    resourcePolicy: 'same-origin',
    isPage: false,
  },
  embedded: {
    directives: { ...PAGE, 'frame-ancestors': false },
    referrerPolicy: 'same-origin',
    openerPolicy: false,
    resourcePolicy: 'cross-origin',
    isPage: true,
  },
}

const KNOWN: {
  readonly [Name in keyof Required<SecurityHeadersOptions>]: readonly unknown[] | 'object' | 'function' | 'string'
} = {
  preset: ['page', 'api', 'embedded'],
  directives: 'object',
  strictDynamic: [true, false],
  reportOnly: [true, false],
  reportTo: 'string',
  hsts: 'object',
  isSecure: 'function',
  referrerPolicy: ['no-referrer', 'same-origin', 'strict-origin', 'strict-origin-when-cross-origin'],
  openerPolicy: ['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', false],
  resourcePolicy: ['same-origin', 'same-site', 'cross-origin'],
  embedderPolicy: ['require-corp', 'credentialless', false],
  permissions: 'object',
  dangerouslyAllowInlineScripts: [true, false],
  dangerouslyAllowInlineStyles: [true, false],
  dangerouslyAllowEval: [true, false],
}

/**
 * Refuses options there are not and values that are none of those listed.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - names the option and what was expected.
 */
export function checkOptions(options: SecurityHeadersOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(KNOWN, name)) throw invalid(`there is no option ${JSON.stringify(name.slice(0, 64))}`)
    const expected = KNOWN[name as keyof typeof KNOWN]
    if (value === undefined || (name === 'hsts' && value === false)) continue
    if (typeof expected === 'string') {
      if (typeof value !== expected || value === null || Array.isArray(value)) throw invalid(`${name} is no ${expected}`)
    } else if (!expected.includes(value)) throw invalid(`${name} is none of ${expected.map(String).join(', ')}`)
  }
  if (options.reportTo !== undefined) checkReportTo(options.reportTo)
}

function checkReportTo(url: string): void {
  const isPath = url.startsWith('/') && !url.startsWith('//')
  const isUrl = url.startsWith('https://') && URL.canParse(url) && new URL(url).username === ''
  // It stands in a policy, in a quoted string and in a list, so none of their marks may be in it.
  if ((!isPath && !isUrl) || !/^[!-~]+$/.test(url) || /[;,"'\\]/.test(url))
    throw invalid("reportTo is neither a path such as '/reports' nor an https URL, without ; , quotes and spaces")
}

export function invalid(message: string): ConfigError {
  return new ConfigError(`securityHeaders: ${message}. See docs/guide/headers.md.`, { code: 'ERR_CONFIG_INVALID' })
}
