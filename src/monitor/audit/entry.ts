/** What an entry says, how it is kept, and how it is read. */
import type { SojournEvent } from '../../core/events.ts'
import { isSessionId } from '../../core/token.ts'
import { catalogue, type Level, levelOf, sentenceOf } from '../catalogue.ts'
import type { StoredEntry } from './audit-store.ts'
import { canonical, digest, type Plain } from './canonical.ts'

/** An entry before it has a number: an event's fields, or those of an application's own. */
export interface Draft {
  readonly type: string
  readonly at: number
  readonly sessionId?: string | undefined
  readonly subject?: string | undefined
  readonly actor?: string | undefined
  readonly reason?: string | undefined
  readonly [field: string]: Plain | undefined
}

/** An entry of the log. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly seq: number
  /** When it happened, in epoch milliseconds; of several that were the same, the first. */
  readonly at: number
  /** An event's type, or the action of an entry of the application's own. */
  readonly type: string
  readonly sessionId: string | undefined
  readonly subject: string | undefined
  /** Who did it, where it was not the subject. */
  readonly actor: string | undefined
  readonly reason: string | undefined
  /** Everything else that the event said. */
  readonly details: Readonly<Record<string, unknown>>
  /** How many events that were the same but for their instant, and came in one batch, it stands for. */
  readonly times: number
  readonly level: Level
  /** Names in OWASP's logging vocabulary, the closest first; empty for what is in no catalogue. */
  readonly owasp: readonly string[]
  /** The same for people, from the catalogue; escape it as any text. */
  readonly sentence: string
  /** SHA-256 of the hash before it and of its text, in base64url. */
  readonly hash: string
}

/** What a subject or an actor is found by: of constant length, whatever the name is. It hides nothing: the name stands in the entry. */
export const keyOfName = (name: string): string => digest('name', canonical(name)).slice(0, 22)

/** Gives a draft its number and its place in the chain. */
export function seal(draft: Draft, seq: number, previous: string): StoredEntry {
  const body = canonical({ ...draft, seq })
  return { seq, ...columnsOf(draft), body, hash: hashOf(previous, body) }
}

/** The hash of an entry: of the one before it, and of its text. */
export const hashOf = (previous: string, body: string): string => digest('entry', previous, body)

/** The columns that an entry is found by. */
export function columnsOf({ at, type, sessionId, subject, actor }: Draft) {
  return {
    at: Math.floor(at),
    type,
    sessionId: isSessionId(sessionId) ? sessionId : undefined,
    subjectKey: subject === undefined ? undefined : keyOfName(subject),
    actorKey: actor === undefined ? undefined : keyOfName(actor),
  }
}

/** What a text says, where it is an entry's. */
export function parseBody(body: string): (Draft & { readonly seq: number }) | undefined {
  try {
    const draft: unknown = JSON.parse(body)
    if (typeof draft !== 'object' || draft === null) return undefined
    const { seq, at, type, sessionId, subject, actor } = draft as Record<string, unknown>
    const isWhole = Number.isSafeInteger(seq) && Number.isFinite(at) && typeof type === 'string'
    const areTexts = [sessionId, subject, actor].every((text) => text === undefined || typeof text === 'string')
    return isWhole && areTexts ? (draft as Draft & { seq: number }) : undefined
  } catch {
    return undefined
  }
}

/** An entry as it is handed out. Of a damaged one there is what its columns say: reading must not fail, `verify` tells. */
export function toEntry(stored: StoredEntry): AuditEntry {
  const draft = parseBody(stored.body) ?? { ...stored, seq: stored.seq }
  const { seq: _, at, type, sessionId, subject, actor, reason, times, body, hash, subjectKey, actorKey, ...details } = draft
  return {
    seq: stored.seq,
    at,
    type,
    sessionId,
    subject,
    actor,
    reason,
    details,
    times: typeof times === 'number' ? times : 1,
    level: levelOfDraft(draft),
    owasp: isEvent(draft) ? catalogue[draft.type].owasp : [],
    sentence: sentenceOfDraft(draft),
    hash: stored.hash,
  }
}

const isEvent = (draft: Draft): draft is Draft & SojournEvent => Object.hasOwn(catalogue, draft.type)

/** Levels and sentences of what is in no catalogue: the log's own entries, an application's, and events of another version. */
function levelOfDraft(draft: Draft): Level {
  if (!isEvent(draft)) return 'info'
  return attempt(() => levelOf(draft)) ?? 'info'
}

function sentenceOfDraft(draft: Draft): string {
  const told = isEvent(draft) ? attempt(() => sentenceOf(draft)) : undefined
  return told ?? OWN_SENTENCES[draft.type]?.(draft) ?? `${draft.type.replaceAll(/[.-]/g, ' ')}.`
}

/** The log's own entries. */
const OWN_SENTENCES: Readonly<Record<string, (draft: Draft) => string>> = {
  'audit.gap': ({ count }) => `${count} events are missing here: more came than could be written.`,
  'audit.cut': ({ through }) => `Entries up to number ${through} were removed: their time is over.`,
}

/** A damaged entry may have any fields. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
