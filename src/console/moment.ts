/** Instants and durations as people say them. The exact instant is always there too, in UTC: the server does not know where its reader is. */
import { html, type Markup } from './html.ts'

const STEPS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, milliseconds: number])[] = [
  ['year', 365 * 86_400_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'always' })
const BRIEF = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' })
/** What a `Date` can be. */
const FURTHEST = 8.64e15

/** Such as `3 hours ago`, `in 2 days`, `just now`. */
function relative(instant: number, now: number, format: Intl.RelativeTimeFormat): string {
  const distance = instant - now
  for (const [unit, length] of STEPS) {
    if (Math.abs(distance) >= length) return format.format(Math.trunc(distance / length), unit)
  }
  return 'just now'
}

/** An instant for people and for machines; `brief` where there is little room. */
export function moment(instant: number, now: number, style: 'full' | 'brief' = 'full'): Markup {
  if (!(Math.abs(instant) <= FURTHEST)) return html`<span>unknown</span>`
  const iso = new Date(instant).toISOString()
  const exact = `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`
  return html`<time dateTime=${iso} title=${exact}>${relative(instant, now, style === 'brief' ? BRIEF : RELATIVE)}</time>`
}

/** Such as `30 minutes`, `1 day 12 hours`. */
export function duration(milliseconds: number): string {
  const parts: string[] = []
  let rest = milliseconds
  for (const [unit, length] of STEPS.slice(1)) {
    const count = Math.floor(rest / length)
    rest -= count * length
    if (count > 0) parts.push(counted(count, unit))
  }
  return parts.slice(0, 2).join(' ') || `${milliseconds} ms`
}

/** Such as `1 session`, `12,000 sessions`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
