/** What a developer reads of a refusal. Nothing in it is the client's: the rule alone tells them apart. */
import { CsrfError, type CsrfRule } from '../../core/errors.ts'

const MEANINGS: Readonly<Record<CsrfRule, string>> = {
  'sec-fetch-site': 'Sec-Fetch-Site says that another site, or a sibling of this one, made the browser send it',
  origin: "its Origin is not this site's: scheme, host and port have to be those of the request, or be in csrf.allowedOrigins",
  referer: "its Referer is not of this site's pages",
  'token-missing': 'it has none of Sec-Fetch-Site, Origin and Referer, or tokens are always asked for, and it has no token',
  'token-wrong': 'its token is not one of this session',
}

/** The error a refused request ends with; adapters answer it with 403 and the rule. */
export function csrfError(rule: CsrfRule): CsrfError {
  return new CsrfError(`The request was refused before the handler: ${MEANINGS[rule]}. See docs/guide/csrf.md.`, {
    code: 'ERR_CSRF_REFUSED',
    status: 403,
    rule,
  })
}
