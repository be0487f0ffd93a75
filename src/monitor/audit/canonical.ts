/**
 * One text for one value, and its hash. Texts are JSON with sorted names, without white space, and with everything outside of printable ASCII written as `\uXXXX`: no line
 * break, terminal sequence or mark of direction survives in it (ASVS 5.0, 16.4.1), no engine's encoding can change it, and half a surrogate pair stays what it was.
 */
import { createHash } from 'node:crypto'

/** What entries are made of. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [name: string]: Plain | undefined }

/** The canonical text. Names whose value is `undefined` are left out. */
export function canonical(value: Plain): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value === 0 ? 0 : value) : 'null'
  if (typeof value === 'boolean') return String(value)
  // Also what is no plain value at all, from an application without types.
  if (typeof value !== 'object' || value === null) return 'null'
  if (isList(value)) return `[${value.map(canonical).join(',')}]`
  const named = Object.entries(value)
    .filter((pair): pair is [string, Plain] => pair[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${named.map(([name, inner]) => `${quoted(name)}:${canonical(inner)}`).join(',')}}`
}

const isList = (value: Plain): value is readonly Plain[] => Array.isArray(value)

function quoted(text: string): string {
  const json = JSON.stringify(text)
  if (/^[\x20-\x7e]*$/.test(json)) return json
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** SHA-256 in base64url of texts, each with its length before it so that no two lists of parts are one message; `what` keeps uses apart. */
export function digest(what: 'log' | 'entry' | 'restart' | 'checkpoint' | 'name' | 'key', ...parts: readonly string[]): string {
  const hash = createHash('sha256').update(`sojourn/audit/1/${what}\0`)
  // As UTF-8, although all of ours is ASCII: what somebody put there instead must not come to the same bytes.
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest('base64url')
}
