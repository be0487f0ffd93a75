/** Which sessions a request's cookies name: a device proves for its own, and for no other (OWASP Session Management Cheat Sheet, SMCS-30). */
import { parseToken } from '../../core/token.ts'
import { sessionValues } from '../../http/cookie-chunks.ts'
import type { RequestFacts } from '../../http/request-facts.ts'
import type { BindingContext } from './context.ts'

/** The ids of all session cookies that a key of ours made. Often none: browsers refresh without cookies when another site's link made them. */
export function sessionsInCookies({ service, http }: BindingContext, facts: RequestFacts): readonly string[] {
  const header = facts.header('cookie')
  if (header === undefined) return []
  const ids: string[] = []
  for (const value of sessionValues(header, http.sessionCookie.name)) {
    const token = parseToken(value, service.config.keyring)
    if (typeof token !== 'string') ids.push(token.id)
  }
  return ids
}
