/** Codes of every error Sojourn throws. Stable: adding one is a minor change, renaming one a major. */
export type ErrorCode =
  | 'ERR_CONFIG_INVALID'
  | 'ERR_KEYS_INVALID'
  | 'ERR_POLICY_UNJUSTIFIED'
  | 'ERR_ARGUMENT_INVALID'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_STORE_CONTENDED'
  | 'ERR_STORE_FULL'
  | 'ERR_STORE_NEWER'
  | 'ERR_STORE_UNREADABLE'
  | 'ERR_SESSION_ENDED'
  | 'ERR_SESSION_LIMIT'
  | 'ERR_SESSION_COMMITTED'
  | 'ERR_ROTATION_PENDING'
  | 'ERR_DATA_INVALID'
  | 'ERR_DATA_TOO_LARGE'
  | 'ERR_DATA_NEWER'
  | 'ERR_TRANSPORT_INSECURE'
  | 'ERR_COOKIE_TOO_LARGE'

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
  /** Seconds after which a client may try again; sent as `Retry-After`. */
  readonly retryAfter: number = 1
}

/** The session cannot do what was asked: it ended meanwhile, the subject has too many, the answer is already on its way. */
export class SessionStateError extends SojournError {}

/** Session data that cannot be kept or used. Names the paths at fault, never the values. */
export class SessionDataError extends SojournError {}

/** The request came over a channel a session must not travel on. */
export class TransportError extends SojournError {}

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
