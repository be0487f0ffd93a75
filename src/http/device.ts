/**
 * A name a person recognises in the list of their devices. For display only: a user agent says what it likes. The answer is made
 * of the words below alone, so nothing a client sent is ever shown to anybody.
 */

/** Order matters: most browsers carry the names of those they descend from. */
const BROWSERS: readonly (readonly [mark: string, name: string])[] = [
  ['Edg', 'Edge'],
  ['OPR/', 'Opera'],
  ['SamsungBrowser/', 'Samsung Internet'],
  ['Vivaldi/', 'Vivaldi'],
  ['FxiOS/', 'Firefox'],
  ['Firefox/', 'Firefox'],
  ['CriOS/', 'Chrome'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
  ['curl/', 'curl'],
]

const SYSTEMS: readonly (readonly [mark: string, name: string])[] = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['CrOS', 'ChromeOS'],
  ['Windows', 'Windows'],
  ['Macintosh', 'macOS'],
  ['Linux', 'Linux'],
]

/** Real user agents are under 300 characters; what comes after is not looked at. */
const LONGEST = 512

/**
 * Names the device behind a `User-Agent` header.
 *
 * @returns Such as `Firefox on Linux`, `Safari on iPhone`, `curl`, `Android`; `undefined` when it has no known word.
 */
export function deviceName(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined) return undefined
  const start = userAgent.slice(0, LONGEST)
  const browser = nameIn(start, BROWSERS)
  const system = nameIn(start, SYSTEMS)
  return browser && system ? `${browser} on ${system}` : (browser ?? system)
}

function nameIn(userAgent: string, names: typeof BROWSERS): string | undefined {
  for (const [mark, name] of names) {
    if (userAgent.includes(mark)) return name
  }
  return undefined
}
