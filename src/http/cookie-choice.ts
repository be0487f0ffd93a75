/** Which of several cookies of our name is the session's: the answer to cookie tossing. */

/** What was made of the `Cookie` header. */
export interface CookieChoice {
  /** The token to read; `undefined` for a visitor without one, or with two. */
  readonly token: string | undefined
  /** How many cookies of the name were looked at. */
  readonly candidates: number
  /** How many different tokens among them a key of ours made. Counted only when there is more than one candidate. */
  readonly valid: number
}

const NO_COOKIE: CookieChoice = { token: undefined, candidates: 0, valid: 0 }

/**
 * Chooses among the values a browser sent for one name. The order says nothing: it follows from paths and creation times, and an
 * attacker on a neighbouring host sets both (RFC 6265bis, 8.6).
 *
 * - One value: that one.
 * - Exactly one different token of ours: that one, since noise cannot sign anybody out.
 * - Several different ones: none. An attacker's own valid session tossed beside the victim's would else make the victim act, and
 *   store secrets, in the attacker's account.
 * - None: the first, so that its state is reported.
 *
 * @param sessions.recognises - Whether a key of ours made the token; by CPU alone.
 */
export function chooseCookie(values: readonly string[], sessions: { recognises(token: string): boolean }): CookieChoice {
  if (values.length === 0) return NO_COOKIE
  if (values.length === 1) return { token: values[0], candidates: 1, valid: 0 }
  const distinct = [...new Set(values)].filter((value) => sessions.recognises(value))
  const token = distinct.length === 0 ? values[0] : distinct.length === 1 ? distinct[0] : undefined
  return { token, candidates: values.length, valid: distinct.length }
}
