/** What this server says to a browser about bindings: offers, challenges, configurations, refusals (DBSC draft, sections 6 and 8). */
import type { BindingContext } from './context.ts'
import type { Bound } from './note.ts'

/** An answer in parts, for whatever platform sends it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly setCookie?: string
  readonly body: string
}

const NEXT_CHALLENGE = 'Secure-Session-Challenge'

/** Value of `Secure-Session-Registration`. Always with a challenge: without one Chromium sends no proof at all. */
export function registrationOffer({ settings, macs, service }: BindingContext, sessionId: string): string {
  const challenge = macs.challenge({ kind: 'register', sessionId, issuedAt: service.config.clock() })
  return `(${settings.algorithms.join(' ')});path="${settings.registrationPath}";challenge="${challenge}"`
}

/** 200: the key has just been proved. The next challenge comes along, so that the next refresh takes one round trip. */
export function provenAnswer(context: BindingContext, sessionId: string, binding: Bound): Answer {
  const { cookie, service } = context
  const proven = { provenAt: binding.answeredAt, now: service.config.clock() }
  return {
    status: 200,
    headers: { ...headersOf(context), [NEXT_CHALLENGE]: nextChallenge(context, sessionId, binding) },
    setCookie: cookie.set(sessionId, binding.thumbprint, proven),
    body: JSON.stringify(instructions(context, sessionId)),
  }
}

/** 403 with a challenge: sign this first. */
export function challengeAnswer(context: BindingContext, sessionId: string, binding: Bound): Answer {
  const refused = refusal(context, 403)
  return { ...refused, headers: { ...refused.headers, [NEXT_CHALLENGE]: nextChallenge(context, sessionId, binding) } }
}

/** 200 that ends the binding in the browser, and sets no cookie. Any 4xx would too; this says that it is meant. */
export function endedAnswer(context: BindingContext, sessionId: string): Answer {
  return { status: 200, headers: headersOf(context), body: JSON.stringify({ continue: false, session_identifier: sessionId }) }
}

const REASONS = { 400: 'Bad Request', 403: 'Forbidden', 405: 'Method Not Allowed', 500: 'Internal Server Error' } as const

/** A refusal; says nothing of why, which is in an event. */
export function refusal(context: BindingContext, status: keyof typeof REASONS): Answer {
  return { status, headers: headersOf(context), body: JSON.stringify({ status, error: REASONS[status] }) }
}

/** The well-known document of the registrable domain: who may register sessions for the whole site. Public, and the same for everybody. */
export function wellKnownAnswer({ settings }: BindingContext): Answer {
  const body = JSON.stringify({ registering_origins: settings.registeringOrigins })
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=300', 'X-Content-Type-Options': 'nosniff' }
  return { status: 200, headers, body }
}

/** No CORS header on purpose: no other origin's script has business here. */
function headersOf({ settings }: BindingContext): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': settings.includeSite === undefined ? 'same-origin' : 'same-site',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  }
}

/** Later than any that was answered, whatever the clocks of several servers say: the browser would else never get one that counts. */
function nextChallenge({ macs, service }: BindingContext, sessionId: string, { answeredChallengeAt }: Bound): string {
  const issuedAt = Math.max(service.config.clock(), answeredChallengeAt + 1)
  return `"${macs.challenge({ kind: 'refresh', sessionId, issuedAt })}";id="${sessionId}"`
}

/** The session instructions (DBSC draft, 8.6). `scope.origin` is left out where it is the answering origin itself. */
function instructions({ cookie, settings, http }: BindingContext, sessionId: string): object {
  const { includeSite, refreshPath, allowedRefreshInitiators } = settings
  const initiators = allowedRefreshInitiators ?? (http.sessionCookie.sameSite === 'strict' ? [] : ['*'])
  return {
    session_identifier: sessionId,
    refresh_url: refreshPath,
    scope: {
      ...(includeSite === undefined ? {} : { origin: includeSite }),
      include_site: includeSite !== undefined,
      scope_specification: [],
    },
    credentials: [{ type: 'cookie', name: cookie.name, attributes: cookie.attributes }],
    allowed_refresh_initiators: initiators,
  }
}
