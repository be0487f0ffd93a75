/** What happened: from the audit log where there is one; else what this process saw since it started, and the page says so. */

import { isSojournError } from '../../core/errors.ts'
import type { SojournEvent } from '../../core/events.ts'
import { levelOf, sentenceOf } from '../../monitor/catalogue.ts'
import type { ShownEntry } from '../audit.ts'
import { named, plain } from '../bits.ts'
import type { Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { moment } from '../moment.ts'
import { personPath, sessionPath } from './session-rows.ts'

/** Whose. Nothing given: everybody's. */
export interface Whose {
  readonly sessionId?: string
  readonly subject?: string
}

/** One line. */
type Line = Pick<ShownEntry, 'at' | 'type' | 'sentence' | 'level'> &
  Partial<Pick<ShownEntry, 'actor' | 'subject' | 'sessionId' | 'times' | 'reason'>>

export async function happenings(visit: Visit, whose: Whose, most: number): Promise<Markup> {
  const { audit, seen } = visit.context
  if (audit?.search !== undefined) {
    try {
      const { entries } = await audit.search({ ...whose, limit: most })
      return timeline(visit, entries, whose)
    } catch (error) {
      if (!isSojournError(error, 'ERR_STORE_UNAVAILABLE')) throw error
      return html`<p class="note note-warn">The audit log is not to be reached just now.</p>`
    }
  }
  const isWanted = (event: SojournEvent) =>
    (whose.sessionId === undefined || event.sessionId === whose.sessionId) &&
    (whose.subject === undefined || event.subject === whose.subject)
  return html`${timeline(visit, seen.latest(most, isWanted).map(lineOf), whose)}<p class="small quiet">What this server saw since it started ${moment(seen.since, visit.now)}. With an audit log, all of it would be here.</p>`
}

/** The latest events of this process. */
export function lineOf(event: SojournEvent): Line {
  const { at, type, subject, sessionId } = event
  const actor = 'actor' in event ? event.actor : undefined
  return { at, type, subject, sessionId, actor, sentence: sentenceOf(event), level: levelOf(event) }
}

/** What operators do here, as the audit log has it. */
const DEEDS: Readonly<Record<string, string>> = {
  'console.session-end': 'An operator ended the session',
  'console.person-end': 'An operator ended all sessions of the person',
  'console.matching-end': 'An operator ended all sessions that a search found',
  'console.deliveries-retry': 'An operator had notices to applications tried again',
}

function wordsOf({ type, sentence, reason }: Line): string {
  const deed = Object.hasOwn(DEEDS, type) ? DEEDS[type] : undefined
  if (deed === undefined) return sentence
  return reason === undefined ? `${deed}.` : `${deed} (${plain(reason)}).`
}

/** A hundred wrong codes in a row are one line, and the lines around them can still be seen. */
function folded(lines: readonly Line[]): readonly Line[] {
  const rows: Line[] = []
  for (const line of lines) {
    const last = rows.at(-1)
    const isSame =
      last !== undefined &&
      (['type', 'sentence', 'actor', 'subject', 'sessionId', 'reason'] as const).every((part) => last[part] === line[part])
    if (isSame) rows[rows.length - 1] = { ...last, times: (last.times ?? 1) + (line.times ?? 1) }
    else rows.push(line)
  }
  return rows
}

export function timeline({ now, context: { base } }: Visit, lines: readonly Line[], whose: Whose = {}): Markup {
  if (lines.length === 0) return html`<p class="quiet">Nothing yet.</p>`
  return html`<ol class="timeline">
    ${folded(lines).map((one) => {
      const { at, type, level, actor, subject, sessionId, times = 1 } = one
      const isEverybodys = whose.subject === undefined && whose.sessionId === undefined
      return html`<li class=${level === 'info' ? undefined : level}>
        <div>
          <p>${level !== 'info' && html`<strong>${level === 'critical' ? 'Look at this:' : 'Note:'}</strong> `}${wordsOf(one)}${times > 1 && html` <span class="tag">${`${times.toLocaleString('en')} times`}</span>`}</p>
          <p class="small quiet">
            ${moment(at, now)}, ${plain(type)}${actor !== undefined && html`, by ${named(actor)}`}
            ${isEverybodys && subject !== undefined && html`, <a href=${base + personPath(subject)}>${named(subject)}</a>`}
            ${whose.sessionId === undefined && sessionId !== undefined && html`, session <a class="id" href=${base + sessionPath(sessionId)}>${sessionId.slice(0, 8)}…</a>`}
          </p>
        </div>
      </li>`
    })}
  </ol>`
}
