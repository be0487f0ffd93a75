/**
 * Reports browsers send of what a policy forbade (Reporting API; CSP Level 3, 5). Anybody can post one, so they are counted and not believed. Addresses
 * lose their query and fragment, which hold what people searched for and what mails link to; samples of code are dropped.
 */

/** One report, as little as is needed to mend a page or a policy. */
export interface SecurityReport {
  /** `csp-violation`, `coop`, `coep` or another type of the Reporting API; what is longer than 40 characters is cut. */
  readonly type: string
  /** The directive that was violated, of a CSP report. */
  readonly directive: string | undefined
  /** Origin of what was blocked, or a keyword such as `inline` or `eval`. */
  readonly blocked: string | undefined
  /** Path of the page, without query and fragment. */
  readonly page: string | undefined
  /** Path of the script or style that caused it, and the line. */
  readonly source: string | undefined
  readonly line: number | undefined
  /** Whether it was forbidden, or only would have been. */
  readonly isEnforced: boolean | undefined
}

const LONGEST_BODY = 65_536
const MOST_REPORTS = 20
const LONGEST_PATH = 200

/**
 * Reads the body a browser posted to `reportTo`.
 *
 * @param body - The text, as received. Let your server refuse bodies over 64 KB before it reads them; longer ones give no report here.
 * @returns At most 20 reports; none for whatever is no report. Never throws.
 * @see Reporting API; CSP Level 3, 5
 * @example
 * app.post('/reports', express.text({ type: () => true, limit: '64kb' }), (req, res) => {
 *   for (const { directive, blocked, page } of parseReports(req.body)) log.warn({ directive, blocked, page })
 *   res.sendStatus(204)
 * })
 */
export function parseReports(body: unknown): SecurityReport[] {
  if (typeof body !== 'string' || body.length > LONGEST_BODY) return []
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return []
  }
  const list = Array.isArray(parsed) ? parsed : [parsed]
  return list.slice(0, MOST_REPORTS).flatMap((item) => reportOf(item) ?? [])
}

function reportOf(item: unknown): SecurityReport | undefined {
  const report = objectAt(item)
  // `report-uri` posts one object under this name; the Reporting API a list, with other spellings inside.
  const legacy = objectAt(report?.['csp-report'])
  const body = legacy ?? objectAt(report?.body)
  if (report === undefined || body === undefined) return undefined
  const type = legacy === undefined ? wordAt(report.type) : 'csp-violation'
  if (type === undefined) return undefined
  const disposition = body.disposition
  const line = body.lineNumber ?? body['line-number']
  return {
    type,
    directive: wordAt(body.effectiveDirective ?? body['effective-directive'] ?? body['violated-directive']),
    blocked: blockedAt(body.blockedURL ?? body['blocked-uri']),
    page: pathAt(body.documentURL ?? body['document-uri'] ?? report.url),
    source: pathAt(body.sourceFile ?? body['source-file']),
    line: Number.isSafeInteger(line) ? (line as number) : undefined,
    isEnforced: disposition === 'enforce' ? true : disposition === 'report' ? false : undefined,
  }
}

function objectAt(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

/** A word of the platform's; what has other characters was written by somebody else. */
function wordAt(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  return /^[a-z][a-z-]{0,39}/.exec(value.slice(0, 40))?.[0]
}

function blockedAt(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^[a-z]/.test(value)) return undefined
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined) return wordAt(value)
  return url.origin === 'null' ? wordAt(url.protocol) : url.origin
}

function pathAt(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^https?:/.test(value) || !URL.canParse(value)) return undefined
  return new URL(value).pathname.slice(0, LONGEST_PATH)
}
