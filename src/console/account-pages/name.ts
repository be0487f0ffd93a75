/**
 * Names that came from outside, made fit to be seen: a browser, a provider or an application's own database may say anything. Escaping is the template's; here they lose
 * what would change the text around them, and what is too long to read.
 */

const LONGEST = 64
const LONGEST_TITLE = 256

/** Controls, and the marks that turn the direction of text (Unicode TR 36, 3.1). */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]|\p{Surrogate}/gu

/** A name to show, and the longer one it was cut from, for its `title`. */
export function shown(name: string): { readonly text: string; readonly title: string | undefined } {
  const clean = name.slice(0, 4 * LONGEST_TITLE).replace(UNSEEN, '\ufffd')
  const letters = Array.from(clean)
  if (letters.length <= LONGEST) return { text: clean, title: undefined }
  return { text: `${letters.slice(0, LONGEST - 1).join('')}…`, title: letters.slice(0, LONGEST_TITLE).join('') }
}
