/** How a request presents its access token to a service: `Authorization: DPoP ...` (RFC 9449, 7.1) or `Bearer ...` (RFC 6750, 2.1). */

export type PresentedToken =
  | { readonly scheme: 'DPoP' | 'Bearer'; readonly accessToken: string }
  /** No token, or another scheme: answer 401. */
  | { readonly scheme: 'none' }
  /** Two at once, or something that is no token: answer 400, `invalid_request`. */
  | { readonly scheme: 'invalid' }

/** RFC 9110, 11.2: what a token is made of. A comma is not in it, and joins several headers. */
const ONE = /^(dpop|bearer) +([A-Za-z0-9._~+/-]+=*)$/i
const OURS = /(?:^|,)\s*(?:dpop|bearer)(?:[\s,]|$)/i
const LONGEST = 16_384

/**
 * Reads the `Authorization` header, several joined with a comma. A token in the query or in a form is not looked for: URLs are logged (RFC 9700, 4.3.2).
 *
 * A token that is bound to a key must not come as `Bearer` (RFC 9449, 7.2): whoever calls this has to compare the scheme with the token's `cnf`.
 */
export function presentedToken(authorization: string | undefined): PresentedToken {
  if (authorization === undefined) return { scheme: 'none' }
  if (authorization.length > LONGEST) return { scheme: 'invalid' }
  const text = authorization.trim()
  const one = ONE.exec(text)
  if (one !== null) return { scheme: one[1]!.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', accessToken: one[2]! }
  return { scheme: OURS.test(text) ? 'invalid' : 'none' }
}
