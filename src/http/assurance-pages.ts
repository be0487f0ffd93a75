/**
 * Where a visitor goes who has not proved enough: a program is told by RFC 9470's challenge, a person by a page, from which they come back to
 * where they were.
 */
import { type AssuranceError, ConfigError, isSojournError } from '../core/errors.ts'
import { returnTo } from './input/return-to.ts'
import type { RequestFacts } from './request-facts.ts'

/** Paths of the pages; `undefined` where there is none. */
export interface AssurancePages {
  readonly stepUp: string | undefined
  readonly signIn: string | undefined
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a page that is no path of this site. */
export function assurancePages(
  options: { readonly stepUpPage?: string; readonly signInPage?: string },
  guards: readonly { readonly stepUpPage?: string | undefined }[],
): AssurancePages {
  const stepUp = options.stepUpPage ?? guards.find((guard) => guard.stepUpPage !== undefined)?.stepUpPage
  const signIn = options.signInPage ?? stepUp
  for (const [name, page] of [['stepUpPage', stepUp] as const, ['signInPage', signIn] as const]) {
    if (page !== undefined && !isPage(page))
      throw new ConfigError(
        `${name} is no plain path; expected one such as '/step-up', without query. See docs/guide/step-up.md.`,
        {
          code: 'ERR_CONFIG_INVALID',
        },
      )
  }
  return { stepUp, signIn }
}

export function isPage(page: unknown): page is string {
  return typeof page === 'string' && /^\/[A-Za-z0-9/._~-]*$/.test(page) && returnTo(page, { fallback: '/' }) === page
}

/** What of a request decides. */
export interface PageRequest extends Pick<RequestFacts, 'method' | 'path' | 'authority' | 'header'> {
  /** Path and query. */
  readonly target: string
}

/**
 * Where to send the visitor; `undefined` where the request is no page's, there is no page, or the error is another.
 *
 * Back they come to the page they asked for. What a form sent cannot be asked for again: they come back to the page the form is on.
 */
export function stepUpLocation(error: unknown, request: PageRequest, pages: AssurancePages): string | undefined {
  if (!isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT')) return undefined
  const { acr, maxAge, isSignedIn } = error as AssuranceError
  const page = isSignedIn ? pages.stepUp : pages.signIn
  // A page that asks for more than it can give would send its visitor round for ever.
  if (page === undefined || request.path === page || !isOfPage(request)) return undefined
  const query = new URLSearchParams({ acr })
  if (Number.isFinite(maxAge)) query.set('max_age', String(Math.max(0, Math.floor(maxAge! / 1000))))
  query.set('returnTo', returnTo(isRead(request) ? request.target : formPageOf(request)))
  return `${page}?${query}`
}

/** A navigation, as far as it says: a script's `fetch` would follow the redirect and take the page for its answer. */
function isOfPage(request: PageRequest): boolean {
  const mode = request.header('sec-fetch-mode')
  if (mode !== undefined && mode !== 'navigate') return false
  return /\btext\/html\b/i.test((request.header('accept') ?? '').slice(0, 1024))
}

function isRead({ method }: PageRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The path of this site that the form was on, where the browser says. */
function formPageOf(request: PageRequest): string | undefined {
  const referer = request.header('referer')
  if (referer === undefined || referer.length > 2048 || !URL.canParse(referer)) return undefined
  const { host, pathname, search } = new URL(referer)
  return host === request.authority?.toLowerCase() ? pathname + search : undefined
}
