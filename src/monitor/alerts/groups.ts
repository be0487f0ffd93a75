/**
 * Grouping: events of one rule about one subject become one alert. The first is told at once, since an attacker does not wait; what comes after it within the window is
 * told as one when that is over, and so on until it stops.
 */
import type { Clock } from '../../core/clock.ts'
import type { SojournEvent } from '../../core/events.ts'
import { levelOf, sentenceOf } from '../catalogue.ts'
import { Alarm } from './alarm.ts'
import type { Alert } from './alert.ts'
import type { ResolvedRule } from './rules.ts'

/** What a group says when its time has come; who sends it adds the rest. */
export type Gathered = Omit<Alert, 'id' | 'heldBack'>

/** @param latest - The event it is about. */
type Tell = (rule: ResolvedRule, gathered: Gathered, latest: SojournEvent) => void

interface Group {
  readonly rule: ResolvedRule
  readonly subject: string | undefined
  firstAt: number
  endsAt: number
  count: number
  latest: SojournEvent
  isFollowUp: boolean
}

/** Open at once. An attacker at many accounts is then one story, of the rule's own. */
const MOST_GROUPS = 10_000
const REASON = /^[a-z0-9][a-z0-9.-]{0,63}$/

export class Groups {
  readonly #clock: Clock
  readonly #tell: Tell
  readonly #open = new Map<string, Group>()
  readonly #alarm: Alarm

  constructor(clock: Clock, tell: Tell) {
    this.#clock = clock
    this.#tell = tell
    this.#alarm = new Alarm(clock, () => this.#end(false))
  }

  /** Adds an event that the rule is about. */
  add(rule: ResolvedRule, event: SojournEvent): void {
    const now = this.#clock()
    let subject = rule.groupBy === 'subject' ? event.subject : undefined
    let key = keyOf(rule, subject)
    let group = this.#open.get(key)
    if (group === undefined && this.#open.size >= MOST_GROUPS) {
      subject = undefined
      key = keyOf(rule, subject)
      group = this.#open.get(key)
    }
    if (group !== undefined && isOver(group, now)) {
      this.#close(key, group, now)
      group = this.#open.get(key)
    }
    if (group === undefined) {
      group = { rule, subject, firstAt: event.at, endsAt: now + rule.groupWithin, count: 0, latest: event, isFollowUp: false }
      this.#open.set(key, group)
      this.#alarm.set(group.endsAt)
    }
    if (group.count === 0) group.firstAt = event.at
    group.count++
    group.latest = event
    if (!group.isFollowUp && group.count >= rule.atLeast) this.#say(group, now)
  }

  /** Tells what has been gathered, without waiting for the windows' ends: before the process goes. */
  flush(): void {
    this.#end(true)
    this.#alarm.clear()
  }

  #end(isAll: boolean): void {
    const now = this.#clock()
    for (const [key, group] of [...this.#open]) if (isAll || isOver(group, now)) this.#close(key, group, now)
    let next = Number.POSITIVE_INFINITY
    for (const { endsAt } of this.#open.values()) next = Math.min(next, endsAt)
    if (next < Number.POSITIVE_INFINITY) this.#alarm.set(next)
  }

  /** The end of a window: what came after the first alert is told, and may go on; too few to be told of are forgotten. */
  #close(key: string, group: Group, now: number): void {
    if (group.isFollowUp && group.count > 0) this.#say(group, now)
    else this.#open.delete(key)
  }

  #say(group: Group, now: number): void {
    const { rule, subject, firstAt, count, latest, isFollowUp } = group
    const { sessionId, at: lastAt } = latest
    const level = levelOf(latest)
    const sentence = rule.says ?? sentenceOf(latest)
    const reason = reasonOf(latest)
    const about = { rule: rule.name, level, event: latest.type, sentence, subject, sessionId, reason }
    group.isFollowUp = true
    group.count = 0
    group.endsAt = now + rule.groupWithin
    this.#alarm.set(group.endsAt)
    this.#tell(rule, { ...about, count, firstAt, lastAt, isFollowUp }, latest)
  }
}

/** Also when the clock went back: a window must not last for as long as it was ahead. */
function isOver({ endsAt, rule }: Group, now: number): boolean {
  return now >= endsAt || now < endsAt - rule.groupWithin
}

const keyOf = (rule: ResolvedRule, subject: string | undefined) => JSON.stringify([rule.name, subject ?? null])

/** Machine words alone: a sentence could hold anything. */
function reasonOf(event: SojournEvent): string | undefined {
  const reason = 'reason' in event ? event.reason : undefined
  return typeof reason === 'string' && REASON.test(reason) ? reason : undefined
}
