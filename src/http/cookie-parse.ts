/**
 * Finds one cookie in a `Cookie` header without reading the others into an object: nothing is allocated for cookies nobody asked
 * for, and no name from the wire becomes a property name.
 */

const NONE: readonly string[] = Object.freeze([])

const SEMICOLON = 0x3b
const EQUALS = 0x3d

/**
 * How many values of one name are looked at. A browser sends more than one only when scopes overlap or somebody tosses cookies
 * (RFC 6265bis, 8.6); sixteen is more than any honest case has, and a thousand cost no more than sixteen.
 */
export const MOST_CANDIDATES = 16

/**
 * Lists the values a `Cookie` header has for a name, in the order sent, at most `MOST_CANDIDATES`.
 *
 * Values come as sent: not percent-decoded, quotes kept, blanks around them dropped (RFC 6265bis, 5.7 has user agents do the same).
 * Names are case-sensitive. Any string is fine, hostile ones included: the work is linear in its length and nothing throws.
 *
 * @param header - The `Cookie` header; several of them joined with `; `.
 * @param name - A cookie name as `cookie-serialise.ts` accepts it.
 */
export function cookieValues(header: string, name: string): readonly string[] {
  let found = NONE
  let from = 0
  for (;;) {
    const at = header.indexOf(name, from)
    if (at === -1) return found
    from = at + name.length
    if (!startsPair(header, at)) continue
    const equals = skipBlanks(header, from)
    if (header.charCodeAt(equals) !== EQUALS) continue
    const semicolon = header.indexOf(';', equals)
    const end = semicolon === -1 ? header.length : semicolon
    const value = trimmed(header, equals + 1, end)
    if (found === NONE) found = [value]
    else if ((found as string[]).push(value) === MOST_CANDIDATES) return found
    from = end
  }
}

/** Whether only blanks lie between the previous `;`, or the header's start, and this position: else it is the middle of something. */
function startsPair(header: string, at: number): boolean {
  let i = at - 1
  while (i >= 0 && isBlank(header.charCodeAt(i))) i--
  return i < 0 || header.charCodeAt(i) === SEMICOLON
}

function trimmed(header: string, from: number, to: number): string {
  const start = skipBlanks(header, from)
  let end = to
  while (end > start && isBlank(header.charCodeAt(end - 1))) end--
  return header.slice(start, end)
}

function skipBlanks(header: string, from: number): number {
  let i = from
  while (isBlank(header.charCodeAt(i))) i++
  return i
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
