/** The options of the defence against forged requests. */
import { invalid } from './paths.ts'

/** Options of `csrf`. All have safe defaults. */
export interface CsrfOptions<Native> {
  /**
   * Further origins whose pages may act here, such as `https://admin.shop.example`. Default none: the site's own alone, which is the request's `Host`
   * with the scheme it came by. Whole https origins, no wildcard; with `dangerouslyAllowHttp` also `http://localhost:5173` and the like.
   *
   * Name the site's public origin here when a proxy changes `Host`; `X-Forwarded-Host` is never believed. Whoever controls a page of a
   * listed origin, by script injection there say, can do here whatever the person signed in can.
   */
  readonly allowedOrigins?: readonly string[]
  /**
   * Requests that come from other people's servers, such as webhooks: exact paths, or a function that answers `true`. Default none.
   *
   * They pass unchecked, and without session: whatever cookie they bring, they are anonymous, and can neither start a session nor set a cookie. Check their
   * signature yourself. An exempt route that trusts anything a browser sends by itself, a network address say, can be used by every page of the web.
   */
  readonly safe?: readonly string[] | ((request: Native) => boolean)
  /**
   * Whether a request is a program's rather than a browser's; asked only where it has none of `Sec-Fetch-Site`, `Origin` and `Referer` and would need
   * a token. `true` lets it through with its session. Default: none is.
   *
   * Answer from something no page can make a browser send without asking first (CORS preflight), such as a header of your own. A page that
   * can imitate it acts for whoever is signed in with an old browser.
   */
  readonly isProgram?: (request: Native) => boolean
  /**
   * GET and HEAD requests to hold to the same rules: paths, or a function. Default none: a GET should change nothing (RFC 9110, 9.2.1). A path is also every
   * spelling of it that some router takes for the same, `/Hook/` for `/hook`; a function sees the address as it was sent.
   *
   * `true` for a route that does change something, which a link or an image of any site could otherwise set off. `'subresources'` for what other sites may
   * link to and must not load: a page of theirs could otherwise measure or embed it (cross-site leaks).
   */
  readonly protect?: readonly string[] | ((request: Native) => boolean | 'subresources')
  /**
   * When a token is asked for. `fallback`: where no header says where the request began. `always`: of every unsafe request, besides the other
   * rules, as NIST SP 800-63B-4, 5.1 asks. Default `fallback`; `always` with the policies `aal1`, `aal2` and `aal3`.
   *
   * With `fallback`, trust is in the headers a browser sets and no script can.
   */
  readonly token?: 'fallback' | 'always'
  /**
   * Finds the token of a request that has no header `x-csrf-token`. Default: the form field `csrf_token`, on Express of `req.body` where a body parser
   * ran before, on `sojourn/web` of the form itself up to 128 KiB; none on `sojourn/node`. Never take it from the URL, which ends up in logs, or from a cookie, which
   * the browser sends by itself.
   */
  readonly tokenFrom?: (request: Native) => unknown
  /**
   * Refuses nothing and only reports, by `csrf.refused` events. Default `false`. To see before a release what would be refused; meanwhile every page of the
   * web can act for whoever is signed in.
   */
  readonly dangerouslyReportOnly?: boolean
}

const OPTIONS = ['allowedOrigins', 'safe', 'isProgram', 'protect', 'token', 'tokenFrom', 'dangerouslyReportOnly']

/** Typos, and options of other libraries: each would silently be less safe, or more strict, than its author believes. @throws {ConfigError} `ERR_CONFIG_INVALID` */
export function checkedOptions<Native>(options: unknown): CsrfOptions<Native> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(
      'csrf is no object of options',
      'one such as { allowedOrigins: [] }; what turns it off is dangerouslyDisableCsrf: true',
    )
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.includes(key))
  if (unknown !== undefined)
    throw invalid(`csrf has an option ${JSON.stringify(unknown).slice(0, 60)}`, `only ${OPTIONS.join(', ')}`)
  const { token: asked, dangerouslyReportOnly } = options as CsrfOptions<Native>
  if (asked !== undefined && asked !== 'fallback' && asked !== 'always')
    throw invalid('csrf.token is neither word', "'fallback' or 'always'")
  if (dangerouslyReportOnly !== undefined && typeof dangerouslyReportOnly !== 'boolean')
    throw invalid('csrf.dangerouslyReportOnly is not a boolean', 'true or false')
  return options as CsrfOptions<Native>
}
