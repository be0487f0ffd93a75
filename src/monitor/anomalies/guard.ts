/**
 * The guard: hands sign-ins to the model, and compares each request with its session's client. Shaped like an adapter's guard and not importing it: this layer knows no
 * HTTP. A request whose client is as it was costs a comparison of two texts.
 */
import { Hmac } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'
import { isSojournError } from '../../core/errors.ts'
import type { JsonObject } from '../../core/patch.ts'
import { factsOf } from '../../core/reading.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { Service } from '../../core/service.ts'
import { Session, workOf } from '../../core/session.ts'
import { misuse, type UnitOfWork } from '../../core/unit-of-work.ts'
import type { Acting } from './acting.ts'
import { type Assessor, isDoubtful, type Judged } from './assessing.ts'
import type { SignInAttempt } from './options.ts'
import { invalid } from './policy.ts'
import { agentChanged, packNote, parallelUse, readNote, type SeenPlace, type SessionNote, withPlace } from './rules/session.ts'
import type { Signal } from './signal.ts'

/** As much of an adapter's request as this needs. */
export interface GuardedRequest {
  readonly facts: { header(name: string): string | undefined }
  readonly clientAddress: string | undefined
}

interface Texts {
  readonly userAgent: string | undefined
  readonly address: string | undefined
}

const NAME = 'anomalies'
const HASH_BYTES = 6
const SALT_BYTES = 6
/** Sessions whose sign-in is learnt once more was proved. */
const MOST_AWAITING = 1024
/** The same signal of one session is told once in so long. */
const TOLD_FOR = minutes(1)
const MOST_TOLD = 1024
const LONGEST_REMEMBERED = 1024

/** By note, while the record it belongs to is in memory: what it was last compared with. */
const SEEN = new WeakMap<JsonObject, Texts>()

export class AnomalyGuard {
  readonly name = NAME
  readonly #service: Service
  readonly #assessor: Assessor
  readonly #acting: Acting
  readonly #macs: ReadonlyMap<number, Hmac>
  readonly #newestKeyId: number
  readonly #awaiting = new Map<string, { readonly subject: string; readonly judged: Judged }>()
  readonly #told = new Map<string, number>()
  /** Sign-ins being judged in the background. */
  readonly running = new Set<Promise<void>>()

  constructor(service: Service, assessor: Assessor, acting: Acting) {
    this.#service = service
    this.#assessor = assessor
    this.#acting = acting
    const { newest, all } = service.config.keyring
    this.#newestKeyId = newest.keyId
    this.#macs = new Map(all.map((key) => [key.keyId, new Hmac(key.derive('anomalies-session'))]))
  }

  /** @throws {ConfigError} `ERR_CONFIG_INVALID` - the adapter serves other sessions than those it was made for. */
  attach({ sessions }: { readonly sessions: { readonly events: unknown } }): void {
    if (sessions.events !== this.#service.events)
      throw invalid('the adapter it was handed to', 'one of the same sessions that anomalyDetection was given')
  }

  notesAtStart(request: GuardedRequest, subject: string | undefined): JsonObject | undefined {
    if (subject === undefined) return undefined
    const texts = textsOf(request)
    const note = packNote(this.#firstNote(texts))
    remember(note, texts)
    return note
  }

  respond(session: Session<unknown>, request: GuardedRequest, _target: unknown, hasStarted: boolean): void {
    const work = workOf(session)
    const { active } = work
    const subject = active?.record.subject
    if (!hasStarted || subject === undefined) return
    const isProved = work.pending === undefined
    const started = this.#started(active!.record.id, { subject, ...textsOf(request) }, isProved).catch(() => {
      // The store was away, which it says itself: the sign-in is neither judged nor learnt.
    })
    this.running.add(started)
    void started.then(() => this.running.delete(started))
  }

  async #started(sessionId: string, attempt: SignInAttempt, isProved: boolean): Promise<void> {
    // The login route asked, was told, and did what it thought right.
    const told = this.#assessor.recall(attempt)
    const judged = told ?? (await this.#assessor.judge(attempt))
    if (told === undefined) await this.#acting.byId(judged.judgement.signals, { sessionId, subject: attempt.subject })
    const isInDoubt = told === undefined && isDoubtful(judged.action) && !this.#acting.isShadow
    if (isProved && !isInDoubt) this.#assessor.learn(attempt.subject, judged)
    else this.#await(sessionId, attempt.subject, judged)
  }

  #await(sessionId: string, subject: string, judged: Judged): void {
    if (this.#awaiting.size >= MOST_AWAITING) this.#awaiting.delete(this.#awaiting.keys().next().value!)
    this.#awaiting.set(sessionId, { subject, judged })
  }

  inspect(session: Session<unknown>, request: GuardedRequest): void | Promise<void> {
    const work = workOf(session)
    const active = work.active!
    const { record } = active
    if (record.subject === undefined) return undefined
    if (this.#awaiting.size > 0) this.#learnIfProved(work)
    const texts = textsOf(request)
    const note = record.details.notes?.[NAME]
    const seen = note && SEEN.get(note)
    if (seen !== undefined && seen.userAgent === texts.userAgent && seen.address === texts.address) return undefined
    const { signals, next } = this.#compare(note, texts)
    if (note !== undefined && next === undefined && signals.length === 0) {
      remember(note, texts)
      return undefined
    }
    if (active.isReadonly) return undefined
    return this.#settle(work, texts)
  }

  #learnIfProved(work: UnitOfWork): void {
    const active = work.active!
    const { id } = active.record
    const awaiting = this.#awaiting.get(id)
    if (awaiting === undefined || work.pending !== undefined || factsOf(active).length === 0) return
    this.#awaiting.delete(id)
    this.#assessor.learn(awaiting.subject, awaiting.judged)
  }

  /** Compares on the latest record; who writes first reports, and whoever comes beside it finds it done. */
  async #settle(work: UnitOfWork, texts: Texts): Promise<void> {
    let signals: readonly Signal[] = []
    const { id, subject } = work.active!.record
    try {
      const isWritten = await work.amend((record) => {
        const compared = this.#compare(record.details.notes?.[NAME], texts)
        signals = compared.signals
        return compared.next && { details: this.#detailsWith(record, compared.next, signals) }
      })
      if (!isWritten) return
    } catch (error) {
      // Seen again at the next request; a sealed cookie that is full never is written.
      if (!isSojournError(error)) throw error
    }
    const fresh = signals.filter(({ name }) => this.#isNews(id, name))
    this.#acting.report(fresh, { sessionId: id, subject })
    await this.#acting.inRequest(this.#acting.actionOf(signals), work)
    const note = work.active?.record.details.notes?.[NAME]
    if (note !== undefined) remember(note, texts)
  }

  #detailsWith(record: SessionRecord, next: SessionNote, signals: readonly Signal[]): SessionRecord['details'] {
    const isDoubted = !this.#acting.isShadow && this.#acting.actionOf(signals) === 'step-up'
    const details = isDoubted ? this.#acting.doubted(record) : record.details
    return { ...details, notes: { ...details.notes, [NAME]: packNote(next) } }
  }

  /** Pure but for clock and hashes. `next` is the note to write; none where it stays as it is. */
  #compare(packed: JsonObject | undefined, texts: Texts): { readonly signals: readonly Signal[]; readonly next?: SessionNote } {
    // It began before the detector was on, or its key has left the ring: what it is now is what it is compared with.
    if (packed === undefined) return { signals: [], next: this.#firstNote(texts) }
    const note = readNote(packed)
    const hash = this.#hashOf(note)
    if (hash === undefined) return { signals: [], next: this.#firstNote(texts) }
    const agent = this.#assessor.clients.agents.read(texts.userAgent)
    const place = this.#placeOf(texts, hash)
    const signals = [agentChanged(note, agent, hash), place && parallelUse(note, place, place.at)]
    let next = place === undefined ? note : withPlace(note, place)
    const isSame =
      agent === undefined ||
      (note.browser === hash(agent.browser) && note.system === hash(agent.os) && note.version === agent.version)
    if (!isSame) next = { ...next, system: hash(agent.os), browser: hash(agent.browser), version: agent.version }
    return { signals: signals.filter((signal) => signal !== undefined), ...(next !== note && { next }) }
  }

  #firstNote(texts: Texts): SessionNote {
    const salt = Buffer.from(this.#service.config.random(SALT_BYTES)).toString('base64url')
    const keyId = this.#newestKeyId
    const hash = this.#hashOf({ keyId, salt })!
    const agent = this.#assessor.clients.agents.read(texts.userAgent)
    const place = this.#placeOf(texts, hash)
    return {
      keyId,
      salt,
      system: agent && hash(agent.os),
      browser: agent && hash(agent.browser),
      version: agent?.version ?? 0,
      places: place === undefined ? [] : [place],
    }
  }

  #placeOf(texts: Texts, hash: (text: string) => string): SeenPlace | undefined {
    const { client } = this.#assessor.clients.read(texts)
    const text = client.asn === undefined ? client.network : `AS${client.asn}`
    if (text === undefined) return undefined
    return {
      key: hash(text),
      country: client.country === undefined ? undefined : hash(client.country),
      at: this.#service.config.clock(),
    }
  }

  #hashOf({ keyId, salt }: Pick<SessionNote, 'keyId' | 'salt'>): ((text: string) => string) | undefined {
    const mac = this.#macs.get(keyId)
    return mac && ((text) => mac.digest(Buffer.from(`${salt}\0${text}`)).toString('base64url', 0, HASH_BYTES))
  }

  #isNews(sessionId: string, name: string): boolean {
    const now = this.#service.config.clock()
    const key = `${sessionId} ${name}`
    if (Math.abs(now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY)) < TOLD_FOR) return false
    if (this.#told.size >= MOST_TOLD) this.#told.clear()
    this.#told.set(key, now)
    return true
  }
}

/** What an adapter's request says, from the session it opened; nothing where no adapter did. */
export function textsOfSession(session: Session<unknown>): Texts {
  if (!(session instanceof Session)) throw misuse('assess: session is none; expected req.session')
  const context = workOf(session).context as Partial<GuardedRequest>
  return { userAgent: context.facts?.header('user-agent'), address: context.clientAddress }
}

function textsOf({ facts, clientAddress }: GuardedRequest): Texts {
  return { userAgent: facts.header('user-agent'), address: clientAddress }
}

function remember(note: JsonObject, texts: Texts): void {
  if ((texts.userAgent?.length ?? 0) + (texts.address?.length ?? 0) <= LONGEST_REMEMBERED) SEEN.set(note, texts)
}
