/** How a nonce is handed out (RFC 9449, 8.1 and 8.2). */

/** Pages of other origins can read these only where they are named. */
const EXPOSED = 'DPoP-Nonce, WWW-Authenticate'

/** Headers with which any answer hands out the next nonce; such an answer must not be cached, or others would get an old one. */
export function nonceHeaders(nonce: string): Record<string, string> {
  return { 'Access-Control-Expose-Headers': EXPOSED, 'Cache-Control': 'no-store', 'DPoP-Nonce': nonce }
}
