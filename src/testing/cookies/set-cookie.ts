import { parseCookieDate } from './cookie-date.ts'

/** One `Set-Cookie` header after parsing, before a browser decides whether to keep it. */
export interface SetCookie {
  readonly name: string
  readonly value: string
  readonly expires: number | undefined
  /** Seconds, as on the wire. */
  readonly maxAge: number | undefined
  /** Lower case, without a leading dot; empty if absent. */
  readonly domain: string
  /** `undefined` if the attribute is absent or not absolute: the default path then applies. */
  readonly path: string | undefined
  readonly isSecure: boolean
  readonly isHttpOnly: boolean
  readonly sameSite: SameSite
}

export type SameSite = 'strict' | 'lax' | 'none' | 'default'

// RFC 6265bis, 5.6: control characters but HTAB make the whole header void.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/
const LONGEST_PAIR = 4096
const LONGEST_ATTRIBUTE = 1024
const MAX_AGE = /^-?\d+$/

/** Parses a `Set-Cookie` header as a browser does (RFC 6265bis, 5.6); `undefined` if it is to be ignored. */
export function parseSetCookie(header: string): SetCookie | undefined {
  if (CONTROL.test(header)) return undefined
  const [pair = '', ...attributes] = header.split(';')
  const equals = pair.indexOf('=')
  // Without "=" it is a value without a name.
  const name = equals === -1 ? '' : trim(pair.slice(0, equals))
  const value = trim(pair.slice(equals + 1))
  const size = Buffer.byteLength(name) + Buffer.byteLength(value)
  if (size === 0 || size > LONGEST_PAIR) return undefined

  const cookie = {
    name,
    value,
    expires: undefined as number | undefined,
    maxAge: undefined as number | undefined,
    domain: '',
    path: undefined as string | undefined,
    isSecure: false,
    isHttpOnly: false,
    sameSite: 'default' as SameSite,
  }
  // The last one of a name counts.
  for (const attribute of attributes) {
    const at = attribute.indexOf('=')
    const key = trim(at === -1 ? attribute : attribute.slice(0, at)).toLowerCase()
    const text = at === -1 ? '' : trim(attribute.slice(at + 1))
    if (Buffer.byteLength(text) > LONGEST_ATTRIBUTE) continue
    if (key === 'expires') cookie.expires = parseCookieDate(text) ?? cookie.expires
    else if (key === 'max-age') cookie.maxAge = MAX_AGE.test(text) ? Number(text) : cookie.maxAge
    else if (key === 'domain') cookie.domain = text.replace(/^\./, '').toLowerCase()
    else if (key === 'path') cookie.path = text.startsWith('/') ? text : undefined
    else if (key === 'secure') cookie.isSecure = true
    else if (key === 'httponly') cookie.isHttpOnly = true
    else if (key === 'samesite') cookie.sameSite = toSameSite(text)
  }
  return cookie
}

function toSameSite(text: string): SameSite {
  const value = text.toLowerCase()
  return value === 'strict' || value === 'lax' || value === 'none' ? value : 'default'
}

/** Blanks and tabs only: other white space is part of a value. */
function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}
