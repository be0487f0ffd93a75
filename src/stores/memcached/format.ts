import { StoreError } from '../../core/errors.ts'
import type { NewRecord, StoredRecord, Tombstone } from '../../core/store.ts'

/**
 * What the item of a session holds.
 *
 *   record     1 || generation 8 || stamp 8 || version 8 || startedAt 8 || deadline 8 || absoluteDeadline 8 || subject || body
 *   tombstone  2 || revokedAt 8 || absoluteDeadline 8 || subject || reason
 *   subject    length 2, or 0xffff for none || UTF-8
 *
 * Numbers are doubles, as in JavaScript. `generation` and `stamp` are the group's when the record was written (`group.ts`).
 */
const RECORD = 1
const TOMBSTONE = 2
const RECORD_HEAD = 49
const TOMBSTONE_HEAD = 17
const NO_SUBJECT = 0xffff

export const GENERATION_BYTES = 8

/** What a record was stamped with when it was created: see `group.ts`. */
export interface Stamp {
  readonly generation: Buffer
  readonly stamp: number
}

/** A record as it is kept, before it is known whether it lives. */
export interface KeptRecord extends Stamp {
  readonly kind: 'record'
  readonly record: Omit<StoredRecord, 'epoch'>
}

export type Kept = KeptRecord | { readonly kind: 'tombstone'; readonly tombstone: Tombstone }

export function encodeRecord(record: NewRecord & { readonly version: number }, { generation, stamp }: Stamp): Buffer {
  const subject = encodeSubject(record.subject)
  const bytes = Buffer.allocUnsafe(RECORD_HEAD + subject.length + record.body.length)
  bytes[0] = RECORD
  bytes.set(generation, 1)
  bytes.writeDoubleBE(stamp, 9)
  bytes.writeDoubleBE(record.version, 17)
  bytes.writeDoubleBE(record.startedAt, 25)
  bytes.writeDoubleBE(record.deadline, 33)
  bytes.writeDoubleBE(record.absoluteDeadline, 41)
  bytes.set(subject, RECORD_HEAD)
  bytes.set(record.body, RECORD_HEAD + subject.length)
  return bytes
}

export function encodeTombstone({ revokedAt, absoluteDeadline, subject, reason }: Omit<Tombstone, 'id'>): Buffer {
  const head = Buffer.alloc(TOMBSTONE_HEAD)
  head[0] = TOMBSTONE
  head.writeDoubleBE(revokedAt, 1)
  head.writeDoubleBE(absoluteDeadline, 9)
  return Buffer.concat([head, encodeSubject(subject), Buffer.from(reason)])
}

/** @throws {StoreError} `ERR_STORE_UNREADABLE` - it is no session of ours. */
export function decodeSession(id: string, bytes: Buffer): Kept {
  if (bytes[0] === TOMBSTONE && bytes.length >= TOMBSTONE_HEAD + 2) {
    const { subject, end } = decodeSubject(bytes, TOMBSTONE_HEAD)
    const [revokedAt, absoluteDeadline] = [bytes.readDoubleBE(1), bytes.readDoubleBE(9)]
    return { kind: 'tombstone', tombstone: { id, subject, revokedAt, reason: bytes.toString('utf8', end), absoluteDeadline } }
  }
  if (bytes[0] !== RECORD || bytes.length < RECORD_HEAD + 2) throw unreadable('a session')
  const { subject, end } = decodeSubject(bytes, RECORD_HEAD)
  return {
    kind: 'record',
    generation: bytes.subarray(1, 9),
    stamp: bytes.readDoubleBE(9),
    record: {
      id,
      version: bytes.readDoubleBE(17),
      subject,
      startedAt: bytes.readDoubleBE(25),
      deadline: bytes.readDoubleBE(33),
      absoluteDeadline: bytes.readDoubleBE(41),
      // A copy: what came in one piece with many other answers would be kept for as long as this.
      body: new Uint8Array(bytes.subarray(end)),
    },
  }
}

export function unreadable(what: string): StoreError {
  return new StoreError(`memcached holds something else where ${what} should be. Does another application use the same prefix?`, {
    code: 'ERR_STORE_UNREADABLE',
    status: 503,
  })
}

function encodeSubject(subject: string | undefined): Buffer {
  const text = Buffer.from(subject ?? '')
  const bytes = Buffer.allocUnsafe(2 + text.length)
  bytes.writeUInt16BE(subject === undefined ? NO_SUBJECT : text.length, 0)
  bytes.set(text, 2)
  return bytes
}

function decodeSubject(bytes: Buffer, at: number): { subject: string | undefined; end: number } {
  const length = bytes.readUInt16BE(at)
  if (length === NO_SUBJECT) return { subject: undefined, end: at + 2 }
  const end = at + 2 + length
  if (end > bytes.length) throw unreadable('a session')
  return { subject: bytes.toString('utf8', at + 2, end), end }
}
