/** Starting: minting a session, anonymous or signed in, and ending the one it replaces in the same step. */
import { type Acr, type Fact, reaches } from './assurance.ts'
import { ConfigError, SessionStateError } from './errors.ts'
import { clocksFrom } from './expiry.ts'
import { labelsOf } from './labels.ts'
import type { JsonObject } from './patch.ts'
import { indexedLink, type ProviderLink } from './provider-link.ts'
import { type ActiveReading, contended, MOST_ATTEMPTS, type Reading, readAgain } from './reading.ts'
import { encodeRecord, type Notes, type SessionRecord } from './record.ts'
import { keepUntil, policyFor, type Service } from './service.ts'
import { encodeId, hashSecret, newId, newSecret } from './token.ts'

/** What a new session is made of. */
export interface Beginning {
  readonly subject: string | undefined
  readonly facts: readonly Fact[]
  readonly isPersistent: boolean
  /** As in `Details`. */
  readonly due?: Acr | undefined
  readonly provider?: ProviderLink | undefined
  readonly device: string | undefined
  readonly network: string | undefined
  readonly notes: Notes | undefined
  /** The data it starts with, computed anew each time the replaced session changed meanwhile. */
  readonly dataFrom: (replaced: ActiveReading | undefined) => JsonObject
}

/**
 * Creates a session; the one it replaces ends in the same step, so that no token of before survives (session fixation) and no
 * write of before is lost.
 *
 * @throws {SessionStateError} `ERR_SESSION_LIMIT` - the subject has as many sessions as the policy allows; status 409.
 * `ERR_SIGN_IN_SEVERED` - the provider has ended the login it is to come of; status 401.
 */
export async function startSession(
  service: Service,
  beginning: Beginning,
  replaced: ActiveReading | undefined,
  signal: AbortSignal | undefined,
): Promise<ActiveReading> {
  const { config, calls, events } = service
  const { limit } = config.policy
  const isLimited = limit !== undefined && beginning.subject !== undefined
  // A store without the index keeps the session all the same; only a provider's logout cannot find it.
  const isIndexed = beginning.provider !== undefined && config.store.capabilities.revokesLinked === true
  const link = isIndexed ? indexedLink(beginning.provider!) : undefined
  const labels = config.store.capabilities.queries === true ? labelsOf(beginning) : undefined
  let previous = replaced
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const now = config.clock()
    const { record, secret } = newRecord(service, beginning, previous, now)
    service.carrier?.assertFits(record)
    const encoded = encodeRecord(record, config.keyring)
    const outcome = await calls.create(labels ? { ...encoded, labels } : encoded, {
      now,
      signal,
      ...(previous && { replaces: replacement(service, previous.record, now) }),
      ...(link && { link }),
      ...(isLimited && limit.onExceeded !== 'allow' && { limit: { max: limit.max, onExceeded: limit.onExceeded } }),
    })
    if (outcome.kind === 'created') {
      const { id: sessionId, subject } = record
      for (const id of outcome.evicted) events.emit({ type: 'session.revoked', sessionId: id, subject, reason: 'evicted' })
      if (outcome.evicted.length > 0)
        events.emit({ type: 'subject.limit-exceeded', subject, limit: limit!.max, outcome: 'evicted' })
      if (isLimited && limit.onExceeded === 'allow') void reportExcess(service, record.subject!, limit.max)
      const methods = beginning.facts.map((fact) => fact.method)
      const { due, facts } = beginning
      const provider = beginning.provider?.issuer
      const pending = due === undefined || reaches(facts, due) ? undefined : due
      const replacedSessionId = previous?.record.id
      events.emit({ type: 'session.started', sessionId, subject, methods, pending, provider, replacedSessionId })
      service.afterCreate()
      const started = { ...record, epoch: outcome.epoch }
      const token = {
        id: sessionId,
        secret,
        ...(service.carrier && { carried: { ...encoded, version: 1, epoch: outcome.epoch } }),
      }
      return {
        state: 'active',
        token,
        record: started,
        judgement: { kind: 'current' },
      }
    }
    if (outcome.kind === 'severed') {
      throw new SessionStateError('The provider has ended the login that this session was to start from; sign in there anew.', {
        code: 'ERR_SIGN_IN_SEVERED',
        status: 401,
      })
    }
    if (outcome.kind === 'limit') {
      events.emit({ type: 'subject.limit-exceeded', subject: beginning.subject, limit: limit!.max, outcome: 'rejected' })
      throw new SessionStateError('The subject has as many sessions as the policy allows; end one of them first.', {
        code: 'ERR_SESSION_LIMIT',
        status: 409,
      })
    }
    if (outcome.kind === 'conflict' && previous !== undefined) {
      const reading: Reading = await readAgain(service, previous, signal)
      previous = reading.state === 'active' ? reading : undefined
    }
  }
  throw contended()
}

function replacement(service: Service, record: SessionRecord, now: number) {
  return { id: record.id, version: record.version, reason: 'replaced', keepUntil: keepUntil(service, now, record) }
}

function newRecord(service: Service, beginning: Beginning, replaced: ActiveReading | undefined, now: number) {
  const { config, codec, vault } = service
  const { subject, isPersistent, device, network, notes, facts, due, provider } = beginning
  const idBytes = newId(config.random, subject)
  const secret = newSecret(config.random)
  const identity = { subject, isPersistent, details: { facts, device, network, notes, due, provider } }
  const data = beginning.dataFrom(replaced)
  const record: SessionRecord = {
    ...identity,
    ...clocksFrom(now, policyFor(service, identity)),
    id: encodeId(idBytes),
    idBytes,
    version: 1,
    epoch: 0,
    currentHash: hashSecret(secret),
    generationAt: now,
    confirmedAt: undefined,
    lineage: [],
    startedAt: now,
    sealedData: Object.keys(data).length === 0 ? new Uint8Array(0) : vault.seal(codec.encode(data), idBytes),
  }
  return { record, secret }
}

async function reportExcess(service: Service, subject: string, limit: number): Promise<void> {
  try {
    const now = service.config.clock()
    const live = (await service.calls.list(subject)).filter((record) => record.deadline > now)
    if (live.length > limit) service.events.emit({ type: 'subject.limit-exceeded', subject, limit, outcome: 'allowed' })
  } catch {
    // The failed call has reported itself; the sign-in went well.
  }
}

const MOST_SUBJECT_BYTES = 1024

/**
 * Makes sure a subject can be told apart from every other.
 *
 * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - not a string, empty, over 1,024 bytes, or with half a surrogate pair: UTF-8 would
 * write every such half alike, and two subjects would share their sessions.
 */
export function checkSubject(subject: unknown): asserts subject is string {
  const problem = problemOf(subject)
  if (problem === undefined) return
  throw new ConfigError(
    `subject is ${problem}; expected a stable, non-empty string that names one person. See docs/guide/sign-in.md.`,
    {
      code: 'ERR_ARGUMENT_INVALID',
    },
  )
}

/** Whether a session can be this subject's. */
export function isSubject(subject: unknown): subject is string {
  return problemOf(subject) === undefined
}

function problemOf(subject: unknown): string | undefined {
  return typeof subject !== 'string'
    ? `a value of type ${typeof subject}`
    : subject === ''
      ? 'empty'
      : !subject.isWellFormed()
        ? 'not well-formed Unicode'
        : Buffer.byteLength(subject) > MOST_SUBJECT_BYTES
          ? `over ${MOST_SUBJECT_BYTES} bytes`
          : undefined
}
