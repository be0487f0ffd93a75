/** Times and sums as a person says them. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function counted(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

/** `29 minutes`, `12 hours`, `40 seconds`. Rounded down: a promise of time left must not be longer than the truth. */
export function duration(milliseconds: number): string {
  const left = Math.max(0, milliseconds)
  if (left >= 2 * DAY) return counted(Math.floor(left / DAY), 'day')
  if (left >= 2 * HOUR) return counted(Math.floor(left / HOUR), 'hour')
  if (left >= MINUTE) return counted(Math.floor(left / MINUTE), 'minute')
  return counted(Math.floor(left / SECOND), 'second')
}

/** `just now`, `5 minutes ago`. */
export function ago(instant: number, now: number): string {
  const past = now - instant
  return past < MINUTE ? 'just now' : `${duration(past)} ago`
}

/** For hovering and for those who need it exactly. The server does not know the reader's time zone, so it says which it uses. */
export function exactly(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** `€14.50`. */
export function price(cents: number): string {
  return `€${(cents / 100).toFixed(2)}`
}

/** `1 book`, `3 books`. */
export function bookCount(amount: number): string {
  return counted(amount, 'book')
}
