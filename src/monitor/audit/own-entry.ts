/** Entries that the application and the console write themselves. */
import { ConfigError } from '../../core/errors.ts'
import { catalogue } from '../catalogue.ts'
import { canonical, type Plain } from './canonical.ts'
import type { Draft } from './entry.ts'

/** Something that was done. */
export interface AuditRecord {
  /** What: a machine word such as `console.session-ended` or `invoice.deleted`, at most 64 characters; none of the events' types, and not beginning with `audit.`. */
  readonly action: string
  /** Who did it: an administrator's subject, or the name of a job. At most 1,024 characters. */
  readonly actor: string
  /** What it was done to, where that is no session or subject: at most 1,024 characters. */
  readonly target?: string | undefined
  /** Whom it was done to, and in which session. */
  readonly subject?: string | undefined
  readonly sessionId?: string | undefined
  /** Why; at most 1,024 characters. */
  readonly reason?: string | undefined
  /** Whatever else there is to know, as plain JSON of at most 4,096 bytes. No secret: entries cannot be changed. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

const LONGEST_TEXT = 1024
const MOST_BYTES = 4096

/** @throws {ConfigError} `ERR_ARGUMENT_INVALID` - what cannot be kept for ever, or would pass for something else. */
export function draftOf(record: AuditRecord, at: number): Draft {
  if (typeof record !== 'object' || record === null) throw misuse('the entry is no object')
  const { action, actor, target, subject, sessionId, reason, details } = record
  const isWord = typeof action === 'string' && /^[a-z0-9][a-z0-9.-]{0,63}$/.test(action)
  if (!isWord) throw misuse('action is no machine word of lower-case letters, digits, dots and dashes, at most 64')
  if (Object.hasOwn(catalogue, action) || action.startsWith('audit.'))
    throw misuse('action is the name of something Sojourn records itself')
  if (actor === undefined) throw misuse('actor is missing; an entry says who did it')
  for (const [name, text] of Object.entries({ actor, target, subject, sessionId, reason })) {
    const isText = text === undefined || (typeof text === 'string' && text !== '' && text.length <= LONGEST_TEXT)
    if (!isText) throw misuse(`${name} is no string of 1 to ${LONGEST_TEXT} characters`)
  }
  return { type: action, at, actor, target, subject, sessionId, reason, details: plainDetails(details) }
}

function plainDetails(details: unknown): Plain | undefined {
  if (details === undefined) return undefined
  try {
    const plain = typeof details === 'object' && details !== null ? (JSON.parse(JSON.stringify(details)) as Plain) : undefined
    if (plain !== undefined && canonical(plain).length <= MOST_BYTES) return plain
  } catch {
    // No plain JSON.
  }
  throw misuse(`details are no plain JSON object of at most ${MOST_BYTES} bytes`)
}

const misuse = (problem: string) =>
  new ConfigError(`audit record: ${problem}. See docs/guide/audit.md.`, { code: 'ERR_ARGUMENT_INVALID' })
