/**
 * User-agent client hints that Chromium sends unasked over TLS (WICG, "User-Agent Client Hints"): brands, platform, mobile. A tool that
 * copies a user agent often forgets them, and scripts in a page cannot change them: `Sec-` headers are the browser's own.
 */
import { Recent } from '../../core/recent.ts'

/** What the hints say, in words of ours; an empty text where a single one was not sent. */
export interface Hints {
  /** Brand names in order of the alphabet, without versions and without the made-up ones. */
  readonly brands: string
  readonly platform: string
  readonly mobile: string
}

/** Browsers send about 120 characters. */
const LONGEST = 512
const LONGEST_NAME = 64
const MOST_BRANDS = 8
const PLATFORMS: readonly string[] = ['Android', 'Chrome OS', 'Chromium OS', 'iOS', 'Linux', 'macOS', 'Windows']

/** Reads hints, and remembers the brand lists that come up again. */
export class HintReader {
  readonly #recent = new Recent<string>()

  /** `undefined` when none was sent. */
  read(brands: string | undefined, platform: string | undefined, mobile: string | undefined): Hints | undefined {
    if (brands === undefined && platform === undefined && mobile === undefined) return undefined
    return {
      brands: brands === undefined ? '' : this.#brandsIn(brands),
      platform: platform === undefined ? '' : platformIn(platform),
      mobile: mobile === undefined ? '' : mobile === '?1' || mobile === '?0' ? mobile : 'other',
    }
  }

  #brandsIn(header: string): string {
    const known = this.#recent.get(header)
    if (known !== undefined) return known
    const isLong = header.length > LONGEST
    const brands = brandNames(isLong ? header.slice(0, LONGEST) : header)
      .sort()
      .join(', ')
    if (!isLong) this.#recent.keep(header, brands)
    return brands
  }
}

function platformIn(header: string): string {
  const name = header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : ''
  return PLATFORMS.includes(name) ? name : 'other'
}

/** The quoted texts of a structured-field list that are no parameter's value (RFC 9651, 3.1): `"Chromium";v="130"`. */
function brandNames(header: string): string[] {
  const names: string[] = []
  let isQuoted = false
  let isParameter = false
  let name = ''
  for (let i = 0; i < header.length && names.length < MOST_BRANDS; i++) {
    const char = header[i]!
    if (isQuoted && char === '\\') name += header[++i] ?? ''
    else if (isQuoted && char === '"') {
      if (!isParameter && !isMadeUp(name)) names.push(name.slice(0, LONGEST_NAME))
      isQuoted = false
    } else if (isQuoted) name += char
    else if (char === '"') {
      isQuoted = true
      isParameter = header[i - 1] === '='
      name = ''
    }
  }
  return names
}

/** `Not/A)Brand` and its like: browsers add one, another each time, so that nobody takes the list for closed. */
function isMadeUp(name: string): boolean {
  let letters = ''
  for (const char of name.toLowerCase()) if (char >= 'a' && char <= 'z') letters += char
  return letters === 'notabrand' || letters === 'notbrand'
}
