/** Turns batches of events into entries. */
import type { SojournEvent } from '../../core/events.ts'
import type { Lost } from '../consumer.ts'
import { canonical } from './canonical.ts'
import type { Draft } from './entry.ts'
import type { Writer } from './writer.ts'

/** What takes a batch of the consumer's, and the same one again. */
export function recorder(writer: Writer, now: () => number) {
  const names = new WeakMap<readonly SojournEvent[], string>()
  return async (batch: readonly SojournEvent[], lost: Lost | undefined): Promise<void> => {
    const name = names.get(batch) ?? writer.newName()
    names.set(batch, name)
    const drafts = batch.map((event) => plainOf(event, now))
    if (lost !== undefined) drafts.push(gap(lost))
    await writer.write(name, { drafts, now: now() })
  }
}

/** A gap in the log is an entry of it. It stands behind what waited while others were lost. */
const gap = ({ count, firstAt, lastAt }: Lost): Draft => ({ type: 'audit.gap', at: firstAt, count, lastAt })

const LONGEST_LIKENESS = 1024

/**
 * Events that are nobody's and the same but for their instant become one entry with a count: whoever sends a million forged cookies must not be able to fill the disk with
 * what is written about it, nor the queue.
 */
export function likenessOf(event: SojournEvent): string | undefined {
  if (event.sessionId !== undefined || event.subject !== undefined) return undefined
  try {
    const likeness = canonical({ ...event, at: undefined } as unknown as Draft)
    return likeness.length <= LONGEST_LIKENESS ? likeness : undefined
  } catch {
    // It refers to itself; see below.
    return undefined
  }
}

const LONGEST_BODY = 16_384

/** Applications may emit anything. What cannot be written must not keep everything behind it from being written. */
function plainOf(event: SojournEvent, now: () => number): Draft {
  const { type, sessionId, subject } = event
  const at = Number.isSafeInteger(Math.floor(event.at)) ? event.at : now()
  const draft = { ...event, at } as SojournEvent & Draft
  try {
    const isText = [type, sessionId ?? '', subject ?? ''].every((text) => typeof text === 'string')
    if (isText && canonical(draft).length <= LONGEST_BODY) return draft
  } catch {
    // It refers to itself, or is so deep that nobody will read it.
  }
  return { type: 'audit.unwritable', at, event: String(type).slice(0, 100) }
}
