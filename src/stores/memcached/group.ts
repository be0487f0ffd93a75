/**
 * Ending all sessions of a subject without an index: epochs.
 *
 * The ids of a subject's sessions begin with the same two bytes, and all sessions that share them are a *group*: 65,536 groups, one
 * item each, on the server of its sessions. The item holds
 *
 *   generation 8 random bytes || counter 8 || ends
 *   an end: subject 16 || epoch 8 || floor 8 || keepUntil 8 || except 16
 *
 * Each `revokeSubject` raises the counter and gives its subject the new value as its epoch. A record is stamped with generation and
 * counter when it is created. It lives while
 *   - the group has its generation: an item that was lost (evicted, flushed, a restart) took ends with it, so that nobody can say
 *     which of the group's sessions live. None does: they read as absent, like sessions that were evicted themselves; and
 *   - its stamp is not below the epoch of its subject's end, or it is the one spared.
 * The counter is the group's, not the subject's: it never goes back while records of the generation live, so an end may be forgotten
 * once no session it concerns can be left (`keepUntil`), and the next one is above every stamp all the same.
 *
 * `floor` is the stamp that the spared session needs: it must have been alive until then. Otherwise ending a subject once without, and
 * once with sparing a session, would bring that session back.
 *
 * **Why no session outlives its end.** A record and its group are asked for in one piece, the record first. Say a record was stamped
 * with what the group was at time S, written at W > S, and its subject ended at E:
 *   - E < S: it is stamped with E's epoch or above, and lives: it is younger than the end.
 *   - S < E: its stamp is below the epoch, so every reader who sees the group after E sees it dead. No update changes a stamp.
 *     If E < W, `create` sees that its stamp is outdated, since it asks for the group again after it wrote, and stamps it anew
 *     under compare-and-set before it answers: it is younger than the end, too. Should it fail to do so, the record stays dead.
 * With the generation it is the same: a record can be stamped with a generation that is gone, never with one that is yet to come.
 */
import { sha256 } from '../../core/crypto.ts'
import type { RevokeSubjectOptions } from '../../core/store.ts'
import { GENERATION_BYTES, type KeptRecord, type Stamp, unreadable } from './format.ts'
import { CLOCK_SLACK } from './server.ts'

const HEAD = GENERATION_BYTES + 8
const SUBJECT = 16
const END = 56
/** A floor that no stamp reaches: nobody is spared. */
const NOBODY = Number.POSITIVE_INFINITY
const NO_ID = Buffer.alloc(16)
/** How long an end is kept where the caller does not say. */
const LONGEST_SESSION = 366 * 86_400_000

interface End {
  readonly subject: Buffer
  readonly epoch: number
  readonly floor: number
  readonly keepUntil: number
  readonly except: Buffer
}

/** Of anonymous records, which no end concerns: they need no group. */
export const ANONYMOUS: Stamp = { generation: Buffer.alloc(GENERATION_BYTES), stamp: 0 }

/** How a record stands: its epoch, and its subject's. It is dead if the first is lower. */
export interface Standing {
  readonly epoch: number
  readonly subjectEpoch: number
}

/** What the item of a group says. */
export class Group implements Stamp {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    if (bytes.length < HEAD || (bytes.length - HEAD) % END !== 0) throw unreadable('the epochs of a group')
    this.bytes = bytes
  }

  /** @param generation - Random: no other group has, had, or will have it. */
  static begin(generation: Uint8Array): Group {
    const bytes = Buffer.alloc(HEAD)
    bytes.set(generation)
    return new Group(bytes)
  }

  get generation(): Buffer {
    return this.bytes.subarray(0, GENERATION_BYTES)
  }

  get stamp(): number {
    return this.bytes.readDoubleBE(GENERATION_BYTES)
  }

  /** The group after all sessions of a subject ended but one; forgets ends that concern nobody any more. */
  after(subject: string, { now, keepUntil = now + LONGEST_SESSION, except }: Omit<RevokeSubjectOptions, 'reason'>): Group {
    const digest = digestOf(subject)
    const earlier = this.#endOf(digest)
    const epoch = this.stamp + 1
    const spared = except === undefined ? undefined : idBytes(except)
    const end: End = {
      subject: digest,
      epoch,
      floor: spared === undefined ? NOBODY : earlier?.except.equals(spared) ? earlier.floor : (earlier?.epoch ?? 0),
      keepUntil: Math.max(keepUntil, earlier?.keepUntil ?? 0),
      except: spared ?? NO_ID,
    }
    const kept = this.#ends().filter((each) => !each.subject.equals(digest) && each.keepUntil + CLOCK_SLACK >= now)
    const counter = Buffer.alloc(8)
    counter.writeDoubleBE(epoch)
    return new Group(Buffer.concat([this.generation, counter, ...[...kept, end].map(encodeEnd)]))
  }

  /** `undefined` if this generation of the group never knew the record. */
  standingOf({ record: { id, subject }, generation, stamp }: KeptRecord): Standing | undefined {
    if (subject === undefined) return { epoch: 0, subjectEpoch: 0 }
    if (!generation.equals(this.generation)) return undefined
    const end = this.bytes.length === HEAD ? undefined : this.#endOf(digestOf(subject))
    if (end === undefined) return { epoch: 0, subjectEpoch: 0 }
    const isAlive = stamp >= end.epoch || (stamp >= end.floor && end.except.equals(idBytes(id) ?? NO_ID))
    // A living record has its subject's epoch, be it that it was created under it or spared; what it is stamped with is for the group.
    return { epoch: isAlive ? end.epoch : stamp, subjectEpoch: end.epoch }
  }

  #endOf(digest: Buffer): End | undefined {
    for (let at = HEAD; at < this.bytes.length; at += END) {
      if (digest.equals(this.bytes.subarray(at, at + SUBJECT))) return decodeEnd(this.bytes, at)
    }
    return undefined
  }

  #ends(): End[] {
    const ends: End[] = []
    for (let at = HEAD; at < this.bytes.length; at += END) ends.push(decodeEnd(this.bytes, at))
    return ends
  }
}

/** How a record stands in its group, if there is one. `undefined`: nobody knows, so it does not live. */
export function standingIn(group: Group | undefined, kept: KeptRecord): Standing | undefined {
  if (kept.record.subject === undefined) return { epoch: 0, subjectEpoch: 0 }
  return group?.standingOf(kept)
}

/** 128 bits of the subject's digest: nobody finds two subjects that share them and a group. */
const digestOf = (subject: string): Buffer => sha256(Buffer.from(subject)).subarray(0, SUBJECT)

/** The 16 bytes of a session id; `undefined` for what is none, and which no session has. */
function idBytes(id: string): Buffer | undefined {
  const bytes = Buffer.from(id, 'base64url')
  return bytes.length === 16 ? bytes : undefined
}

function encodeEnd({ subject, epoch, floor, keepUntil, except }: End): Buffer {
  const bytes = Buffer.allocUnsafe(END)
  bytes.set(subject, 0)
  bytes.writeDoubleBE(epoch, 16)
  bytes.writeDoubleBE(floor, 24)
  bytes.writeDoubleBE(keepUntil, 32)
  bytes.set(except, 40)
  return bytes
}

function decodeEnd(bytes: Buffer, at: number): End {
  return {
    subject: bytes.subarray(at, at + SUBJECT),
    epoch: bytes.readDoubleBE(at + 16),
    floor: bytes.readDoubleBE(at + 24),
    keepUntil: bytes.readDoubleBE(at + 32),
    except: bytes.subarray(at + 40, at + END),
  }
}
