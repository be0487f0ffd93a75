import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { minutes } from '../../core/duration.ts'
import { subjectKeyOf } from '../../core/placement.ts'
import type { Ledger, ReadOutcome, StoredRecord } from '../../core/store.ts'
import { MOST_STAMPS, type SubjectEntry, spares } from './subject-entry.ts'

/** How an ending is written down. */
interface Ending {
  readonly now: number
  readonly reason: string
  /** No session concerned outlives this instant. */
  readonly keepUntil: number
  readonly signal?: AbortSignal | undefined
}

type Signal = AbortSignal | undefined

const EPOCH_BYTES = 6
/** Entries are kept this much longer: the node that judges a session's deadline may have another clock than the one that ended it. */
const CLOCKS_APART = minutes(30)
/** Who has the right to end a subject's sessions next and has not done so for so long never will. */
const LONGEST_TURN = minutes(60)
const MOST_WAITS = 10
const WAIT = 20
/** Entries count as long as they are there: nothing they end can be alive after that, and no two nodes have the same time. */
const ANY_TIME = 0

/**
 * What was ended, in the ledger of another store: an entry a revoked id, and one a subject whose sessions were all ended.
 *
 * A subject's epoch is a random number, compared for equality: a session is alive while the epoch it was stamped with is the present one.
 * No clock is compared and nothing is counted, so that two nodes who end a subject's sessions at once, clocks apart, end them all.
 * Once the entry is gone no session with another stamp can be alive, and "no entry" ends nobody.
 */
export class EndedSessions {
  readonly #ledger: Ledger

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  /** Ends one session. `true` for the first who does, whose reason stays. */
  async end(id: string, { now, reason, keepUntil, signal }: Ending): Promise<boolean> {
    const options = { now, deadline: keepUntil + CLOCKS_APART, signal }
    const present = await this.#ledger.get(idKey(id), { now: ANY_TIME, signal })
    // The entry first: were the claim alone written, the session would live on and nobody could end it any more.
    if (present === undefined) await this.#ledger.put(idKey(id), Buffer.from(`${now} ${reason}`), options)
    return this.#ledger.claim(idKey(id), options)
  }

  /**
   * Ends all sessions of a subject but the excepted one: at once, in the one write that replaces the subject's entry.
   *
   * Only whoever claims the turn after the present entry may spare a session. Else one who looked before another ended everything, and
   * wrote after, would bring back whom they spare: an attacker, with a request held open, the session that the owner has just ended.
   * Who waits for somebody's turn in vain forbids that one to spare anybody, and spares nobody either.
   */
  async endSubject(subject: string, ending: Ending & { readonly except?: string | undefined }): Promise<void> {
    const { now, reason, keepUntil, signal, except } = ending
    const key = subjectKeyOf(subject)
    const options = { now, deadline: keepUntil + CLOCKS_APART, signal }
    for (let attempt = 0; ; attempt++) {
      const before = await this.#entryOf(subject, signal)
      const after = before?.epoch ?? 0
      const turn = { now, deadline: Math.min(now + LONGEST_TURN, options.deadline), signal }
      const isMyTurn = await this.#ledger.claim(turnKey(key, after), turn)
      if (!isMyTurn && attempt < MOST_WAITS) {
        await pause(WAIT)
        continue
      }
      if (!isMyTurn) await this.#ledger.put(strictKey(key, after), Buffer.of(1), options)
      const spared =
        isMyTurn && except !== undefined ? { id: except, stamps: await this.#stampsOf(key, before, except, signal) } : undefined
      const entry: SubjectEntry = { epoch: randomBytes(EPOCH_BYTES).readUIntBE(0, EPOCH_BYTES), after, at: now, reason, spared }
      return this.#ledger.put(subjectEntryKey(key), Buffer.from(JSON.stringify(entry)), options)
    }
  }

  /** The epoch to stamp a new session with; 0 where nothing was ended. */
  async epochOf(subject: string | undefined, signal: Signal): Promise<number> {
    return (await this.#entryOf(subject, signal))?.epoch ?? 0
  }

  /**
   * What became of a session: its record, stamped with the present epoch, or how it ended. Both questions at once: one round trip, and
   * one more for a session that was spared and not sealed since.
   */
  async outcomeFor(carried: StoredRecord, signal: Signal): Promise<ReadOutcome> {
    const { id, subject, epoch, absoluteDeadline } = carried
    const [ended, entry] = await Promise.all([
      this.#ledger.get(idKey(id), { now: ANY_TIME, signal }),
      this.#entryOf(subject, signal),
    ])
    if (ended !== undefined) {
      const [revokedAt, reason] = Buffer.from(ended).toString().split(' ') as [string, string]
      return { kind: 'tombstone', tombstone: { id, subject, revokedAt: Number(revokedAt), reason, absoluteDeadline } }
    }
    if (entry === undefined || entry.epoch === epoch) return { kind: 'record', record: carried, subjectEpoch: epoch }
    if (spares(entry, id, epoch) && !(await this.#isStrict(subjectKeyOf(subject!), entry, signal)))
      return { kind: 'record', record: { ...carried, epoch: entry.epoch }, subjectEpoch: entry.epoch }
    return { kind: 'tombstone', tombstone: { id, subject, revokedAt: entry.at, reason: entry.reason, absoluteDeadline } }
  }

  /** The stamps that a session alive now can have; `undefined` for any. */
  async #stampsOf(key: string, before: SubjectEntry | undefined, id: string, signal: Signal): Promise<number[] | undefined> {
    if (before === undefined) return undefined
    // Spared already, and perhaps not sealed since.
    const isSpared = before.spared?.id === id && !(await this.#isStrict(key, before, signal))
    const earlier = isSpared ? before.spared!.stamps : []
    return earlier && [...earlier, before.epoch].slice(-MOST_STAMPS)
  }

  /** Whether somebody waited in vain for the turn in which the entry was made: it then spares nobody. */
  async #isStrict(key: string, { after }: SubjectEntry, signal: Signal): Promise<boolean> {
    return (await this.#ledger.get(strictKey(key, after), { now: ANY_TIME, signal })) !== undefined
  }

  async #entryOf(subject: string | undefined, signal: Signal): Promise<SubjectEntry | undefined> {
    if (subject === undefined) return undefined
    const value = await this.#ledger.get(subjectEntryKey(subjectKeyOf(subject)), { now: ANY_TIME, signal })
    return value && (JSON.parse(Buffer.from(value).toString()) as SubjectEntry)
  }
}

const idKey = (id: string) => `sealed-cookie/ended/${id}`
const subjectEntryKey = (subjectKey: string) => `sealed-cookie/subject/${subjectKey}`
const turnKey = (subjectKey: string, epoch: number) => `sealed-cookie/turn/${subjectKey}/${epoch}`
const strictKey = (subjectKey: string, epoch: number) => `sealed-cookie/strict/${subjectKey}/${epoch}`
