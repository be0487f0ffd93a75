import type { StandardSchemaV1 } from '@standard-schema/spec'
import { createCarrier, plainVault } from './carrying.ts'
import type { Clock } from './clock.ts'
import { resolveConfig, type SessionsOptions } from './config.ts'
import { createDataCodec } from './data.ts'
import { createEvents, type Events } from './events.ts'
import { EXPIRED_KEPT_FOR } from './expiry.ts'
import { type SessionSummary, summarise } from './listing.ts'
import { describePolicy, type PolicyReport } from './policy-report.ts'
import { checkLogout, checkLogoutInstant, LONGEST_SIGN_IN, linkKeyOfLogout, type ProviderLogout } from './provider-link.ts'
import { parseOrOpen, readToken } from './reading.ts'
import { decodeCarried } from './record.ts'
import { rememberingDecoder } from './record-memo.ts'
import { createVault } from './sealed-data.ts'
import {
  countSessions,
  type FoundSessions,
  querySessions,
  type RevokedMatching,
  revokeMatchingSessions,
  type SessionFilter,
} from './searching.ts'
import { keepUntil, registerService, type Service } from './service.ts'
import { Session, type SignInOptions } from './session.ts'
import { checkSubject } from './starting.ts'
import type { RecordCount } from './store.ts'
import { cannotEnd, cannotTellWhose, storeCalls } from './store-calls.ts'
import { isSessionId } from './token.ts'
import { rememberingParser } from './token-memo.ts'
import { checkReason, misuse, type ReadContext } from './unit-of-work.ts'

/** Why and by whom a session is ended. */
export interface RevokeReason {
  /** Machine word kept in the tombstone and the event. Default `revoked`. Never a personal datum. */
  readonly reason?: string
  /** Who did it, for the audit entry: an administrator's subject, or the name of a job. */
  readonly actor?: string
}

/** The session service. Framework adapters take it; scripts and jobs call it directly. */
export interface Sessions<Data = Record<string, unknown>> {
  /**
   * Finds and judges the session of a token. At most one round trip to the store and no write, but for the one that confirms a
   * token right after its rotation.
   *
   * @param token - The cookie's value; `undefined` or empty for a visitor without one. Any string is fine, hostile ones included.
   * @returns A session whose `state` says what the token was. Only `active` has an `id` and perhaps a `subject`.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - whether anybody is signed in is not known. Answer 503, never "signed out".
   * @example
   * const session = await sessions.read(token)
   * if (session.subject === undefined) return unauthorised()
   */
  read(token: string | undefined, context?: ReadContext): Promise<Session<Data>>

  /**
   * The same as `read`, but without a promise where the store answered without one, as `memory` and `sqlite` do: a request that need not
   * wait does not. Adapters use it. It fails by rejection only.
   */
  open(token: string | undefined, context?: ReadContext): Session<Data> | Promise<Session<Data>>

  /**
   * Gives the session of a visitor who brought no token, without waiting and without a store. Adapters use it for the request
   * without a cookie; nothing is stored or set until data is written or somebody signs in.
   */
  anonymous(context?: ReadContext): Session<Data>

  /** Starts an anonymous session at once; writing to `session.data` does so by itself at `commit()`. */
  start(options?: { readonly data?: Data; readonly context?: ReadContext }): Promise<Session<Data>>

  /** Starts a session for a subject where there is none to replace: a job, a test, a device that brought no cookie. */
  signIn(options: SignInOptions<Data>, context?: ReadContext): Promise<Session<Data>>

  /** The same as `session.signOut()`. */
  signOut(session: Session<Data>): Promise<void>
  /** The same as `session.touch()`. */
  touch(session: Session<Data>): Promise<void>
  /** The same as `session.rotate(options)`. */
  rotate(session: Session<Data>, options?: Parameters<Session['rotate']>[0]): Promise<void>
  /** The same as `session.revokeOthers(options)`. */
  revokeOthers(session: Session<Data>, options?: { readonly reason?: string }): Promise<number | undefined>

  /**
   * Ends a session by its public id, at once and for good.
   *
   * @param options.subject - End it only if it is this subject's. Give it wherever the id comes from a request, or anybody ends anybody's.
   * @returns `true` if this call ended it; `false` if it had ended, never was, or is another subject's. Sealed cookies cannot tell whether
   * it ever was.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may still be alive. `ERR_STORE_UNSUPPORTED` - `subject` was given, and sealed
   * cookies cannot tell whose session an id is; or they have no ledger to remember it in.
   */
  revoke(id: string, options?: RevokeReason & { readonly subject?: string }): Promise<boolean>

  /**
   * Ends every session of a subject in one atomic step: an account was disabled, a password reset. ASVS 5.0, 7.4.2.
   *
   * @param options.except - Id of one session to spare.
   * @returns How many it ended; `undefined` with a store that cannot count them (memcached, sealed cookies).
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - they may still be alive. `ERR_STORE_UNSUPPORTED` - sealed cookies without a ledger.
   */
  revokeSubject(subject: string, options?: RevokeReason & { readonly except?: string }): Promise<number | undefined>

  /**
   * Ends the sessions that came of a login at an OpenID Provider, because the provider says that the login ended: with a `sid` those of that
   * login, without one those of the person at that provider. One atomic step; a sign-in from that login that is still on its way is refused.
   * Check the logout token first: `relyingParty` of `sojourn/oidc` does.
   *
   * @param logout - `issuer`, and `sid` or `subject` or both, as the provider says; with both, only what matches both ends.
   * @param options.at - When the provider said so (`iat` of the logout token), in epoch milliseconds: sessions of a later ID token stay.
   *   Default now.
   * @param options.isRemembered - Whether a sign-in from that login that comes later is refused, for a day. Default `true`. Give `false` where nobody has
   *   proved that the provider said so, as in a front-channel logout: each one that is remembered takes room, and whoever invents them fills the store.
   * @param options.reason - As in `RevokeReason`; default `provider-logout`.
   * @returns How many it ended. Again ends none, and does no harm.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a part of the logout is no well-formed, non-empty string of at most 1,024 bytes, or `at`
   * is not within the last year.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - they may still be alive; call it again. `ERR_STORE_UNSUPPORTED` - the store finds no
   * sessions by provider (memcached, sealed cookies): `store.capabilities.revokesLinked` says so.
   * @see OpenID Connect Back-Channel Logout 1.0, 2.7
   * @example
   * await sessions.revokeLinked({ issuer: 'https://login.example', sid: 'f9a1' })
   */
  revokeLinked(
    logout: ProviderLogout,
    options?: RevokeReason & { readonly at?: number | undefined; readonly isRemembered?: boolean },
  ): Promise<number>

  /**
   * Every live session of a subject, oldest first.
   *
   * @throws {StoreError} `ERR_STORE_UNSUPPORTED` - the store cannot (memcached, sealed cookies): `store.capabilities.listsSubjects` says so.
   */
  list(subject: string): Promise<SessionSummary[]>

  /**
   * Searches all sessions, a page at a time, in the order they started. For operators: it shows everybody's, so ask who asks first.
   *
   * A page is found in bounded work, so it may be short, or empty, although more follows: only one without `next` is the last. From page to page
   * no session comes twice, and none is missed that was there all the time, whatever is written meanwhile.
   *
   * @param filter - See `SessionFilter`; nothing given finds all. States go by the deadlines that are stored; a policy that was made stricter since
   *   shows a session as `expired` among the `live` ones.
   * @param options.cursor - `next` of the page before, with the same filter.
   * @param options.limit - Most sessions of the page, 1 to 500. Default 50.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - the filter, the limit or the cursor is none; status 400, since they come from an address bar.
   * @throws {StoreError} `ERR_STORE_UNSUPPORTED` - the store cannot search (redis, memcached, sealed cookies): `store.capabilities.queries`
   *   says so. `ERR_STORE_UNAVAILABLE` - it did not answer.
   * @example
   * const { sessions: found, next } = await sessions.query({ network: '203.0.113.0/24', state: 'live' })
   */
  query(
    filter?: SessionFilter,
    options?: { readonly cursor?: string | undefined; readonly limit?: number },
  ): Promise<FoundSessions>

  /**
   * How many sessions match, for showing before they are ended.
   *
   * @param options.most - Counts no further, 1 to 1,000,000. Default 1,000. Counting a million takes seconds, in small steps.
   * @returns The count; with `isAtLeast` there may be more.
   * @throws As `query`.
   * @example
   * const { count, isAtLeast } = await sessions.count({ subject: 'ada', state: 'live' })
   */
  count(filter: SessionFilter, options?: { readonly most?: number }): Promise<RecordCount>

  /**
   * Ends the live sessions that match, newest first, one after the other: an attacker's network, a lost fleet of devices, everybody.
   *
   * Not one step: each session ends at once and for good, and one that starts while this runs may be missed. If it fails half-way, what has ended
   * stays so; call it again. To end all of one person's, `revokeSubject` is one step and misses none.
   *
   * @param filter - As for `query`, of live sessions. `{}` is everybody. A criterion that is there and `undefined` is refused: it would end more than
   *   is meant.
   * @param options.most - Ends no more than this, 1 to 100,000. Default 1,000.
   * @throws As `query`; and `ERR_ARGUMENT_INVALID` for a reason that is no machine word.
   * @example
   * await sessions.revokeMatching({ network: '203.0.113.0/24' }, { reason: 'attack', actor: 'root-librarian' })
   */
  revokeMatching(filter: SessionFilter, options?: RevokeReason & { readonly most?: number }): Promise<RevokedMatching>

  /**
   * Removes what is past its deadline, in bounded steps. Happens by itself in passing; call it from a job on sites where few sessions start.
   *
   * @param options.limit - At most this many rows, 1 to 10,000. Default 1,000.
   * @returns How many were removed; less than `limit` means done.
   */
  purge(options?: { readonly limit?: number }): Promise<number>

  /** What is in force, where it deviates from its preset and why. */
  describePolicy(): PolicyReport

  /** Whether a key of the ring made this token: by CPU alone, no store. Adapters use it to choose among cookies of one name. */
  recognises(token: string): boolean

  /** What happened. */
  readonly events: Events

  /** The clock it was given; adapters count a cookie's remaining seconds with it. */
  readonly clock: Clock
}

const PURGED_IN_PASSING = 1000

/**
 * Makes the session service of an application.
 *
 * @param options - See `SessionsOptions`; `store` and `keys` are required.
 * @throws {ConfigError} `ERR_CONFIG_INVALID`, `ERR_KEYS_INVALID`, `ERR_POLICY_UNJUSTIFIED` - at start-up, with what was given and what was expected.
 * @example
 * const sessions = createSessions({ store: sqliteStore('sessions.db'), keys: process.env.SESSION_KEYS })
 */
export function createSessions<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown, Record<string, unknown>>>(
  options: SessionsOptions<Schema>,
): Sessions<StandardSchemaV1.InferOutput<Schema>> {
  type Data = StandardSchemaV1.InferOutput<Schema>
  const config = resolveConfig(options as SessionsOptions<StandardSchemaV1>)
  const { clock, store } = config
  const codec = createDataCodec({ ...options, maxDataBytes: config.maxDataBytes })
  const events = createEvents(clock)
  const random = () => config.random(1)[0]! / 255
  const calls = storeCalls(store, { timeout: config.storeTimeout, circuitBreaker: config.circuitBreaker, random, events })
  if (options.onEvent !== undefined) events.on('*', options.onEvent)

  let lastPurgeAt = clock()
  const { carries } = store.capabilities
  const { keyring } = config
  const service: Service = {
    config,
    calls,
    events,
    codec,
    carrier: carries && createCarrier(keyring, config.random, carries),
    vault: carries ? plainVault : createVault(keyring, config.random),
    parse: rememberingParser(keyring),
    decode: carries ? decodeCarried : rememberingDecoder(keyring),
    opened: new WeakMap(),
    afterCreate: purgeIfDue,
  }

  function purgeIfDue(): void {
    const now = clock()
    if (config.purgeInterval === 0 || Math.abs(now - lastPurgeAt) < config.purgeInterval) return
    lastPurgeAt = now
    // A failed call reports itself; the next one tries again.
    purge(PURGED_IN_PASSING).catch(() => {})
  }

  function purge(limit: number): Promise<number> {
    return calls.purge({ before: clock() - EXPIRED_KEPT_FOR, limit })
  }

  const anonymous = (context: ReadContext = {}) => new Session<Data>(service, { state: 'absent' }, context)

  function open(token: string | undefined, context: ReadContext = {}): Session<Data> | Promise<Session<Data>> {
    if (token === undefined || token === '') return anonymous(context)
    try {
      const reading = readToken(service, token, context)
      return reading instanceof Promise
        ? reading.then((settled) => new Session<Data>(service, settled, context))
        : new Session<Data>(service, reading, context)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  const sessions: Sessions<Data> = {
    events,
    clock,
    anonymous,
    open,
    async read(token, context) {
      return open(token, context)
    },
    async start({ data, context } = {}) {
      const session = anonymous(context)
      await session.update((fresh) => {
        Object.assign(fresh as object, data)
      })
      return session
    },
    async signIn(signInOptions, context) {
      const session = anonymous(context)
      await session.signIn(signInOptions)
      return session
    },
    signOut: (session) => session.signOut(),
    touch: (session) => session.touch(),
    rotate: (session, rotateOptions) => session.rotate(rotateOptions),
    revokeOthers: (session, revokeOptions) => session.revokeOthers(revokeOptions),

    async revoke(id, revokeOptions = {}) {
      const { reason = 'revoked', actor, subject } = revokeOptions
      checkReason(reason)
      if (!isSessionId(id)) return false
      // Asked for, even as `undefined`: that is a visitor who has no subject, and ends nobody's session.
      const isOwnersOnly = 'subject' in revokeOptions
      if (carries && !store.capabilities.revokesSubjects) throw cannotEnd(store.name)
      if (carries && isOwnersOnly) throw cannotTellWhose(store.name)
      const found = carries ? undefined : await calls.read(id)
      if (!carries && found?.kind !== 'record') return false
      const owner = found?.kind === 'record' ? found.record.subject : undefined
      if (isOwnersOnly && (subject === undefined || owner !== subject)) return false
      const now = clock()
      const isEnded = await calls.revoke(id, { reason, now, keepUntil: keepUntil(service, now) })
      if (isEnded) events.emit({ type: 'session.revoked', sessionId: id, subject: owner, reason, actor })
      return isEnded
    },
    async revokeSubject(subject, { reason = 'revoked', actor, except } = {}) {
      checkSubject(subject)
      checkReason(reason)
      const now = clock()
      const count = await calls.revokeSubject(subject, { reason, now, except, keepUntil: keepUntil(service, now) })
      events.emit({ type: 'subject.revoked', subject, count, reason, actor })
      return count
    },
    async revokeLinked(logout, { at, reason = 'provider-logout', actor, isRemembered = true } = {}) {
      checkLogout(logout)
      checkReason(reason)
      const now = clock()
      const saidAt = at ?? now
      checkLogoutInstant(saidAt, now)
      // Longer than a sign-in of before it may take: whoever comes later is refused for the age of the login.
      const keepUntil = isRemembered ? Math.max(now, saidAt) + LONGEST_SIGN_IN : undefined
      const ended = await calls.revokeLinked(linkKeyOfLogout(logout), { now, at: saidAt, reason, keepUntil })
      for (const { id, subject } of ended) events.emit({ type: 'session.revoked', sessionId: id, subject, reason, actor })
      return ended.length
    },
    async list(subject) {
      checkSubject(subject)
      return summarise(service, await calls.list(subject))
    },
    query: (filter = {}, queryOptions = {}) => querySessions(service, filter, queryOptions),
    count: (filter, { most = 1000 } = {}) => countSessions(service, filter, most),
    async revokeMatching(filter, { reason = 'revoked', actor, most = 1000 } = {}) {
      checkReason(reason)
      return revokeMatchingSessions(service, filter, { reason, actor, most })
    },
    async purge({ limit = 1000 } = {}) {
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000)
        throw misuse('limit is not a whole number from 1 to 10,000; purge works in bounded steps')
      return purge(limit)
    },
    describePolicy: () => describePolicy(config, options.policyFor !== undefined),
    recognises: (token) => typeof parseOrOpen(service, token) !== 'string',
  }
  registerService(sessions, service)
  return sessions
}
