/**
 * What this process saw happen since it started: counters by the minute for the last hour, causes of refusals, and the latest events. Bounded, and gone with the process; the audit log is what
 * remembers. It listens to events, so a request pays nothing for it.
 */
import type { Events, SojournEvent } from '../core/events.ts'
import { catalogue } from '../monitor/catalogue.ts'

/** Counted in one minute. */
export interface Minute {
  readonly signIns: number
  readonly ended: number
  readonly refused: number
}

/** What was refused how often, and why. */
export interface Cause {
  readonly type: SojournEvent['type']
  readonly reason: string | undefined
  readonly count: number
  readonly lastAt: number
}

export interface Seen {
  readonly since: number
  /** The last hour, oldest minute first. */
  minutes(now: number): readonly Minute[]
  /** The most frequent first. */
  causes(): readonly Cause[]
  /** The latest first; only those that `isWanted`, where it is given. */
  latest(most: number, isWanted?: (event: SojournEvent) => boolean): readonly SojournEvent[]
  /** Calls back at each event worth a look; gives a function that stops it. */
  watch(listener: (event: SojournEvent) => void): () => void
  close(): void
}

const MINUTES = 60
const MOST_EVENTS = 1000
const MOST_CAUSES = 100
/** What every session does every few minutes, and what watching itself causes. */
const UNINTERESTING: readonly SojournEvent['type'][] = [
  'session.rotated',
  'binding.refreshed',
  'access-token.minted',
  'refresh-token.rotated',
]

export function watchEvents(events: Events, now: number): Seen {
  const minutes = new Map<number, { signIns: number; ended: number; refused: number }>()
  const causes = new Map<string, { type: SojournEvent['type']; reason: string | undefined; count: number; lastAt: number }>()
  const ring: SojournEvent[] = []
  const watchers = new Set<(event: SojournEvent) => void>()

  const stop = events.on('*', (event) => {
    const kind = kindOf(event)
    if (kind !== undefined) {
      const minute = minuteAt(event.at)
      minute[kind] += 1
      if (kind === 'refused') addCause(event)
    }
    if (UNINTERESTING.includes(event.type)) return
    ring.push(event)
    if (ring.length > MOST_EVENTS * 1.2) ring.splice(0, ring.length - MOST_EVENTS)
    for (const watcher of watchers) watcher(event)
  })

  function minuteAt(at: number) {
    const number = Math.floor(at / 60_000)
    let minute = minutes.get(number)
    if (minute === undefined) {
      minute = { signIns: 0, ended: 0, refused: 0 }
      minutes.set(number, minute)
      if (minutes.size > MINUTES * 2)
        for (const old of [...minutes.keys()].sort((a, b) => a - b).slice(0, MINUTES)) minutes.delete(old)
    }
    return minute
  }

  function addCause(event: SojournEvent): void {
    const reason = reasonOf(event)
    const key = `${event.type} ${reason}`
    const cause = causes.get(key)
    if (cause !== undefined) {
      cause.count += 1
      cause.lastAt = event.at
    } else if (causes.size < MOST_CAUSES) causes.set(key, { type: event.type, reason, count: 1, lastAt: event.at })
  }

  return {
    since: now,
    minutes(at) {
      const last = Math.floor(at / 60_000)
      return Array.from(
        { length: MINUTES },
        (_, index) => minutes.get(last - MINUTES + 1 + index) ?? { signIns: 0, ended: 0, refused: 0 },
      )
    },
    causes: () => [...causes.values()].sort((a, b) => b.count - a.count),
    latest(most, isWanted = () => true) {
      const found: SojournEvent[] = []
      for (let index = ring.length - 1; index >= 0 && found.length < most; index--)
        if (isWanted(ring[index]!)) found.push(ring[index]!)
      return found
    },
    watch(listener) {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    close: stop,
  }
}

function kindOf(event: SojournEvent): keyof Minute | undefined {
  if (event.type === 'session.started') return event.subject === undefined || event.pending !== undefined ? undefined : 'signIns'
  if (event.type === 'session.revoked' || event.type === 'session.expired' || event.type === 'subject.revoked') return 'ended'
  const { outcome, category } = catalogue[event.type]
  return outcome === 'failure' && !['store', 'monitor', 'delivery'].includes(category) ? 'refused' : undefined
}

/** Machine words of ours, whatever they are called. */
function reasonOf(event: SojournEvent): string | undefined {
  const { reason, state, rule, kind } = event as { reason?: unknown; state?: unknown; rule?: unknown; kind?: unknown }
  const word = [reason, state, rule, kind].find((each) => typeof each === 'string')
  return word === undefined ? undefined : String(word).slice(0, 64)
}
