/**
 * What an event is counted by: its type, what came of it, and why. Never whose it was: a series a person is neither bounded nor anybody's business who may see a dashboard.
 */
import type { SojournEvent } from '../../core/events.ts'

/** Fields that say what came of it, and those that say why; the first that is there counts. */
const OUTCOMES = ['outcome', 'grade', 'as', 'action', 'channel', 'kind', 'consumer', 'operation']
const REASONS = ['reason', 'state', 'rule', 'code', 'signal', 'lane', 'part']
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
/** Of one type and field. Reasons of the application's own are few; what is more comes from somewhere else. */
const MOST_WORDS = 40

/** Gives `[type, outcome, reason]`, with empty words where there is none. */
export function labeller(): (event: SojournEvent) => readonly [string, string, string] {
  const known = new Map<string, Set<string>>()

  function bounded(field: string, word: string): string {
    if (word === '') return word
    const words = known.get(field) ?? new Set()
    if (!words.has(word)) {
      if (words.size >= MOST_WORDS) return 'other'
      known.set(field, words.add(word))
    }
    return word
  }

  return (event) => {
    const { type } = event
    return [type, bounded(`${type} outcome`, outcomeOf(event)), bounded(`${type} reason`, reasonOf(event))]
  }
}

function outcomeOf(event: SojournEvent): string {
  if (event.type === 'session.started') {
    if (event.subject === undefined) return 'anonymous'
    return event.pending === undefined ? 'signed-in' : 'pending'
  }
  if (event.type === 'anomaly.detected' && event.isShadow) return 'shadow'
  if (event.type === 'csrf.refused') return event.isReportOnly ? 'reported' : 'refused'
  return wordIn(event, OUTCOMES)
}

function reasonOf(event: SojournEvent): string {
  if (event.type === 'traits.drifted') return event.isShadow ? 'shadow' : 'enforced'
  return wordIn(event, REASONS)
}

/** Machine words alone: a sentence could hold anything. */
function wordIn(event: SojournEvent, fields: readonly string[]): string {
  for (const field of fields) {
    const value = (event as unknown as Record<string, unknown>)[field]
    if (typeof value === 'string' && WORD.test(value)) return value
  }
  return ''
}
