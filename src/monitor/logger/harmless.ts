/**
 * Values that cannot do anything to whoever reads a log: a line break begins a forged line, an escape sequence steers a terminal, a direction mark turns words around.
 * They are written as `\u202e`, so that nothing is lost.
 */

/** C0 and C1 controls, line and paragraph separators, direction marks, joiners without width, the byte order mark, lone surrogates. */
const HARMFUL = /[\p{Cc}\u2028\u2029\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\p{Cs}]/gu
const LONGEST = 1024
const MOST_ITEMS = 100
const DEEPEST = 4

/** A copy, with texts cut at 1,024 characters and lists at 100 items. */
export function harmless(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return plainText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEEPEST) return '...'
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => harmless(item, depth + 1))
  const entries = Object.entries(value).slice(0, MOST_ITEMS)
  return Object.fromEntries(entries.map(([key, item]) => [plainText(key), harmless(item, depth + 1)]))
}

function plainText(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
  return cut.replace(HARMFUL, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
