/** When which key signs: time is cut into periods of `signingKeyLifetime`, counted from 1970, so that every process knows the present one without asking. */
import { hours, minutes } from '../../core/duration.ts'
import type { TokenSettings } from '../options.ts'

/**
 * How long a key stays published once it has signed its last token: the longest an access token may live, and a quarter of an hour for clocks that differ.
 * Shorter, and tokens within their time could not be verified.
 */
export const RETIRED_FOR = hours(1) + minutes(15)

export interface Period {
  readonly number: number
  readonly signsFrom: number
  readonly signsUntil: number
  readonly publishedUntil: number
}

type Durations = Pick<TokenSettings, 'signingKeyLifetime' | 'keyOverlap'>

export function periodAt(now: number, { signingKeyLifetime }: Durations): Period {
  return period(Math.floor(now / signingKeyLifetime), signingKeyLifetime)
}

/** The period before, while tokens of its key may be alive; `undefined` after. */
export function retiredAt(now: number, durations: Durations): Period | undefined {
  const before = period(periodAt(now, durations).number - 1, durations.signingKeyLifetime)
  return now < before.publishedUntil ? before : undefined
}

/** The next period, once its key must be out: services keep a key set, and have to have met a key before it signs. */
export function publishedAheadAt(now: number, durations: Durations): Period | undefined {
  const next = period(periodAt(now, durations).number + 1, durations.signingKeyLifetime)
  return now >= next.signsFrom - durations.keyOverlap ? next : undefined
}

function period(number: number, lifetime: number): Period {
  const signsUntil = (number + 1) * lifetime
  return { number, signsFrom: number * lifetime, signsUntil, publishedUntil: signsUntil + RETIRED_FOR }
}
