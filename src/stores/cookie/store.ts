import type {
  CarryingOptions,
  Channel,
  CreateOptions,
  CreateOutcome,
  Ledger,
  NewRecord,
  PurgeOptions,
  ReadOptions,
  ReadOutcome,
  RecordChanges,
  RevokeOptions,
  RevokeSubjectOptions,
  Store,
  StoreCapabilities,
  StoredRecord,
  UpdateOptions,
  UpdateOutcome,
} from '../../core/store.ts'
import { abortedError, throwIfAborted } from '../internal/abort.ts'
import { EndedSessions } from './ended-sessions.ts'
import { noChannel, noLedger, unsupported } from './unsupported.ts'

/** How long a revocation is remembered where the caller does not know: no session may last longer. */
const LONGEST_SESSION = 366 * 86_400_000

/** The store contract where core carries the records: it says of each whether it still holds, and remembers what was ended. */
export class CookieStore implements Store {
  readonly name = 'cookie'
  readonly capabilities: StoreCapabilities
  readonly ledger: Ledger
  readonly channel: Channel
  readonly #ended: EndedSessions | undefined
  readonly #beneath: Store | undefined

  constructor(beneath: Store | undefined, carries: CarryingOptions) {
    this.#beneath = beneath
    this.#ended = beneath && new EndedSessions(beneath.ledger)
    this.ledger = beneath?.ledger ?? noLedger
    this.channel = beneath?.channel ?? noChannel
    this.capabilities = {
      listsSubjects: false,
      revokesSubjects: beneath !== undefined,
      limitsSubjects: false,
      durableRevocation: beneath?.capabilities.durableRevocation ?? false,
      isLocal: beneath?.capabilities.isLocal ?? true,
      purgesItself: beneath === undefined || beneath.capabilities.purgesItself === true,
      carries,
      cautions: cautionsOf(beneath),
    }
  }

  async create(record: NewRecord, { now, replaces, signal }: CreateOptions): Promise<CreateOutcome> {
    throwIfAborted(signal)
    if (this.#ended === undefined) return { kind: 'created', epoch: 0, evicted: [] }
    // Whoever ends all of the subject's sessions from here on ends this one too: its stamp is then not the present one.
    const epoch = await this.#ended.epochOf(record.subject, signal)
    if (replaces !== undefined) {
      const { id, reason, keepUntil = now + LONGEST_SESSION } = replaces
      const isFirst = await this.#ended.end(id, { now, reason, keepUntil, signal })
      if (!isFirst) return { kind: 'conflict' }
    }
    return { kind: 'created', epoch, evicted: [] }
  }

  // Without a ledger there is nobody to wait for: it is the path of every request.
  read(id: string, options: ReadOptions = {}): ReadOutcome | undefined | Promise<ReadOutcome | undefined> {
    const { carried, signal } = options
    if (signal?.aborted) return Promise.reject(abortedError(signal))
    if (carried === undefined || carried.id !== id) return undefined
    return this.#ended === undefined
      ? { kind: 'record', record: carried, subjectEpoch: carried.epoch }
      : this.#ended.outcomeFor(carried, signal)
  }

  async update(id: string, _version: number, _changes: RecordChanges, options: UpdateOptions = {}): Promise<UpdateOutcome> {
    // What ended while the request ran stays ended: a new cookie would bring it back.
    const outcome = await this.read(id, options)
    return outcome?.kind === 'record' ? 'updated' : 'gone'
  }

  async revoke(id: string, options: RevokeOptions): Promise<boolean> {
    const { now, keepUntil = now + LONGEST_SESSION } = options
    throwIfAborted(options.signal)
    return this.#ended === undefined ? true : this.#ended.end(id, { ...options, keepUntil })
  }

  async revokeSubject(subject: string, options: RevokeSubjectOptions): Promise<undefined> {
    const { now, keepUntil = now + LONGEST_SESSION } = options
    throwIfAborted(options.signal)
    if (this.#ended === undefined) throw unsupported('end the sessions of a subject without a ledger')
    await this.#ended.endSubject(subject, { ...options, keepUntil })
  }

  async list(): Promise<readonly StoredRecord[]> {
    throw unsupported("list a subject's sessions")
  }

  async purge(options: PurgeOptions): Promise<number> {
    return (await this.#beneath?.purge(options)) ?? 0
  }

  async close(): Promise<void> {
    await this.#beneath?.close()
  }
}

function cautionsOf(beneath: Store | undefined): readonly string[] {
  const always = [
    'Sealed cookies: when two answers to parallel requests change the session, be it by recording activity, the later cookie wins and the other change is lost.',
    'Sealed cookies: an earlier cookie of a session that lives can be put back, by its owner too, with its earlier data and authority; a stolen and renewed token is not noticed.',
  ]
  if (beneath !== undefined) return always
  return [
    'Sealed cookies without a ledger: signing out only removes the cookie from that browser, and a slow answer may put it back; a copy of it stays signed in until its deadline.',
    'Sealed cookies without a ledger: `revoke`, `revokeSubject` and `revokeOthers` are refused, so that no session can be ended for somebody else.',
    ...always,
  ]
}
