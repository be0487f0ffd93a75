/** What a person calls a factor, such as `My phone`: their own words, so anybody's. */

const LONGEST = 100
/** Controls, line breaks, halves of characters, and what turns the direction of text around: they could make a list say something else (CWE-1007). */
const UNFIT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}]/gu

/** Text fit for a list: without controls, at most 100 characters; `fallback` where nothing is left, or it is no text. */
export function factorName(given: unknown, fallback: string): string {
  return typeof given === 'string' ? given.slice(0, LONGEST).replace(UNFIT, '').trim() || fallback : fallback
}
