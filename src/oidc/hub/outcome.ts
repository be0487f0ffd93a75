/** What becomes of an entry after a try: delivered, tried again later, or dead. */
import { hours, minutes, seconds } from '../../core/duration.ts'
import type { OutboxEntry, Settlement } from '../outbox.ts'
import type { HubSettings } from './options.ts'
import type { Answer } from './receiver.ts'

const FIRST_PAUSE = seconds(1)
const LONGEST_PAUSE = minutes(30)
/** Whatever an application asks for. */
const LONGEST_RETRY_AFTER = hours(1)
/**
 * Before anything is given up for its age: after a night's outage of ours, the first failure must not be the last. It is also how often an application may
 * say 400: that is its final word by the specification (2.8), and yet a clock that is wrong, or a key set not fetched yet, says it too.
 */
const FEWEST_TRIES = 5

type Timing = Pick<HubSettings, 'giveUpAfter' | 'keepFor'>

/** @param random - From 0 to 1: receivers that come back are not met by everything at once. */
export function settled(
  entry: OutboxEntry,
  answer: Exclude<Answer, { kind: 'stopped' }>,
  { now, random, ...timing }: Timing & { readonly now: number; readonly random: number },
): Settlement {
  const attempts = entry.attempts + 1
  const { sessionId, clientId, nextAt: leasedUntil } = entry
  const common = { sessionId, clientId, leasedUntil, attempts }
  const keepUntil = now + timing.keepFor
  if (answer.kind === 'delivered') return { ...common, state: 'delivered', nextAt: now, lastError: undefined, keepUntil }
  const lastError = answer.reason
  const isOver = lastError === 'status-400' || now - (entry.dueAt ?? now) >= timing.giveUpAfter
  if (isOver && attempts >= FEWEST_TRIES) return { ...common, state: 'dead', nextAt: now, lastError, keepUntil }
  const pause = Math.max(pauseAfter(attempts, random), Math.min(answer.retryAfter ?? 0, LONGEST_RETRY_AFTER))
  return { ...common, state: 'due', nextAt: now + pause, lastError, keepUntil: undefined }
}

/** As if it had not been taken: tried again at `nextAt`. */
export function untried(
  { sessionId, clientId, attempts, lastError, nextAt: leasedUntil }: OutboxEntry,
  nextAt: number,
): Settlement {
  return { sessionId, clientId, leasedUntil, attempts, lastError, state: 'due', nextAt, keepUntil: undefined }
}

/** Twice as long each time, a quarter of it left to chance. */
function pauseAfter(attempts: number, random: number): number {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(attempts - 1, 30))
  return Math.floor(longest * (0.75 + 0.25 * random))
}
