/**
 * The token a request presents: in `Authorization`, exactly once, as Bearer (RFC 6750, 2.1) or DPoP (RFC 9449, 7.1). Query and body are never looked at: what stands in a URL
 * stands in logs, histories and `Referer` (RFC 9700, 4.3.2).
 */

/** What came along. */
export type Presented =
  | { readonly scheme: 'Bearer' | 'DPoP'; readonly accessToken: string }
  /** Nothing that is for us. */
  | 'missing'
  /** Two of them: nobody can say which one counts (RFC 9449, 7.2; RFC 6750, 3.1). */
  | 'several'
  | 'malformed'

/** RFC 9110, 11.2: `token68`, in which both kinds of token are spelled. */
const CREDENTIALS = /^(bearer|dpop) +([\w\-.~+/]+=*)$/i
const OURS = /^(?:bearer|dpop)(?:[\s,]|$)/i
/** Node takes 16 KiB of headers at most; others take more. */
const LONGEST = 65_536

/** @param values - Every `Authorization` header of the request, in order. Where HTTP joined several with a comma, that is seen too. */
export function presentedIn(values: readonly string[]): Presented {
  if (values.length > 1) return values.some((value) => OURS.test(value.trim())) ? 'several' : 'missing'
  const value = values[0]?.trim() ?? ''
  if (value.length > LONGEST) return 'malformed'
  const match = CREDENTIALS.exec(value)
  if (match !== null) return { scheme: match[1]!.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', accessToken: match[2]! }
  if (/(?:^|,)\s*(?:bearer|dpop)\s/i.test(value) && value.includes(',')) return 'several'
  return OURS.test(value) ? 'malformed' : 'missing'
}

/** Every value of a header, as it came: Node's `headers` keep the first `Authorization` and drop the rest. */
export function rawValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) if (rawHeaders[i]!.toLowerCase() === name) values.push(rawHeaders[i + 1]!)
  return values
}
