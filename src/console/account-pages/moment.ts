/** Instants as people say them, in their page's language, and exactly for who wants to know. */

const STEPS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, milliseconds: number])[] = [
  ['year', 365 * 86_400_000],
  ['month', 30 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** Such as `3 hours ago`; `just` for the last minute, and for clocks that disagree. */
export function ago(instant: number, now: number, lang: string, just: string): string {
  const past = now - instant
  for (const [unit, length] of STEPS) {
    if (past >= length) return new Intl.RelativeTimeFormat(lang, { numeric: 'auto' }).format(-Math.floor(past / length), unit)
  }
  return just
}

/** Such as `25 Nov 2026, 01:56 UTC`. The server does not know where its reader is. */
export function exactly(instant: number, lang: string): string {
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'long', hourCycle: 'h23', timeZone: 'UTC' }).format(
    instant,
  )
}
