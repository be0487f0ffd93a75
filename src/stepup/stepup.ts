/** The entry `sojourn/stepup`: what people prove themselves with beyond a password, and what an application may ask of it. */
import type { Acr } from '../core/assurance.ts'
import { serviceOf } from '../core/service.ts'
import type { Session, SignInOptions } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { checkSubject } from '../core/starting.ts'
import { ledgerCalls, type StoreCallOptions } from '../core/store-calls.ts'
import { exchangeOf } from '../http/exchange.ts'
import type { RequestGuard } from '../http/request-guard.ts'
import { type Approvals, makeApprovals } from './approvals.ts'
import type { StepUpContext } from './context.ts'
import { requireEnrolling, whoseOf } from './enrolling.ts'
import { factorCalls } from './factor-calls.ts'
import type { FactorKind, StoredFactor } from './factor-store.ts'
import { FactorVault } from './factor-vault.ts'
import { makeGuard } from './guard.ts'
import { KnownClients } from './known-client.ts'
import { type FactorSummary, invalid, resolveOptions, type StepUpOptions } from './options.ts'
import type { Refusal } from './outcome.ts'
import { makePasskeys, type Passkeys, type RegistrationResult } from './passkeys.ts'
import { makeRecovery, type Recovery } from './recovery.ts'
import { LedgerThrottle, type Throttle } from './throttle.ts'
import { resolveTotp } from './totp/options.ts'
import { makeTotp, type Totp, type TotpSuccess } from './totp.ts'

export type { RequestGuard } from '../http/request-guard.ts'
export type { ApprovalRequest, Approvals, Operation, PendingApproval } from './approvals.ts'
export type { FactorChanges, FactorKind, FactorStore, StoredFactor } from './factor-store.ts'
export type { FactorSummary, StepUpOptions, StepUpPages, ThrottleOptions } from './options.ts'
export type { Refusal, RefusalReason } from './outcome.ts'
export type {
  AcceptedPasskeys,
  AssertionOptionsJson,
  PasskeyOptions,
  PasskeyRefusal,
  PasskeyResult,
  PasskeySignIn,
  PasskeySummary,
  Passkeys,
  RegistrationOptionsJson,
  RegistrationResult,
} from './passkeys.ts'
export type { Recovery, RecoveryStatus, RecoverySuccess } from './recovery.ts'
export type { Throttle, ThrottleVerdict } from './throttle.ts'
export type { TotpOptions } from './totp/options.ts'
export type { Totp, TotpEnrolment, TotpSuccess } from './totp.ts'

/** What a change of factors leaves to be said to the person. */
export interface FactorChange {
  /** Whether the person may have other sessions: offer to end them, by `session.revokeOthers()` (ASVS 5.0, 7.4.3). `false` where `onFactorChange: 'end'` has. */
  readonly others: boolean
}

/** The parts that change factors say so. */
export interface TotpPart extends Omit<Totp, 'confirm'> {
  /** As `Totp.confirm`; with it, whether to offer to end the other sessions. */
  confirm(...given: Parameters<Totp['confirm']>): Promise<(TotpSuccess & FactorChange) | Refusal>
}

export interface PasskeysPart extends Omit<Passkeys, 'register'> {
  /** As `Passkeys.register`; with it, whether to offer to end the other sessions. The session's token is replaced. */
  register(
    ...given: Parameters<Passkeys['register']>
  ): Promise<(Extract<RegistrationResult, { ok: true }> & FactorChange) | Extract<RegistrationResult, { ok: false }>>
}

export interface RecoveryPart extends Omit<Recovery, 'generate'> {
  /** As `Recovery.generate`; with it, whether to offer to end the other sessions. The session's token is replaced. */
  generate(...given: Parameters<Recovery['generate']>): Promise<{ readonly codes: readonly string[] } & FactorChange>
}

/** What a sign-in came to. */
export interface SignedIn {
  /** Level that is still due: send the person to the step-up page. `undefined`: they are signed in. */
  readonly pending: Acr | undefined
}

/** Step-up of one application. Hand it to every adapter as a guard. */
export interface StepUp extends RequestGuard {
  readonly totp: TotpPart
  /** Without the option `origins` each of its methods throws `ERR_CONFIG_INVALID`. */
  readonly passkeys: PasskeysPart
  readonly recovery: RecoveryPart
  readonly approvals: Approvals
  /** Counts tries at secrets of your own, passwords above all. */
  readonly throttle: Throttle
  /**
   * Signs in who has proved one factor, and leaves the session pending where a second is enrolled: until it is proved, the session acts on the pages of
   * `pages.whilePending` and is nobody's elsewhere. Use it in place of `session.signIn`.
   *
   * @throws {ConfigError} `ERR_CONFIG_INVALID` - the adapter does not have this as a guard: nobody could prove a second factor.
   * @throws {SessionStateError} {StoreError} As `session.signIn`; `ERR_STORE_UNAVAILABLE` also where the factors cannot be read, and nobody was signed in.
   * @see ASVS 5.0, 6.3.3, 6.3.4
   * @example
   * const { pending } = await stepUp.signIn(req.session, { subject: user.id, method: 'pwd' })
   * res.redirect(303, pending === undefined ? '/' : '/step-up')
   */
  signIn<Data>(session: Session<Data>, options: Omit<SignInOptions<Data>, 'due'>): Promise<SignedIn>
  /** The factors of this session's subject, oldest first, for their own page. @throws {AssuranceError} Nobody is signed in, or a second factor is due. */
  factors(session: Session<unknown>): Promise<FactorSummary[]>
  /** Kinds of factor this session's subject can prove with, for the page that asks. Empty for a visitor. */
  ways(session: Session<unknown>): Promise<FactorKind[]>
  /**
   * Removes a factor of this session's subject, after a full authentication of the last ten minutes: both factors, or a passkey. The session's token is replaced.
   *
   * @returns `undefined` where this subject has no such factor.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - prove everything again, first.
   * @see ASVS 5.0, 7.5.1, 7.4.3
   * @example
   * await stepUp.remove(req.session, req.body.id)
   */
  remove(session: Session<unknown>, id: unknown): Promise<FactorChange | undefined>
  /**
   * Removes all factors of a subject: an account was closed, or its owner has lost everything and has shown otherwise who they are. Their sessions end, too.
   *
   * @param options.actor - Who did it, for the audit entry.
   * @returns How many it removed.
   */
  removeAll(subject: string, options?: { readonly actor?: string }): Promise<number>
}

/**
 * Makes the step-up of an application: second factors, passkeys, recovery codes, throttling and approvals.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - See `StepUpOptions`; `factors` and `issuer` are required.
 * @returns A guard for the adapters, with everything step-up does.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that would protect nobody, a ledger that forgets, a package that is not installed.
 * @see NIST SP 800-63B-4, 2.2; ASVS 5.0, V6 and 7.5
 * @example
 * const stepUp = createStepUp(sessions, { factors: sqliteFactorStore('factors.db'), issuer: 'Shop', origins: ['https://shop.example'] })
 * app.use(sessionMiddleware(sessions, { guards: [stepUp] }))
 */
export function createStepUp<Data>(sessions: Sessions<Data>, options: StepUpOptions): StepUp {
  const settings = resolveOptions(options)
  const service = serviceOf(sessions)
  const { clock, random, keyring, storeTimeout, circuitBreaker, store } = service.config
  const { events } = service
  const calls: StoreCallOptions = { timeout: storeTimeout, circuitBreaker, random: () => random(1)[0]! / 255, events }
  const ledger = ledgerCalls(checkedLedger(options.ledger ?? store), calls)
  const factors = factorCalls(options.factors, calls)
  const known = new KnownClients(keyring, random, clock)
  const throttle = new LedgerThrottle(
    { ledger, clock, random, events, knownLaneOf: (kind, subject, session) => known.laneOf(kind, subject, session) },
    settings.throttle,
  )
  const own = sessions as unknown as Sessions<unknown>
  const context: StepUpContext = { sessions: own, service, factors, vault: new FactorVault(keyring, random), ledger, throttle }
  const totp = makeTotp(context, resolveTotp(options.issuer, options.totp ?? {}, service))
  const recovery = makeRecovery(context)
  const passkeys = passkeysOf(context, options, start)
  const guard = makeGuard({ sessions: own, ...settings, known, dueFor })

  async function dueFor(subject: string): Promise<Acr> {
    const isDue: unknown = await settings.isDue(subject, (await factors.list(subject)).map(summaryOf))
    return isDue === false ? 'aal0' : 'aal2'
  }

  async function start<Given>(session: Session<Given>, how: Omit<SignInOptions<Given>, 'due'>): Promise<void> {
    const http = exchangeOf(session)?.http
    // Found at the first sign-in, not when the first person has enrolled.
    if (http !== undefined && !http.guards.includes(stepUp))
      throw invalid(
        'the adapter does not have it as a guard',
        'guards: [stepUp]',
        'a second factor could be due, and nobody could prove it',
      )
    await session.signIn({ ...how, due: await dueFor(how.subject) } as SignInOptions<Given>)
  }

  /** What follows a change of factors; a token of before it must not be worth what one of after it is. */
  async function changed(session: Session<unknown>, hasRotated: boolean): Promise<FactorChange> {
    if (!hasRotated) await session.rotate({ isPrivilegeChange: true, reason: 'factor-changed' })
    if (settings.onFactorChange === 'offer') return { others: true }
    await session.revokeOthers({ reason: 'factor-changed' })
    return { others: false }
  }

  const stepUp: StepUp = {
    ...guard,
    approvals: makeApprovals(context, settings.approvalLifetime),
    throttle,
    totp: {
      ...totp,
      async confirm(session, ...given) {
        const result = await totp.confirm(session, ...given)
        return result.ok ? { ...result, ...(await changed(session, true)) } : result
      },
    },
    recovery: {
      ...recovery,
      async generate(session) {
        const codes = await recovery.generate(session)
        return { codes, ...(await changed(session, false)) }
      },
    },
    passkeys: {
      ...passkeys,
      async register(session, ...given) {
        const result = await passkeys.register(session, ...given)
        return result.ok ? { ...result, ...(await changed(session, false)) } : result
      },
    },

    async signIn(session, how) {
      const { subject, method } = how
      checkSubject(subject)
      // Before the sign-in, which makes a known client of a stranger: it is the lane the try came by that starts anew.
      if ([method].flat().includes('pwd')) await throttle.succeeded('password', subject, session)
      await start(session, how)
      return { pending: session.pending }
    },
    async factors(session) {
      session.requireAssurance()
      return (await factors.list(whoseOf(session).subject)).map(summaryOf)
    },
    async ways(session) {
      const { subject } = session
      return subject === undefined ? [] : [...new Set((await factors.list(subject)).map(({ kind }) => kind))]
    },
    async remove(session, id) {
      const { subject, sessionId } = whoseOf(session)
      await requireEnrolling(context, session)
      const factor = (await factors.list(subject)).find((one) => one.id === id)
      if (factor === undefined || !(await factors.remove(subject, factor.id))) return undefined
      events.emit({ type: 'factor.removed', kind: factor.kind, factorId: factor.id, sessionId, subject })
      return changed(session, false)
    },
    async removeAll(subject, { actor } = {}) {
      const before = await factors.list(subject)
      const count = await factors.removeAll(subject)
      for (const { id, kind } of before) events.emit({ type: 'factor.removed', kind, factorId: id, subject })
      await sessions.revokeSubject(subject, { reason: 'factors-removed', ...(actor !== undefined && { actor }) })
      return count
    },
  }
  return stepUp
}

function summaryOf({ id, kind, name, createdAt, lastUsedAt }: StoredFactor): FactorSummary {
  return { id, kind, name, createdAt, lastUsedAt }
}

function passkeysOf(
  context: StepUpContext,
  { origins, rpId, issuer, passkeys }: StepUpOptions,
  start: <Given>(session: Session<Given>, options: SignInOptions<Given>) => Promise<void>,
): Passkeys {
  if (origins === undefined) return noPasskeys
  return makePasskeys(context, { ...passkeys, rpName: issuer, origins, ...(rpId !== undefined && { rpId }) }, { start })
}

function missing(): never {
  throw invalid('there are no passkeys', "origins: ['https://shop.example']", 'they are made for the pages of known origins')
}

const noPasskeys: Passkeys = {
  registrationOptions: missing,
  register: missing,
  signInOptions: missing,
  signIn: missing,
  stepUpOptions: missing,
  stepUp: missing,
  list: missing,
  accepted: missing,
}

/** A ledger that forgets takes a used code for a new one, and a hundred tries for none. */
function checkedLedger<Given extends Required<StepUpOptions>['ledger']>(store: Given): Given {
  if (typeof store?.ledger?.claim !== 'function')
    throw invalid('ledger is no store', "one such as sqliteStore('ledger.db')", 'used codes must be remembered')
  const { evicts, carries } = store.capabilities
  if (evicts)
    throw invalid(
      `the store '${store.name}' makes room by forgetting`,
      'the option ledger, a store that forgets nothing',
      'a used code would count again',
    )
  if (carries)
    throw invalid(
      `the store '${store.name}' keeps nothing`,
      'the option ledger, a store that keeps what it is given',
      'used codes must be remembered',
    )
  return store
}
