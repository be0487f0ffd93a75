/** `Secure-Session-Skipped`: a browser says that it could not refresh, and why. A claim like any other: it explains, and admits nobody. */

const TOKENS = ['unreachable', 'server_error', 'quota_exceeded'] as const
type Skipped = (typeof TOKENS)[number]

const LONGEST = 1024

/** Why the browser says it did not refresh this session; `undefined` when it says nothing of it. Ids have nothing to escape. */
export function skippedFor(header: string | undefined, sessionId: string): Skipped | undefined {
  if (header === undefined || header.length > LONGEST) return undefined
  for (const member of header.split(',')) {
    const [token, ...parameters] = member.split(';').map((part) => part.trim())
    const isOurs = parameters.some(
      (text) => text === `session_identifier="${sessionId}"` || text === `session_identifier=${sessionId}`,
    )
    if (isOurs) return TOKENS.find((known) => known === token)
  }
  return undefined
}
