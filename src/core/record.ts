/**
 * The record: the stored form of a session, and its codec.
 *
 * Body, format 1, big-endian. Everything before the tag is under a MAC, so that a record edited or damaged in the store is
 * refused like one that was never written. The sealed data behind it has a tag of its own (AES-256-GCM), its last 16 bytes; they are
 * under the MAC too, or data could be taken away, or put back as it was before.
 *
 *   0    1  format, 1                      78   8  absoluteFrom
 *   1    1  flags: subject 1, persistent 2,  86   8  lastSeenAt
 *           confirmed 4, due 8             94   8  idleDeadline
 *   2    4  key id of the MAC             102   8  absoluteDeadline
 *   6   16  session id                    110   2  length of subject
 *  22   32  current hash                  112   4  length of details
 *  54    8  generation made at            116   1  number of lineage entries
 *  62    8  confirmed at                  117      subject, lineage entries, details (JSON), tag (16), sealed data
 *  70    8  startedAt
 *
 * Lineage entry, 81 bytes: hash 32, salt 32, kind 1, replaced at 8, confirmed at 8 (0 when never).
 */
import type { Acr, Fact } from './assurance.ts'
import { TAG_BYTES } from './crypto.ts'
import type { Keyring } from './keyring.ts'
import type { JsonObject } from './patch.ts'
import type { ProviderLink } from './provider-link.ts'
import type { NewRecord, StoredRecord } from './store.ts'
import { encodeId } from './token.ts'

/** An earlier generation of the token. */
export interface Generation {
  readonly hash: Buffer
  /** Salt its successor was derived with; zeros when its successor was drawn at random (elevation). */
  readonly salt: Buffer
  /** How it was replaced. */
  readonly kind: 'renewal' | 'elevation'
  readonly replacedAt: number
  readonly confirmedAt: number | undefined
  /** The facts it had, kept when it was replaced by an elevation: what it may still do within the grace window. */
  readonly facts?: readonly Fact[] | undefined
}

/** What layers above core keep with a session, by the layer's name; plain JSON, and as small as can be: it is read with every record. */
export type Notes = Readonly<Record<string, JsonObject>>

/** The rarely read rest, as JSON. */
export interface Details {
  readonly facts: readonly Fact[]
  readonly device?: string | undefined
  /** The network it was started from, such as `203.0.113.0/24`. */
  readonly network?: string | undefined
  readonly notes?: Notes | undefined
  /** When the client changed so much that nothing proved until then counts any more. */
  readonly doubtedAt?: number | undefined
  /**
   * Level that must be proved before the session counts as signed in. `aal0`: nothing more, and that was looked up; `undefined`: nobody asked.
   */
  readonly due?: Acr | undefined
  /** The login at an OpenID Provider that it came of. */
  readonly provider?: ProviderLink | undefined
}

/** A decoded record. Immutable; changes are made by `with...` copies and `encodeRecord`. */
export interface SessionRecord {
  readonly id: string
  readonly idBytes: Buffer
  readonly version: number
  readonly epoch: number
  readonly subject: string | undefined
  readonly isPersistent: boolean
  readonly currentHash: Buffer
  /** When the current token was made. */
  readonly generationAt: number
  /** When the current token was first used; `undefined` until then. */
  readonly confirmedAt: number | undefined
  /** Earlier generations, oldest first, at most `MOST_GENERATIONS`. */
  readonly lineage: readonly Generation[]
  readonly startedAt: number
  /** When the absolute clock was started: at the start, or by the latest full re-authentication. */
  readonly absoluteFrom: number
  readonly lastSeenAt: number
  readonly idleDeadline: number
  readonly absoluteDeadline: number
  readonly details: Details
  /** Session data as the service's vault made it; empty while there is none. */
  readonly sealedData: Uint8Array
}

export const MOST_GENERATIONS = 4

const FORMAT = 1
const HAS_SUBJECT = 1
const IS_PERSISTENT = 2
const IS_CONFIRMED = 4
const HAS_DUE = 8
const HEADER_BYTES = 117
const GENERATION_BYTES = 81

type StoredProvider = [issuer: string, subject: string, issuedAt: number, sid?: string]

type StoredDetails = {
  f: [string, number, number][]
  d?: string
  net?: string
  n?: Notes
  w?: number
  a?: Acr
  p?: StoredProvider
  b?: ([string, number, number][] | null)[]
}

/** Encodes a record as the body and index columns a store keeps. */
export function encodeRecord(record: Omit<SessionRecord, 'version' | 'epoch'>, keyring: Keyring): NewRecord {
  const subject = record.subject === undefined ? Buffer.alloc(0) : Buffer.from(record.subject)
  const details = Buffer.from(JSON.stringify(packDetails(record)))
  const tagOffset = HEADER_BYTES + subject.length + details.length + record.lineage.length * GENERATION_BYTES
  const body = Buffer.alloc(tagOffset + TAG_BYTES + record.sealedData.length)

  body[0] = FORMAT
  body[1] =
    (record.subject === undefined ? 0 : HAS_SUBJECT) |
    (record.isPersistent ? IS_PERSISTENT : 0) |
    (record.confirmedAt === undefined ? 0 : IS_CONFIRMED) |
    (record.details.due === undefined ? 0 : HAS_DUE)
  body.writeUInt32BE(keyring.newest.keyId, 2)
  record.idBytes.copy(body, 6)
  record.currentHash.copy(body, 22)
  body.writeDoubleBE(record.generationAt, 54)
  body.writeDoubleBE(record.confirmedAt ?? 0, 62)
  body.writeDoubleBE(record.startedAt, 70)
  body.writeDoubleBE(record.absoluteFrom, 78)
  body.writeDoubleBE(record.lastSeenAt, 86)
  body.writeDoubleBE(record.idleDeadline, 94)
  body.writeDoubleBE(record.absoluteDeadline, 102)
  body.writeUInt16BE(subject.length, 110)
  body.writeUInt32BE(details.length, 112)
  body[116] = record.lineage.length
  let offset = HEADER_BYTES + subject.copy(body, HEADER_BYTES)
  for (const generation of record.lineage) {
    generation.hash.copy(body, offset)
    generation.salt.copy(body, offset + 32)
    body[offset + 64] = generation.kind === 'elevation' ? 1 : 0
    body.writeDoubleBE(generation.replacedAt, offset + 65)
    body.writeDoubleBE(generation.confirmedAt ?? 0, offset + 73)
    offset += GENERATION_BYTES
  }
  details.copy(body, offset)
  keyring.newest.recordMac
    .digest(body.subarray(0, tagOffset), record.sealedData.subarray(-TAG_BYTES))
    .copy(body, tagOffset, 0, TAG_BYTES)
  body.set(record.sealedData, tagOffset + TAG_BYTES)

  return {
    id: record.id,
    subject: record.subject,
    startedAt: record.startedAt,
    deadline: Math.min(record.idleDeadline, record.absoluteDeadline),
    absoluteDeadline: record.absoluteDeadline,
    body,
  }
}

/**
 * Decodes what a store returned. Never throws.
 *
 * @returns `undefined` for anything that a key of the ring did not make for exactly this id: damaged, edited, swapped between rows,
 * of an unknown format, or made by a key that has left the ring.
 */
export function decodeRecord(stored: StoredRecord, keyring: Keyring): SessionRecord | undefined {
  const { body: bytes } = stored
  if (!(bytes instanceof Uint8Array) || bytes.length < HEADER_BYTES + TAG_BYTES || bytes[0] !== FORMAT) return undefined
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const subjectLength = body.readUInt16BE(110)
  const detailsLength = body.readUInt32BE(112)
  const generations = body[116]!
  if (generations > MOST_GENERATIONS) return undefined
  const lineageOffset = HEADER_BYTES + subjectLength
  const detailsOffset = lineageOffset + generations * GENERATION_BYTES
  const tagOffset = detailsOffset + detailsLength
  if (tagOffset + TAG_BYTES > body.length) return undefined

  const key = keyring.byId(body.readUInt32BE(2))
  if (key === undefined) return undefined
  const dataOffset = tagOffset + TAG_BYTES
  const dataTag = body.subarray(Math.max(dataOffset, body.length - TAG_BYTES))
  if (!key.recordMac.verify(body.subarray(tagOffset, dataOffset), body.subarray(0, tagOffset), dataTag)) return undefined
  const record = new DecodedRecord(stored, body, lineageOffset, detailsOffset, tagOffset)
  // The subject too: a row listed under another name would be missed when all of a subject's sessions end.
  return record.id === stored.id && record.subject === stored.subject ? record : undefined
}

/** What a store would hold of a record whose body came sealed in a cookie, decoded already. */
interface CarriedRecord extends StoredRecord {
  readonly decoded: SessionRecord
}

/**
 * The record whose body came sealed in a cookie: everything is in the body, and what sealed it has shown that it is ours. `undefined`
 * when it is of an unknown format.
 */
export function carriedRecord(body: Buffer, version: number, epoch: number): CarriedRecord | undefined {
  if (body.length < HEADER_BYTES + TAG_BYTES || body[0] !== FORMAT) return undefined
  const decoded = recordIn(body, version, epoch)
  const { id, subject, startedAt, idleDeadline, absoluteDeadline } = decoded
  const deadline = Math.min(idleDeadline, absoluteDeadline)
  return { id, version, subject, epoch, startedAt, deadline, absoluteDeadline, body, decoded }
}

/** Decodes the record of `carriedRecord`, anew where the store gave it another epoch. */
export function decodeCarried(stored: StoredRecord): SessionRecord {
  const { body, version, epoch } = stored
  const { decoded } = stored as Partial<CarriedRecord>
  return decoded?.epoch === epoch ? decoded : recordIn(body as Buffer, version, epoch)
}

function recordIn(body: Buffer, version: number, epoch: number): SessionRecord {
  const lineageOffset = HEADER_BYTES + body.readUInt16BE(110)
  const detailsOffset = lineageOffset + body[116]! * GENERATION_BYTES
  const tagOffset = detailsOffset + body.readUInt32BE(112)
  return new DecodedRecord({ version, epoch }, body, lineageOffset, detailsOffset, tagOffset)
}

/** Reads on demand: most requests need the hash and the deadlines only. The MAC has been checked, so nothing here can fail. */
class DecodedRecord implements SessionRecord {
  readonly version: number
  readonly epoch: number
  readonly id: string
  readonly idBytes: Buffer
  readonly subject: string | undefined
  readonly isPersistent: boolean
  readonly currentHash: Buffer
  readonly generationAt: number
  readonly confirmedAt: number | undefined
  readonly startedAt: number
  readonly absoluteFrom: number
  readonly lastSeenAt: number
  readonly idleDeadline: number
  readonly absoluteDeadline: number
  readonly hasDue: boolean
  readonly #body: Buffer
  readonly #lineageOffset: number
  readonly #detailsOffset: number
  readonly #tagOffset: number
  #stored: StoredDetails | undefined
  #lineage: readonly Generation[] | undefined
  #details: Details | undefined

  constructor(
    stored: Pick<StoredRecord, 'version' | 'epoch'>,
    body: Buffer,
    lineageOffset: number,
    detailsOffset: number,
    tagOffset: number,
  ) {
    const flags = body[1]!
    this.version = stored.version
    this.epoch = stored.epoch
    this.idBytes = body.subarray(6, 22)
    this.id = encodeId(this.idBytes)
    this.subject = flags & HAS_SUBJECT ? body.toString('utf8', HEADER_BYTES, lineageOffset) : undefined
    this.isPersistent = (flags & IS_PERSISTENT) !== 0
    this.hasDue = (flags & HAS_DUE) !== 0
    this.currentHash = body.subarray(22, 54)
    this.generationAt = body.readDoubleBE(54)
    this.confirmedAt = flags & IS_CONFIRMED ? body.readDoubleBE(62) : undefined
    this.startedAt = body.readDoubleBE(70)
    this.absoluteFrom = body.readDoubleBE(78)
    this.lastSeenAt = body.readDoubleBE(86)
    this.idleDeadline = body.readDoubleBE(94)
    this.absoluteDeadline = body.readDoubleBE(102)
    this.#body = body
    this.#lineageOffset = lineageOffset
    this.#detailsOffset = detailsOffset
    this.#tagOffset = tagOffset
  }

  get sealedData(): Uint8Array {
    return this.#body.subarray(this.#tagOffset + TAG_BYTES)
  }

  get details(): Details {
    if (this.#details === undefined) {
      const stored = this.#storedDetails()
      this.#details = {
        facts: stored.f.map(unpackFact),
        device: stored.d,
        network: stored.net,
        notes: stored.n,
        doubtedAt: stored.w,
        due: stored.a,
        provider: stored.p && unpackProvider(stored.p),
      }
    }
    return this.#details
  }

  get lineage(): readonly Generation[] {
    if (this.#lineage === undefined) {
      const entries: Generation[] = []
      for (let offset = this.#lineageOffset; offset < this.#detailsOffset; offset += GENERATION_BYTES) {
        const confirmedAt = this.#body.readDoubleBE(offset + 73)
        const isElevation = this.#body[offset + 64] === 1
        entries.push({
          hash: this.#body.subarray(offset, offset + 32),
          salt: this.#body.subarray(offset + 32, offset + 64),
          kind: isElevation ? 'elevation' : 'renewal',
          replacedAt: this.#body.readDoubleBE(offset + 65),
          confirmedAt: confirmedAt === 0 ? undefined : confirmedAt,
          facts: isElevation ? this.#storedDetails().b?.[entries.length]?.map(unpackFact) : undefined,
        })
      }
      this.#lineage = entries
    }
    return this.#lineage
  }

  #storedDetails(): StoredDetails {
    this.#stored ??= JSON.parse(this.#body.toString('utf8', this.#detailsOffset, this.#tagOffset)) as StoredDetails
    return this.#stored
  }
}

function packDetails(record: Pick<SessionRecord, 'details' | 'lineage'>): StoredDetails {
  const details: StoredDetails = { f: record.details.facts.map(packFact) }
  if (record.details.device !== undefined) details.d = record.details.device
  if (record.details.network !== undefined) details.net = record.details.network
  if (record.details.notes !== undefined) details.n = record.details.notes
  if (record.details.doubtedAt !== undefined) details.w = record.details.doubtedAt
  if (record.details.due !== undefined) details.a = record.details.due
  if (record.details.provider !== undefined) details.p = packProvider(record.details.provider)
  if (record.lineage.some((generation) => generation.facts !== undefined)) {
    details.b = record.lineage.map((generation) => generation.facts?.map(packFact) ?? null)
  }
  return details
}

function packFact(fact: Fact): [string, number, number] {
  return [fact.method, fact.at, fact.strength]
}

function unpackFact([method, at, strength]: [string, number, number]): Fact {
  return { method, at, strength: strength as Fact['strength'] }
}

function packProvider({ issuer, subject, issuedAt, sid }: ProviderLink): StoredProvider {
  return sid === undefined ? [issuer, subject, issuedAt] : [issuer, subject, issuedAt, sid]
}

function unpackProvider([issuer, subject, issuedAt, sid]: StoredProvider): ProviderLink {
  return { issuer, subject, issuedAt, sid }
}

/** `details.due`, without a look at the details where there is none: every request asks. */
export function dueOf(record: SessionRecord): Acr | undefined {
  return record instanceof DecodedRecord && !record.hasDue ? undefined : record.details.due
}

/** A copy with changes; the decoded class reads on demand, so a plain spread would lose its getters. */
export function withChanges(record: SessionRecord, changes: Partial<SessionRecord>): SessionRecord {
  return {
    id: record.id,
    idBytes: record.idBytes,
    version: record.version,
    epoch: record.epoch,
    subject: record.subject,
    isPersistent: record.isPersistent,
    currentHash: record.currentHash,
    generationAt: record.generationAt,
    confirmedAt: record.confirmedAt,
    lineage: record.lineage,
    startedAt: record.startedAt,
    absoluteFrom: record.absoluteFrom,
    lastSeenAt: record.lastSeenAt,
    idleDeadline: record.idleDeadline,
    absoluteDeadline: record.absoluteDeadline,
    details: record.details,
    sealedData: record.sealedData,
    ...changes,
  }
}
