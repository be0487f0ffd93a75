/**
 * Which requests any page of the web can make a browser send to any site without asking first: what an HTML form can (Fetch, "CORS-safelisted
 * request-header"; ASVS 5.0, 3.5.2). For all others the browser asks in a preflight, which this site does not answer.
 */

const SIMPLE_TYPES = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'] as const
const LONGEST_TYPE = 128
/** RFC 9110, 8.3.1: type and subtype are tokens. */
const MEDIA_TYPE = /^[a-z0-9!#$%&'*+\-.^_`|~]+\/[a-z0-9!#$%&'*+\-.^_`|~]+$/

/**
 * Whether a browser asks before it sends this on behalf of another site. A body's type that is absent, garbage or two in one is none that
 * a browser would ask about, as far as we know.
 */
export function needsPreflight(method: string, contentType: string | undefined): boolean {
  if (method !== 'POST' && method !== 'GET' && method !== 'HEAD') return true
  if (contentType === undefined) return false
  const semicolon = contentType.indexOf(';')
  const end = semicolon === -1 ? contentType.length : semicolon
  if (end > LONGEST_TYPE) return false
  const type = contentType.slice(0, end).trim().toLowerCase()
  return MEDIA_TYPE.test(type) && !SIMPLE_TYPES.some((simple) => simple === type)
}
