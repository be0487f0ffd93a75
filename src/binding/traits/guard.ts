/**
 * The guard: compares each request with its session's fingerprint and does what the policy says. A request whose client is as it was costs
 * a comparison of five texts; the rest happens once a change.
 */
import type { Clock } from '../../core/clock.ts'
import { ConfigError, isSojournError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/patch.ts'
import type { SessionRecord } from '../../core/record.ts'
import { policyFor, type Service, serviceOf } from '../../core/service.ts'
import { type Session, workOf } from '../../core/session.ts'
import type { UnitOfWork } from '../../core/unit-of-work.ts'
import type { GuardedHttp, GuardedRequest, RequestGuard } from '../../http/request-guard.ts'
import type { AddressKeeping } from './address-keeping.ts'
import { type Comparison, compare } from './comparison.ts'
import { type Fingerprint, firstFingerprint, noteOf, readNote, TraitHashes } from './fingerprint.ts'
import { areSmall, isHintable, type Observation, type Observer, type Texts, textsOf } from './observation.ts'
import { type Change, canRevoke, type DriftPolicy, type Grade, gradeOf, reasonOf } from './policy.ts'

export const NOTE = 'traits'

/** What a session's note was last compared with. */
interface Seen extends Texts {
  /** By which guard: another one may know of more databases. */
  readonly by: TraitGuard
  readonly observation: Observation
  /** When something is due although nothing has changed. */
  readonly lookAgainAt: number
}

export interface GuardSettings {
  readonly policy: DriftPolicy
  readonly isShadow: boolean
  readonly observer: Observer
  readonly addresses: AddressKeeping
}

/** What would be, or was, done about a request. */
interface Verdict extends Comparison {
  readonly grade: Grade
  /** Whether the note is written: something is new in it, or an address has had its time. */
  readonly print: Fingerprint | undefined
  readonly dropsAddress: boolean
}

/** By note, while the record it belongs to is in memory. */
const SEEN = new WeakMap<JsonObject, Seen>()

/** What this request, or one before it, showed of the client. */
export function seenOf(session: Session<unknown>): { observation?: Observation | undefined; print?: Fingerprint | undefined } {
  const work = workOf(session)
  const note = work.active?.record.details.notes?.[NOTE]
  const seen = (work.traits as Seen | undefined) ?? (note && SEEN.get(note))
  return { observation: seen?.observation, print: note && readNote(note) }
}

export class TraitGuard implements RequestGuard {
  readonly name = NOTE
  readonly #settings: GuardSettings
  #service: Service | undefined
  #hashes!: TraitHashes
  #clock!: Clock

  constructor(settings: GuardSettings) {
    this.#settings = settings
  }

  attach({ sessions }: GuardedHttp): void {
    const service = serviceOf(sessions)
    if (this.#service !== undefined && this.#service !== service)
      throw refusal('one traitChecks() was given to adapters of two session services; make one for each')
    const { config } = service
    const { capabilities, name } = config.store
    const { policy, isShadow, addresses } = this.#settings
    if (canRevoke(policy) && !isShadow && capabilities.carries !== undefined && !capabilities.revokesSubjects) {
      throw refusal(
        `the policy ends sessions, and the store '${name}' without a ledger cannot end one: give cookieStore a ledger, or a policy without 'revoke'`,
      )
    }
    addresses.check(config.policy)
    this.#service = service
    this.#hashes = new TraitHashes(config.keyring)
    this.#clock = config.clock
  }

  notesAtStart(request: GuardedRequest): JsonObject | undefined {
    const texts = textsOf(request)
    const observation = this.#settings.observer.observe(texts, request)
    const { config } = this.#service!
    const first = firstFingerprint(observation, this.#hashes, config.random)
    // Which policy the session gets is not known yet, where each may have its own: one that lies idle for longer must not have kept it.
    const isOneForAll = config.policyOf === undefined
    const address = isOneForAll ? this.#settings.addresses.taken(texts.address, this.#clock(), config.policy) : undefined
    const note = noteOf({ ...first, address })
    this.#remember(note, texts, observation, this.#settings.addresses.dropAt(address, config.policy))
    return note
  }

  inspect(session: Session<unknown>, request: GuardedRequest): void | Promise<void> {
    const work = workOf(session)
    const note = work.active!.record.details.notes?.[NOTE]
    const seen = note && SEEN.get(note)
    if (seen?.by === this && isSame(seen, request) && this.#isEarly(seen)) {
      work.traits = seen
      return undefined
    }
    const texts = textsOf(request)
    const observation = this.#settings.observer.observe(texts, request)
    if (note !== undefined) {
      const print = readNote(note)
      const { record } = work.active!
      const now = this.#clock()
      const isDue =
        this.#settings.addresses.isDue(print.address, now, policyFor(this.#service!, record)) ||
        this.#rotationDueAt(record, print) <= now
      if (this.#isWhole(print, observation) && !isDue) {
        work.traits = this.#remember(note, texts, observation, this.#dueAt(record, print))
        return undefined
      }
    }
    work.traits = { ...texts, by: this, observation, lookAgainAt: 0 } satisfies Seen
    return this.#settle(work, texts, observation)
  }

  /** Whether nothing at all has changed, at the price of one hash. */
  #isWhole(print: Fingerprint, observation: Observation): boolean {
    return print.keyId === this.#hashes.newestKeyId && this.#hashes.of(print)!('whole', observation.text) === print.whole
  }

  #isEarly({ lookAgainAt }: Seen): boolean {
    return lookAgainAt === Number.POSITIVE_INFINITY || this.#clock() < lookAgainAt
  }

  #remember(note: JsonObject, texts: Texts, observation: Observation, lookAgainAt: number): Seen {
    const seen = { ...texts, by: this, observation, lookAgainAt }
    if (areSmall(texts)) SEEN.set(note, seen)
    return seen
  }

  /** Compares in full, on the latest record, and does what the policy says. Who writes first reports; whoever comes beside it finds it done. */
  async #settle(work: UnitOfWork, texts: Texts, observation: Observation): Promise<void> {
    const { isShadow } = this.#settings
    let verdict = this.#judge(work.active!.record, texts, observation)
    if (work.active!.isReadonly) return this.#refuseUnwritten(work, verdict)
    let isWritten = false
    try {
      isWritten = await work.amend((record) => {
        verdict = this.#judge(record, texts, observation)
        if (verdict.print === undefined || (verdict.grade === 'revoke' && !isShadow)) return undefined
        return { details: this.#noted(record, verdict) }
      })
      if (!isWritten || work.active === undefined) return
    } catch (error) {
      if (!this.#isBearable(verdict, error)) throw error
      // A sealed cookie that is full: where the doubt cannot be noted, nobody is let in.
      if (verdict.grade === 'step-up' && !isShadow) return this.#refuseUnwritten(work, verdict)
    }
    await this.#act(work, verdict)
    await this.#rotateWhereDue(work, verdict)
    const { active } = work
    const note = active?.record.details.notes?.[NOTE]
    // Where the write failed, the note is what it was, and does not know of this.
    if (note === undefined || !isWritten) return
    work.traits = this.#remember(note, texts, observation, this.#dueAt(active!.record, readNote(note)))
  }

  /** When something is to be done although nothing has changed. */
  #dueAt(record: SessionRecord, print: Fingerprint): number {
    const dropAt = this.#settings.addresses.dropAt(print.address, policyFor(this.#service!, record))
    return Math.min(dropAt, this.#rotationDueAt(record, print))
  }

  /** When the rotation that the latest drift asked for, and that could not be made at once, is made; never where there is none to make. */
  #rotationDueAt(record: SessionRecord, { drift }: Fingerprint): number {
    const isOwed = isOfRotation(drift) && drift!.at > record.generationAt && !this.#settings.isShadow
    return isOwed
      ? Math.max(drift!.at, rotatableAt(record, drift!.at, policyFor(this.#service!, record)))
      : Number.POSITIVE_INFINITY
  }

  #judge(record: SessionRecord, texts: Texts, observation: Observation): Verdict {
    const { policy, addresses, isShadow } = this.#settings
    const now = this.#clock()
    const note = record.details.notes?.[NOTE]
    const sessionPolicy = policyFor(this.#service!, record)
    const taken = addresses.taken(texts.address, now, sessionPolicy)
    if (note === undefined) {
      // It began before the checks were on: what it is now is what it is compared with from here on.
      const print = { ...firstFingerprint(observation, this.#hashes, this.#service!.config.random), address: taken }
      return { changes: [], next: print, grade: 'allow', print, dropsAddress: false }
    }
    const kept = readNote(note)
    const { changes, next } = compare(kept, observation, this.#hashes)
    const grade = gradeOf(policy, changes)
    const dropsAddress = addresses.isDue(kept.address, now, sessionPolicy)
    if (next === undefined && !dropsAddress) return { changes, next, grade, print: undefined, dropsAddress }
    const hasMoved = next !== undefined && next.networks !== kept.networks
    const address = hasMoved ? taken : dropsAddress ? undefined : kept.address
    // A rotation that is still to be made is not forgotten over something milder.
    const isMilder = grade === 'allow' || (grade === 'note' && this.#rotationDueAt(record, kept) < Number.POSITIVE_INFINITY)
    const drift = isMilder ? kept.drift : { at: now, grade, changes, isShadow }
    return { changes, next, grade, print: { ...(next ?? kept), drift, address }, dropsAddress }
  }

  #noted({ details, subject }: SessionRecord, { print, grade }: Verdict): SessionRecord['details'] {
    const notes = { ...details.notes, [NOTE]: noteOf(print!) }
    const isDoubted = grade === 'step-up' && !this.#settings.isShadow && subject !== undefined
    if (!isDoubted) return { ...details, notes }
    // What was proved on a machine whose clock is ahead was proved before, too.
    return { ...details, notes, doubtedAt: Math.max(this.#clock(), ...details.facts.map(({ at }) => at)) }
  }

  async #act(work: UnitOfWork, { grade, changes, print, dropsAddress }: Verdict): Promise<void> {
    if (print === undefined) return
    const { record } = work.active!
    const { isShadow } = this.#settings
    if (dropsAddress)
      this.#service!.events.emit({ type: 'traits.address-dropped', sessionId: record.id, subject: record.subject })
    if (grade === 'allow') return
    if (grade === 'revoke' && !isShadow && !(await work.end('drift', false, false))) return
    this.#report(record, grade, changes)
  }

  /** For the change of this request, or one before it that came too soon after another rotation. */
  async #rotateWhereDue(work: UnitOfWork, { grade }: Verdict): Promise<void> {
    const { record } = work.active ?? {}
    const note = record?.details.notes?.[NOTE]
    if (record === undefined || note === undefined) return
    const now = this.#clock()
    const isAsked = grade === 'rotate' && !this.#settings.isShadow
    const dueAt = isAsked
      ? rotatableAt(record, now, policyFor(this.#service!, record))
      : this.#rotationDueAt(record, readNote(note))
    if (dueAt <= now) await rotate(work)
  }

  #report({ id: sessionId, subject }: SessionRecord, grade: Exclude<Grade, 'allow'>, changes: readonly Change[]): void {
    const { isShadow } = this.#settings
    const reason = reasonOf(changes)
    this.#service!.events.emit({ type: 'traits.drifted', sessionId, subject, grade, isShadow, changes, reason })
  }

  /** Nothing can be kept of what this request showed, so that it is not let in where it matters. */
  #refuseUnwritten(work: UnitOfWork, { grade, changes }: Verdict): void {
    if (grade === 'allow') return
    this.#report(work.active!.record, grade, changes)
    if (!this.#settings.isShadow && (grade === 'step-up' || grade === 'revoke')) work.refuse('unproven', 'drift')
  }

  /** Whether a request goes on although what it showed could not be written: it is seen again at the next one. */
  #isBearable({ grade }: Verdict, error: unknown): boolean {
    const isMild = this.#settings.isShadow || grade === 'allow' || grade === 'note'
    return isMild ? isSojournError(error) : isSojournError(error, 'ERR_COOKIE_TOO_LARGE')
  }
}

function isOfRotation(drift: Fingerprint['drift']): boolean {
  return drift?.grade === 'rotate' && !drift.isShadow
}

/**
 * Two graces after the token was first used, as for a renewal: an answer that is still under way could else put it back into the browser after
 * its successor, and the owner be taken for a thief (docs/decisions/0002-rotation.md, rule 4). A session's first token is in one answer only.
 */
function rotatableAt(
  { lineage, confirmedAt }: SessionRecord,
  seenAt: number,
  { rotationGrace }: { readonly rotationGrace: number },
): number {
  return lineage.length === 0 ? seenAt : (confirmedAt ?? seenAt) + 2 * rotationGrace
}

/** By renewal, so that parallel requests of the same browser go on. */
async function rotate(work: UnitOfWork): Promise<void> {
  try {
    await work.rotate('renewal', 'drift', [])
  } catch (error) {
    // Replaced a moment ago by somebody else, or ended: either way the old token is on its way out.
    if (!isSojournError(error, 'ERR_ROTATION_PENDING') && !isSojournError(error, 'ERR_SESSION_ENDED')) throw error
  }
}

function isSame(seen: Seen, request: GuardedRequest): boolean {
  const { facts, clientAddress } = request
  return (
    seen.agent === facts.header('user-agent') &&
    seen.address === clientAddress &&
    seen.brands === facts.header('sec-ch-ua') &&
    seen.platform === facts.header('sec-ch-ua-platform') &&
    seen.mobile === facts.header('sec-ch-ua-mobile') &&
    // A worker's request may come without hints; the same texts of a document's may not.
    (seen.brands !== undefined || seen.observation.isHintable || !isHintable(request))
  )
}

function refusal(message: string): ConfigError {
  return new ConfigError(`traitChecks: ${message}. See docs/guide/traits.md.`, { code: 'ERR_CONFIG_INVALID' })
}
