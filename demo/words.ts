/** Times and sums as a person says them. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

function counted(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

/** So that a visit of half an hour which began this second reads `30 minutes`, and not `29`. */
const ROUNDING = 5 * SECOND

/** `29 minutes`, `11 hours 40 minutes`, `40 seconds`. Rounded down, but for a few seconds. The script counts in the same words. */
export function duration(milliseconds: number): string {
  if (milliseconds < MINUTE) return counted(Math.max(0, Math.floor(milliseconds / SECOND)), 'second')
  const left = milliseconds + ROUNDING
  if (left >= 2 * DAY) return counted(Math.floor(left / DAY), 'day')
  if (left < HOUR) return counted(Math.floor(left / MINUTE), 'minute')
  const minutes = Math.floor((left % HOUR) / MINUTE)
  return `${counted(Math.floor(left / HOUR), 'hour')}${minutes === 0 ? '' : ` ${counted(minutes, 'minute')}`}`
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
