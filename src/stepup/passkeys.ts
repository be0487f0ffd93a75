/**
 * Passkeys: keys that an authenticator makes for this site alone and uses only on its pages, so that no other page can ask for a proof (phishing). Verified
 * through `@simplewebauthn/server` (WebAuthn level 3).
 */
import type { Session, SignInOptions } from '../core/session.ts'
import { misuse } from '../core/unit-of-work.ts'
import type { StepUpContext } from './context.ts'
import { requireEnrolling, whoseOf } from './enrolling.ts'
import { type AssertionOptionsJson, methodsOf, prove, signInOptions, stepUpOptions } from './passkeys/assertion.ts'
import { Challenges } from './passkeys/challenges.ts'
import { checkInstalled } from './passkeys/library.ts'
import { type PasskeyOptions, resolvePasskeys } from './passkeys/options.ts'
import { type PasskeyHooks, type PasskeyParts, type PasskeyResult, type RegistrationResult, refused } from './passkeys/parts.ts'
import {
  type OpenedPasskey,
  passkeysOf,
  type RegistrationOptionsJson,
  register,
  registrationOptions,
} from './passkeys/registration.ts'

export type { AssertionOptionsJson } from './passkeys/assertion.ts'
export type { PasskeyOptions } from './passkeys/options.ts'
export type { PasskeyHooks, PasskeyRefusal, PasskeyResult, RegistrationResult } from './passkeys/parts.ts'
export type { RegistrationOptionsJson } from './passkeys/registration.ts'

/** Options of `passkeys.signIn`. */
export interface PasskeySignIn<Data = unknown> extends Pick<SignInOptions<Data>, 'keep' | 'isPersistent'> {
  /**
   * Whether this subject may come in; asked once the proof is right and before the session starts. Default: everybody. Without it, an account you have closed
   * still opens with its passkeys.
   */
  readonly allows?: (subject: string) => boolean | Promise<boolean>
}

/** A passkey, for the person's own list. */
export interface PasskeySummary {
  readonly id: string
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
  /** Whether its provider may copy it to other devices, and whether it has. */
  readonly isBackupEligible: boolean
  readonly isBackedUp: boolean
  /** Whether there may be a copy of its key. It proves nothing any more: have it removed. */
  readonly isSuspected: boolean
}

/** What `PublicKeyCredential.signalAllAcceptedCredentials` takes. */
export interface AcceptedPasskeys {
  readonly rpId: string
  readonly userId: string
  readonly allAcceptedCredentialIds: string[]
}

/** Passkeys of an application's people. Options go to the browser as JSON, and its answers come back as JSON: any JSON at all may be handed in. */
export interface Passkeys {
  /**
   * What to hand to `startRegistration` to make a passkey for this session's subject.
   *
   * @param options.account - What the authenticator calls the account, such as a user name; for the person's eyes.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in.
   * @throws {AssuranceError} `ERR_ASSURANCE_INSUFFICIENT` - too little was proved for adding a factor, or too long ago.
   * @example
   * res.json(await stepUp.passkeys.registrationOptions(req.session, { account: user.name }))
   */
  registrationOptions(session: Session<unknown>, options: { readonly account: string }): Promise<RegistrationOptionsJson>
  /**
   * Adds the passkey that the browser made. It does not raise the session's level: it has proved nothing yet. Offer to end all other sessions
   * afterwards (`session.revokeOthers`, ASVS 5.0, 7.4.3).
   *
   * @param response - What `startRegistration` gave, as it came.
   * @param options.name - What the person calls it; cut to 100 characters, without controls. Default `Passkey`.
   * @example
   * const result = await stepUp.passkeys.register(req.session, req.body.response, { name: req.body.name })
   */
  register(session: Session<unknown>, response: unknown, options?: { readonly name?: unknown }): Promise<RegistrationResult>
  /**
   * What to hand to `startAuthentication` on a sign-in page, for passkeys of anybody; with `useBrowserAutofill: true` they appear in the form's field
   * (conditional UI). Costs no row: for a visitor it sets a cookie, and nothing else.
   *
   * @example
   * res.json(stepUp.passkeys.signInOptions(req.session))
   */
  signInOptions(session: Session<unknown>): AssertionOptionsJson
  /**
   * Signs in whoever's passkey it is. The visitor's session of before ends in the same step.
   *
   * @param response - What `startAuthentication` gave, as it came.
   * @returns Who it is; or why nobody, and nothing has changed.
   * @throws {SessionStateError} As `session.signIn`.
   * @example
   * const result = await stepUp.passkeys.signIn(req.session, req.body)
   * if (!result.ok) return res.status(401).json(result)
   */
  signIn<Data>(session: Session<Data>, response: unknown, options?: PasskeySignIn<Data>): Promise<PasskeyResult>
  /**
   * What to hand to `startAuthentication` for one of this subject's own passkeys; `undefined` where there is none to ask for.
   *
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - nobody is signed in.
   */
  stepUpOptions(session: Session<unknown>): Promise<AssertionOptionsJson | undefined>
  /**
   * Records the proof with the session and replaces its token. With user verification it reaches `aal2` alone.
   *
   * @throws {SessionStateError} As `session.elevate`.
   */
  stepUp(session: Session<unknown>, response: unknown): Promise<PasskeyResult>
  /** This subject's passkeys, oldest first. Empty for a visitor, and while a factor is still due. */
  list(session: Session<unknown>): Promise<PasskeySummary[]>
  /**
   * What to hand to the browser's `PublicKeyCredential.signalAllAcceptedCredentials`, each in turn, after a passkey was removed: password managers then forget
   * it, too. Empty as `list` is; where none is left: signal that one by its id when it is removed.
   */
  accepted(session: Session<unknown>): Promise<AcceptedPasskeys[]>
}

/**
 * Makes the passkeys of one step-up.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - an option that browsers would refuse, or the package that verifies is not installed.
 */
export function makePasskeys(context: StepUpContext, options: PasskeyOptions, hooks: PasskeyHooks): Passkeys {
  const settings = resolvePasskeys(options)
  checkInstalled()
  const challenges = new Challenges(context.service, context.ledger, settings.challengeLifetime)
  const parts: PasskeyParts = { context, settings, challenges, hooks }

  /** Whoever has the password alone is not shown what else there is. */
  function ownOf({ subject, pending }: Session<unknown>): Promise<OpenedPasskey[]> | [] {
    return subject === undefined || pending !== undefined ? [] : passkeysOf(parts, subject)
  }

  return {
    async registrationOptions(session, { account }) {
      if (typeof account !== 'string' || account === '' || account.length > 256)
        throw misuse('account is no name; expected one of 1 to 256 characters, for the person to know it again')
      const { subject } = whoseOf(session)
      await requireEnrolling(context, session)
      return registrationOptions(parts, session, subject, account)
    },
    async register(session, response, { name } = {}) {
      const { subject } = whoseOf(session)
      await requireEnrolling(context, session, true)
      return register(parts, session, subject, response, name)
    },
    signInOptions: (session) => signInOptions(parts, session),
    async signIn(session, response, { allows, ...how } = {}) {
      const own = session
      const result = await prove(parts, own, 'sign-in', response)
      if (!result.ok) return result
      const { subject, factorId, strength, backup } = result
      if ((await (allows?.(subject) ?? true)) !== true) return refused(parts, own, 'refused', factorId)
      used(context, own, result)
      await hooks.start(own, { ...(how as object), subject, method: methodsOf(backup), strength })
      return result
    },
    async stepUpOptions(session) {
      return stepUpOptions(parts, session, whoseOf(session).subject)
    },
    async stepUp(session, response) {
      whoseOf(session)
      const own = session
      const result = await prove(parts, own, 'step-up', response)
      if (!result.ok) return result
      used(context, own, result)
      await own.elevate({ method: methodsOf(result.backup), strength: result.strength })
      return result
    },
    async list(session) {
      const own = await ownOf(session)
      return own.map(({ factor: { id, name, createdAt, lastUsedAt }, credential }) => ({
        id,
        name,
        createdAt,
        lastUsedAt,
        isBackupEligible: credential.isBackupEligible,
        isBackedUp: credential.isBackedUp,
        isSuspected: credential.suspectedAt !== undefined,
      }))
    },
    async accepted(session) {
      const own = await ownOf(session)
      const byUser = Map.groupBy(own, ({ credential }) => credential.userHandle)
      return [...byUser].map(([userId, passkeys]) => ({
        rpId: settings.rpId,
        userId,
        allAcceptedCredentialIds: passkeys.map(({ factor }) => factor.handle!),
      }))
    },
  }
}

function used(
  { service }: StepUpContext,
  { id: sessionId }: Session<unknown>,
  result: PasskeyResult & { readonly ok: true },
): void {
  const { factorId, subject } = result
  service.events.emit({ type: 'factor.used', kind: 'passkey', factorId, sessionId, subject })
}
