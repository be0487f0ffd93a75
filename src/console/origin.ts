/**
 * What a change has to show: that it comes from a page of these, and of this session. Besides the adapter's own rules, which an application can loosen: what ends other people's sessions is
 * not loosened with them (ASVS 5.0, 3.5.1; CSRF Prevention Cheat Sheet, "Defense in depth").
 */
import type { CsrfRule } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import { CSRF_FIELD } from '../http/csrf/form-field.ts'
import { isOwnOrigin, originOf } from '../http/csrf/origin.ts'
import { CsrfTokens } from '../http/csrf/token.ts'
import type { RequestFacts } from '../http/request-facts.ts'

/** Judges the changes of one service's pages. */
export type OriginCheck = (
  facts: RequestFacts,
  form: URLSearchParams | undefined,
  session: Session<unknown>,
) => CsrfRule | undefined

/** Every header that says where the request began has to say that it was here, and the form has to carry the token of the session. */
export function originCheck(sessions: object): OriginCheck {
  const { keyring, random } = serviceOf(sessions).config
  const tokens = new CsrfTokens(keyring, random)

  return (facts, form, session) => {
    const site = facts.header('sec-fetch-site')
    if (site !== undefined && site !== 'same-origin') return 'sec-fetch-site'
    const origin = facts.header('origin')
    if (origin !== undefined && !isOwn(facts, origin)) return 'origin'
    const referer = facts.header('referer')
    if (origin === undefined && site === undefined && referer !== undefined && !isOwn(facts, originOf(referer))) return 'referer'
    const given = form?.getAll(CSRF_FIELD) ?? []
    if (given.length === 0) return 'token-missing'
    const { id } = session
    const isOurs = given.length === 1 && id !== undefined && tokens.isOf(given[0]!, { kind: 'session', value: id })
    return isOurs ? undefined : 'token-wrong'
  }
}

/** A proxy may end TLS in front of us; the page of an encrypted site never counts as one of its unencrypted namesake. */
function isOwn(facts: RequestFacts, origin: string): boolean {
  const { authority, isEncrypted } = facts
  return isOwnOrigin(origin, true, authority) || (!isEncrypted && isOwnOrigin(origin, false, authority))
}
