/**
 * What a client is told when the session could not be read or written. Never the error's message: it is written for the developer
 * (ASVS 5.0, 16.5.1).
 */
import { type AssuranceError, isSojournError } from '../core/errors.ts'

/** An answer in parts, for whatever platform sends it. */
export interface ErrorResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** RFC 9110, 15: the reasons of the statuses that errors of ours have. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  413: 'Content Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/**
 * Turns a failure into an answer: the status of a Sojourn error, 500 for anything else.
 *
 * @param accept - The request's `Accept` header. JSON for those who name it, else one line of text.
 * @param location - Where a visitor proves more, for a page; see `stepUpLocation`.
 */
export function errorResponse(error: unknown, accept: string | undefined, location?: string): ErrorResponse {
  if (location !== undefined) {
    // The body of a redirect is for those who do not follow it.
    return {
      status: 303,
      headers: { Location: location, 'Cache-Control': 'no-store', 'Content-Type': 'text/plain; charset=utf-8' },
      body: 'See Other\n',
    }
  }
  const status = isSojournError(error) && REASONS[error.status] !== undefined ? error.status : 500
  const reason = REASONS[status]!
  const isJson = accept !== undefined && /\bjson\b/i.test(accept)
  const headers: Record<string, string> = {
    'Content-Type': isJson ? 'application/json' : 'text/plain; charset=utf-8',
    // Neither a shared cache nor the browser may show this again once the fault is mended.
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  }
  if (isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT')) Object.assign(headers, (error as AssuranceError).headers)
  const retryAfter = retryAfterOf(error)
  if (retryAfter !== undefined) headers['Retry-After'] = retryAfter
  // Of a forged request one may know which rule it broke, and nothing else.
  const rule = isSojournError(error, 'ERR_CSRF_REFUSED') && 'rule' in error ? String(error.rule) : undefined
  const body = isJson ? JSON.stringify({ status, error: reason, rule }) : `${reason}${rule === undefined ? '' : `: ${rule}`}\n`
  return { status, headers, body }
}

/** `Retry-After` in seconds, for a store that is away (RFC 9110, 10.2.3). */
export function retryAfterOf(error: unknown): string | undefined {
  if (!isSojournError(error) || error.status !== 503) return undefined
  const seconds = 'retryAfter' in error && typeof error.retryAfter === 'number' ? error.retryAfter : 1
  return String(Math.max(1, Math.ceil(seconds)))
}

const CONTENT_HEADERS: ReadonlySet<string> = new Set([
  'location',
  'refresh',
  'etag',
  'last-modified',
  'accept-ranges',
  'transfer-encoding',
  'trailer',
  'link',
])

/** Whether a header describes an answer that is not sent after all. The application's own cookies stay: they are not ours to judge. */
export function isContentHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return CONTENT_HEADERS.has(lower) || (lower.startsWith('content-') && !lower.startsWith('content-security-policy'))
}

/** Whether a failure is in the course of things, a store away or a session ended, rather than a mistake somebody must see. */
export function isOperational(error: unknown): boolean {
  return isSojournError(error) && error.status !== 500
}
