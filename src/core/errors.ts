import type { Acr } from './assurance.ts'

/** Codes of every error Sojourn throws. Stable: adding one is a minor change, renaming one a major. */
export type ErrorCode =
  /** An option is missing, of the wrong kind, or not safe. Thrown at start-up. */
  | 'ERR_CONFIG_INVALID'
  /** Keys are missing, short, repeated, or not random. Thrown at start-up. */
  | 'ERR_KEYS_INVALID'
  /** A value is looser than its preset and nothing says why. Thrown at start-up. */
  | 'ERR_POLICY_UNJUSTIFIED'
  /** An argument no caller should give, such as an empty subject. */
  | 'ERR_ARGUMENT_INVALID'
  /** The store failed or did not answer in time; what was asked may or may not have happened. Status 503. */
  | 'ERR_STORE_UNAVAILABLE'
  /** The session changed under every attempt to write it; nothing was written. Status 503. */
  | 'ERR_STORE_CONTENDED'
  /** The store has no room; nothing was written. Status 503. */
  | 'ERR_STORE_FULL'
  /** The store cannot do this at all, such as listing a subject's sessions; `store.capabilities` says so beforehand. Status 501. */
  | 'ERR_STORE_UNSUPPORTED'
  /** A newer version of Sojourn wrote the store; it was left as it is. */
  | 'ERR_STORE_NEWER'
  /** The store is damaged, or is something else. */
  | 'ERR_STORE_UNREADABLE'
  /** There is no session, or it ended meanwhile; nothing was written. Status 401. */
  | 'ERR_SESSION_ENDED'
  /** The subject has as many sessions as the policy allows. Status 409. */
  | 'ERR_SESSION_LIMIT'
  /** The provider has ended the login that the session was to start from; nobody was signed in. Status 401. */
  | 'ERR_SIGN_IN_SEVERED'
  /** The headers have left, so no cookie can be set any more. */
  | 'ERR_SESSION_COMMITTED'
  /** The token was replaced by a stronger one a moment ago, or too often at once. Try again shortly. Status 409. */
  | 'ERR_ROTATION_PENDING'
  /** The client has not proved the device's key that the session is bound to, or the session is bound to none. Status 403. */
  | 'ERR_BINDING_REQUIRED'
  /** Session data is not plain JSON, or does not fit its schema; nothing was written. */
  | 'ERR_DATA_INVALID'
  /** Session data is over `maxDataBytes`; nothing was written. Status 413. */
  | 'ERR_DATA_TOO_LARGE'
  /** A later version of the application wrote the session data; it was left as it is. Status 503. */
  | 'ERR_DATA_NEWER'
  /** A session cannot start on plain HTTP, or behind a proxy that is not trusted. */
  | 'ERR_TRANSPORT_INSECURE'
  /** The cookie would be over 4,096 bytes, and browsers would drop it. */
  | 'ERR_COOKIE_TOO_LARGE'
  /** The request does not come from a page of this site, as far as it can show; the handler was not called. Status 403. */
  | 'ERR_CSRF_REFUSED'
  /** The session has not proved enough, or not recently enough; ask the person to, and try again. Status 401. */
  | 'ERR_ASSURANCE_INSUFFICIENT'
  /** The OpenID provider did not answer in time, or answered what no provider says. Status 503. */
  | 'ERR_PROVIDER_UNAVAILABLE'

interface ErrorOptionsWithCode {
  readonly code: ErrorCode
  /** HTTP status an adapter answers with unless the application decides otherwise. */
  readonly status?: number
  readonly cause?: unknown
}

/**
 * Base of every fault and misuse. Recognise errors by `code` (or `isSojournError`), never by message text.
 * Messages never hold a token, a cookie or a personal datum.
 */
export class SojournError extends Error {
  readonly code: ErrorCode
  /** HTTP status that fits: 4xx for what the caller can mend, 503 for a store that is away, else 500. */
  readonly status: number

  constructor(message: string, options: ErrorOptionsWithCode) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = options.code
    this.status = options.status ?? 500
  }

  /** Keeps serialised errors free of causes and stacks. */
  toJSON(): { name: string; code: ErrorCode; message: string } {
    return { name: this.name, code: this.code, message: this.message }
  }
}

/** Misuse found at start-up or in an argument: what was given, what was expected, why, where to read. */
export class ConfigError extends SojournError {}

/** The store failed, or is away. Nothing is known about the session: it is never "signed out". */
export class StoreError extends SojournError {
  /** Seconds after which a client may try again; sent as `Retry-After`, rounded up. */
  readonly retryAfter: number

  constructor(message: string, options: ErrorOptionsWithCode & { readonly retryAfter?: number }) {
    super(message, options)
    this.retryAfter = options.retryAfter ?? 1
  }
}

/** The OpenID provider is away, or is not the one it was configured to be. Nobody was signed in or out by it. */
export class ProviderError extends SojournError {
  /** Seconds after which a client may try again; sent as `Retry-After`. */
  readonly retryAfter = 5

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { code: 'ERR_PROVIDER_UNAVAILABLE', status: 503, cause: options.cause })
  }
}

/** The session cannot do what was asked: it ended meanwhile, the subject has too many, the answer is already on its way. */
export class SessionStateError extends SojournError {}

/** Session data that cannot be kept or used. Names the paths at fault, never the values. */
export class SessionDataError extends SojournError {}

/** The request came over a channel a session must not travel on. */
export class TransportError extends SojournError {}

/**
 * Which check a request did not pass: what `Sec-Fetch-Site`, `Origin` or `Referer` said; or a token was needed and was not there
 * (`token-missing`), or was not this session's (`token-wrong`).
 */
export type CsrfRule = 'sec-fetch-site' | 'origin' | 'referer' | 'token-missing' | 'token-wrong'

/** The request may have been forged by another site's page (cross-site request forgery). Nothing was done. */
export class CsrfError extends SojournError {
  /** The check it did not pass; the 403 names it too. */
  readonly rule: CsrfRule

  constructor(message: string, options: ErrorOptionsWithCode & { readonly rule: CsrfRule }) {
    super(message, options)
    this.rule = options.rule
  }
}

/**
 * The session has not proved what was asked for: RFC 9470's `insufficient_user_authentication`. Adapters answer it with the challenge in `headers`,
 * or send a page's visitor to where they can prove it (option `stepUpPage`).
 */
export class AssuranceError extends SojournError {
  /** Level that is asked for. */
  readonly acr: Acr
  /** Oldest proof that counts, in milliseconds; `undefined` for any age. */
  readonly maxAge: number | undefined
  /** Whether somebody is signed in at all, be it with a second factor still due. */
  readonly isSignedIn: boolean

  constructor(requirement: { readonly acr: Acr; readonly maxAge: number | undefined; readonly isSignedIn: boolean }) {
    super('The session has not proved enough for this, or not recently enough. See docs/guide/step-up.md.', {
      code: 'ERR_ASSURANCE_INSUFFICIENT',
      status: 401,
    })
    this.acr = requirement.acr
    this.maxAge = requirement.maxAge
    this.isSignedIn = requirement.isSignedIn
  }

  /** The challenge, for whatever answers an error with the headers it has, as Express does (RFC 9470, 3). */
  get headers(): { readonly 'WWW-Authenticate': string } {
    const { acr, maxAge } = this
    // Cut to whole seconds: a client that proves anew for it is early, never late.
    const age = Number.isFinite(maxAge) ? `, max_age="${Math.max(0, Math.floor(maxAge! / 1000))}"` : ''
    return { 'WWW-Authenticate': `Bearer error="insufficient_user_authentication", acr_values="${acr}"${age}` }
  }
}

/**
 * Tells whether a value is an error of Sojourn, also across two copies of the package.
 *
 * @param value - Anything caught.
 * @param code - Only this code, if given.
 * @example
 * try { await sessions.read(token) } catch (error) {
 *   if (isSojournError(error, 'ERR_STORE_UNAVAILABLE')) return new Response('Try again', { status: 503 })
 *   throw error
 * }
 */
export function isSojournError(value: unknown, code?: ErrorCode): value is SojournError {
  if (!(value instanceof Error) || !('code' in value) || typeof value.code !== 'string') return false
  return code === undefined ? value.code.startsWith('ERR_') && 'status' in value : value.code === code
}
