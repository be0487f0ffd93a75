/**
 * Anomaly detection, self-hosted and explained: how unlike this person a sign-in looks, rules with names for what is known to be wrong, and a detector for what
 * no rule names. What is found becomes an event, and what your policy says is done about it.
 */
import type { SojournEvent } from '../core/events.ts'
import type { JsonObject } from '../core/patch.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { checkSubject } from '../core/starting.ts'
import { ledgerCalls } from '../core/store-calls.ts'
import { isSessionId } from '../core/token.ts'
import { misuse } from '../core/unit-of-work.ts'
import { Acting } from './anomalies/acting.ts'
import { Assessor } from './anomalies/assessing.ts'
import { Behaviour, defaultBehaviour } from './anomalies/behaviour.ts'
import { AnomalyGuard, type GuardedRequest, textsOfSession } from './anomalies/guard.ts'
import { type AnomalyOptions, type Assessment, type SignInAttempt, whole } from './anomalies/options.ts'
import { PlaceFinder } from './anomalies/places.ts'
import { invalid, resolvePolicy } from './anomalies/policy.ts'
import { Floods } from './anomalies/rules/floods.ts'

export type { BehaviourScale } from './anomalies/behaviour.ts'
export type { AnomalyOptions, Assessment, SignInAttempt } from './anomalies/options.ts'
export type { GeoDatabases, GeoReader } from './anomalies/places.ts'
export { type AnomalyPolicy, defaultPolicy, type PolicyRule } from './anomalies/policy.ts'
export { type ReplayOptions, type ReplayReport, replay } from './anomalies/replay.ts'

import type { Signal } from './anomalies/signal.ts'

export type { Action, Feature, Signal, SignalName } from './anomalies/signal.ts'

/** A detector for one session service; a guard for its adapters at the same time: `guards: [anomalies]`. */
export interface AnomalyDetection {
  /**
   * Judges a sign-in before its session starts. Call it in your login route once the password was right, before `signIn`, and do what `action` says: for `step-up` ask for a second
   * factor (`signIn` with `due: 'aal2'`), for `revoke` refuse. The guard then takes it as dealt with; it learns from the sign-in when its session has reached what is due.
   *
   * A route that does not ask is judged all the same, a moment after its session started; until then the session acts.
   *
   * @param attempt.session - `req.session`, for the address and user agent that its adapter found; or give `address` and `userAgent` yourself. What is no address says nothing, and neither
   * does `undefined`.
   * @returns Score, signals with their reasons, and the action; nothing but `shared-address` for a person who never signed in before.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - `subject` is no well-formed, non-empty string of at most 1,024 bytes, or `at` no instant.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - the ledger is away; the sign-in itself may still work, and you decide whether it may.
   * @see Freeman et al., "Who Are You?", NDSS 2016; NIST SP 800-63B-4, 3.2.2
   * @example
   * const { action } = await anomalies.assess({ subject: user.id, session: req.session })
   * await req.session.signIn({ subject: user.id, method: 'pwd', ...(action === 'step-up' && { due: 'aal2' }) })
   */
  assess(attempt: SignInAttempt): Promise<Assessment>

  /**
   * Tells how a session behaves, as often as you count it: once a minute, say, for those that were used. What few sessions do becomes the signal `unusual-behaviour`, and
   * your policy's action is carried out. Until 500 observations were made it only learns. Each process knows what it was told itself.
   *
   * @param sessionId - Its public id.
   * @param features - A number from 0 on for each that the option `behaviour` names.
   * @returns The signal, whatever its score.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - a feature is missing or no such number, or `sessionId` is none.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - what the policy asks for could not be done.
   * @see Tan, Ting and Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011
   * @example
   * await anomalies.observe(session.id, { requestsPerMinute: 240, errorShare: 0.6, distinctRoutes: 90, nightShare: 1 })
   */
  observe(sessionId: string, features: Readonly<Record<string, number>>): Promise<Signal>

  /**
   * Forgets a person: profile, hours, places. Call it when an account is deleted.
   *
   * @returns Whether anything was known.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may still be there; call it again.
   */
  forget(subject: string): Promise<boolean>

  /** Resolves when every sign-in so far has been judged and learnt. For tests. */
  drained(): Promise<void>

  /**
   * Finishes what waits and writes this process's counts; then it listens no more. Call it before the process ends, or the last two minutes' counts are lost.
   *
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
   */
  close(): Promise<void>

  /** Under which the guard's notes are kept with each session. */
  readonly name: string
  /** For adapters. @throws {ConfigError} `ERR_CONFIG_INVALID` - it serves other sessions. */
  attach(http: { readonly sessions: { readonly events: unknown } }): void
  /** For adapters. */
  notesAtStart(request: GuardedRequest, subject: string | undefined): JsonObject | undefined
  /** For adapters. */
  inspect(session: Session<unknown>, request: GuardedRequest): void | Promise<void>
  /** For adapters. */
  respond(session: Session<unknown>, request: GuardedRequest, target: unknown, hasStarted: boolean): void
}

/**
 * Makes a detector for a session service.
 *
 * Start in shadow mode: for some weeks it learns who people are. It needs `bowser`, and `mmdb-lib` for databases given as files.
 *
 * @param sessions - What `createSessions` gave.
 * @param options - See `AnomalyOptions`; safe without any.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - a policy, bound or database that cannot be; a store that keeps nothing, without `ledger`; a package that is missing, by name.
 * `ERR_ARGUMENT_INVALID` - `sessions` is not what `createSessions` gave.
 * @see ASVS 5.0, 6.3.5; OWASP Session Management Cheat Sheet, "Session Attacks Detection"
 * @example
 * const anomalies = anomalyDetection(sessions, { geo: { asn: 'GeoLite2-ASN.mmdb', city: 'GeoLite2-City.mmdb' }, shadow: true })
 * app.use(expressSession(sessions, { guards: [anomalies] }))
 */
export function anomalyDetection<Data>(sessions: Sessions<Data>, options: AnomalyOptions = {}): AnomalyDetection {
  const service = serviceOf(sessions)
  if (typeof options !== 'object' || options === null) throw invalid('the second argument', 'an object of options')
  const { config, events } = service
  const { shadow = false, ledger: store = config.store } = options
  if (typeof shadow !== 'boolean') throw invalid('shadow', 'true or false')
  if (typeof store?.ledger?.claim !== 'function' || store.capabilities.carries !== undefined)
    throw invalid(
      'ledger',
      'a store that keeps what it is given, such as sqliteStore("ledger.db"): profiles of people live there',
    )
  const policy = resolvePolicy(options.policy)
  const calls = {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => config.random(1)[0]! / 255,
    events,
  }
  const acting = new Acting(sessions as unknown as Sessions<unknown>, service, policy, shadow)
  const assessor = new Assessor(service, ledgerCalls(store, calls), acting, {
    places: new PlaceFinder(options.geo),
    mostAccounts: whole('mostAccounts', options.mostAccounts, 20, 2, 10_000),
    mostNames: whole('mostNames', options.mostNames, 24_000, 1000, 90_000),
  })
  const guard = new AnomalyGuard(service, assessor, acting)
  const floods = new Floods()
  const behaviour = new Behaviour(options.behaviour ?? defaultBehaviour, calls.random)
  const stop = events.on('*', (event: SojournEvent) => {
    const signal = floods.see(event)
    if (signal !== undefined) return acting.byId([signal], { sessionId: event.sessionId, subject: event.subject })
    return undefined
  })

  async function drained(): Promise<void> {
    await Promise.all(guard.running)
    await assessor.learnt()
  }

  return Object.assign(guard, {
    async assess(attempt: SignInAttempt) {
      checkSubject(attempt?.subject)
      const { at } = attempt
      if (at !== undefined && !(Number.isFinite(at) && at >= 0))
        throw misuse('assess: `at` is no instant; expected epoch milliseconds')
      return assessor.assess(attempt.session === undefined ? attempt : { ...textsOfSession(attempt.session), ...attempt })
    },
    async observe(sessionId: string, features: Readonly<Record<string, number>>) {
      if (!isSessionId(sessionId)) throw misuse('observe: sessionId is no public id of a session')
      const signal = behaviour.observe(features)
      await acting.byId([signal], { sessionId })
      return signal
    },
    async forget(subject: string) {
      checkSubject(subject)
      return assessor.forget(subject)
    },
    drained,
    async close() {
      stop()
      await drained()
      await assessor.flush()
    },
  })
}
