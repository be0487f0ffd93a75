/**
 * What a key holds: a head of fixed length, the subject, then the body of a record or the reason of a tombstone. Binary, so that a read
 * is one `GET` that decodes in place, and a script reads deadlines and versions without parsing the rest. All numbers little-endian.
 *
 * ```
 * record:    1 | subject length u16 | version u32 | epoch u32 | startedAt f64 | deadline f64 | absoluteDeadline f64 | subject | body
 * with link: 3 | as a record                                                                                    | subject | link | body
 * link:      its instant f64 | count of keys u8 | keys, 43 characters each
 * tombstone: 2 | subject length u16 | revokedAt f64 | absoluteDeadline f64                                         | subject | reason
 * ```
 * The scripts know the same offsets, counted from 1.
 */
import { StoreError } from '../../core/errors.ts'
import type { NewRecord, ReadOutcome, RecordLink, StoredRecord } from '../../core/store.ts'

const RECORD = 1
const TOMBSTONE = 2
const LINKED = 3
/** Subject length of an anonymous session: an empty subject is a subject too. */
export const NO_SUBJECT = 0xffff

const SUBJECT_LENGTH_AT = 1
const VERSION_AT = 3
const EPOCH_AT = 7
const STARTED_AT = 11
const DEADLINE_AT = 19
const ABSOLUTE_DEADLINE_AT = 27
export const RECORD_HEAD = 35

const LINK_HEAD = 9
const LINK_KEY = 43

const REVOKED_AT = 3
const KEPT_UNTIL_AT = 11
const TOMBSTONE_HEAD = 19

/** A new record at version 1. The script that creates it puts the subject's epoch in, unless it is known. */
export function encodeRecord(record: NewRecord, epoch = 0, link?: RecordLink): Buffer {
  const { subject, body } = record
  const subjectLength = subject === undefined ? 0 : Buffer.byteLength(subject)
  const bodyAt = RECORD_HEAD + subjectLength + (link ? LINK_HEAD + link.keys.length * LINK_KEY : 0)
  const bytes = Buffer.allocUnsafe(bodyAt + body.length)
  bytes[0] = link ? LINKED : RECORD
  bytes.writeUInt16LE(subject === undefined ? NO_SUBJECT : subjectLength, SUBJECT_LENGTH_AT)
  bytes.writeUInt32LE(1, VERSION_AT)
  bytes.writeUInt32LE(epoch, EPOCH_AT)
  bytes.writeDoubleLE(record.startedAt, STARTED_AT)
  bytes.writeDoubleLE(record.deadline, DEADLINE_AT)
  bytes.writeDoubleLE(record.absoluteDeadline, ABSOLUTE_DEADLINE_AT)
  if (subject !== undefined) bytes.write(subject, RECORD_HEAD)
  if (link) writeLink(bytes, link, RECORD_HEAD + subjectLength)
  bytes.set(body, bodyAt)
  return bytes
}

function writeLink(bytes: Buffer, { at, keys }: RecordLink, offset: number): void {
  bytes.writeDoubleLE(at, offset)
  bytes[offset + 8] = keys.length
  bytes.write(keys.join(''), offset + LINK_HEAD, 'latin1')
}

/** The bytes of two deadlines, as the update script puts them into the head, followed by the new body. */
export function encodeChanges(deadline: number, absoluteDeadline: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(16 + body.length)
  bytes.writeDoubleLE(deadline, 0)
  bytes.writeDoubleLE(absoluteDeadline, 8)
  bytes.set(body, 16)
  return bytes
}

/** What a session's key held; `undefined` if there was none. */
export function decode(id: string, bytes: Buffer | null): ReadOutcome | undefined {
  if (bytes === null) return undefined
  if ((bytes[0] === RECORD || bytes[0] === LINKED) && bytes.length >= RECORD_HEAD) {
    const record = decodeRecord(id, bytes)
    // Its subject's epoch is its own: `revokeSubject` ends or restamps every live record in the same script.
    return { kind: 'record', record, subjectEpoch: record.epoch }
  }
  if (bytes[0] === TOMBSTONE && bytes.length >= TOMBSTONE_HEAD) {
    const length = bytes.readUInt16LE(SUBJECT_LENGTH_AT)
    const reasonAt = TOMBSTONE_HEAD + (length === NO_SUBJECT ? 0 : length)
    const tombstone = {
      id,
      subject: length === NO_SUBJECT ? undefined : bytes.toString('utf8', TOMBSTONE_HEAD, reasonAt),
      revokedAt: bytes.readDoubleLE(REVOKED_AT),
      reason: bytes.toString('utf8', reasonAt),
      absoluteDeadline: bytes.readDoubleLE(KEPT_UNTIL_AT),
    }
    return { kind: 'tombstone', tombstone }
  }
  throw new StoreError('A session key in Redis holds something else than a session of this version of Sojourn.', {
    code: 'ERR_STORE_UNREADABLE',
    status: 503,
  })
}

/** A live record. */
export function decodeRecord(id: string, bytes: Buffer): StoredRecord {
  const length = bytes.readUInt16LE(SUBJECT_LENGTH_AT)
  const subjectEnd = RECORD_HEAD + (length === NO_SUBJECT ? 0 : length)
  const bodyAt = bytes[0] === LINKED ? subjectEnd + LINK_HEAD + bytes[subjectEnd + 8]! * LINK_KEY : subjectEnd
  return {
    id,
    version: bytes.readUInt32LE(VERSION_AT),
    subject: length === NO_SUBJECT ? undefined : bytes.toString('utf8', RECORD_HEAD, subjectEnd),
    epoch: bytes.readUInt32LE(EPOCH_AT),
    startedAt: bytes.readDoubleLE(STARTED_AT),
    deadline: bytes.readDoubleLE(DEADLINE_AT),
    absoluteDeadline: bytes.readDoubleLE(ABSOLUTE_DEADLINE_AT),
    // A copy: the client hands out a window on everything it just received, which a cache of bodies would keep in memory.
    body: new Uint8Array(bytes.subarray(bodyAt)),
  }
}
