/** Using a passkey: what is asked of the browser, and what its answer proves (WebAuthn level 3, 7.2). */
import { acrOf } from '../../core/assurance.ts'
import { equalInConstantTime } from '../../core/crypto.ts'
import type { Session } from '../../core/session.ts'
import type { StoredFactor } from '../factor-store.ts'
import { type Credential, credentialIn } from './credential.ts'
import { type VerifiedAssertion, verifyAssertion } from './library.ts'
import { type PasskeyParts, type PasskeyRefusal, type PasskeyResult, refused } from './parts.ts'
import { type CredentialName, nameOf, passkeysOf } from './registration.ts'
import { type AssertionAnswer, readAssertion } from './response.ts'

/** What `navigator.credentials.get` takes, as JSON: `startAuthentication({ optionsJSON })` of `@simplewebauthn/browser` does the rest. */
export interface AssertionOptionsJson {
  readonly rpId: string
  readonly challenge: string
  readonly timeout: number
  readonly allowCredentials: CredentialName[]
  readonly userVerification: 'required' | 'preferred'
}

/** How often a passkey is looked at again because a parallel request used it. */
const MOST_ATTEMPTS = 5

export function signInOptions({ settings, challenges }: PasskeyParts, session: Session<unknown>): AssertionOptionsJson {
  const { rpId, challengeLifetime: timeout, userVerification } = settings
  const challenge = challenges.issue('sign-in', session).toString('base64url')
  return { rpId, challenge, timeout, allowCredentials: [], userVerification }
}

/** @returns `undefined` where the subject has none that could answer. */
export async function stepUpOptions(
  parts: PasskeyParts,
  session: Session<unknown>,
  subject: string,
): Promise<AssertionOptionsJson | undefined> {
  const { rpId, challengeLifetime: timeout, userVerification } = parts.settings
  const able = (await passkeysOf(parts, subject)).filter(({ credential }) => credential.suspectedAt === undefined)
  if (able.length === 0) return undefined
  const challenge = parts.challenges.issue('step-up', session).toString('base64url')
  return { rpId, challenge, timeout, allowCredentials: able.map(nameOf), userVerification }
}

/** Whether an answer proves a passkey; what it proves is recorded with the passkey, and not yet with the session. */
export async function prove(
  parts: PasskeyParts,
  session: Session<unknown>,
  purpose: 'sign-in' | 'step-up',
  response: unknown,
): Promise<PasskeyResult> {
  const { context, settings, challenges } = parts
  const answer = readAssertion(response)
  if (answer === undefined || answer.client.type !== 'webauthn.get') return refused(parts, session, 'malformed')
  const judgement = await challenges.answer(purpose, session, answer.client.challenge)
  if (typeof judgement === 'string') return refused(parts, session, judgement)
  if (answer.client.isFramed || !settings.origins.includes(answer.client.origin)) return refused(parts, session, 'origin')

  const factor = await context.factors.byHandle('passkey', answer.id)
  const credential = factor && credentialIn(context.vault, factor)
  if (factor === undefined || credential === undefined) return refused(parts, session, 'unknown')
  // In a step-up it is somebody's whom we know; else the answer itself must say whose it is.
  if (purpose === 'step-up' && factor.subject !== session.subject) return refused(parts, session, 'unknown')
  if (!isOwners(answer, credential, purpose)) return refused(parts, session, 'wrong', factor.id)
  const verified = await verifyAssertion(answer, Buffer.from(credential.publicKey, 'base64url'), settings)
  if (typeof verified === 'string') return refused(parts, session, verified, factor.id)
  return record(parts, session, purpose, factor, verified)
}

function isOwners({ userHandle }: AssertionAnswer, credential: Credential, purpose: 'sign-in' | 'step-up'): boolean {
  if (userHandle === undefined) return purpose === 'step-up'
  return equalInConstantTime(Buffer.from(userHandle), Buffer.from(credential.userHandle))
}

/** The checks that depend on what was seen of it before, and the record of what is seen now, in one conditional update. */
async function record(
  parts: PasskeyParts,
  session: Session<unknown>,
  purpose: 'sign-in' | 'step-up',
  found: StoredFactor,
  verified: VerifiedAssertion,
): Promise<PasskeyResult> {
  const { context, settings } = parts
  const { config, events } = context.service
  let factor: StoredFactor | undefined = found
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const before = credentialIn(context.vault, factor)
    if (before === undefined) break
    const refusal = judge(before, verified, settings.userVerification)
    if (refusal !== undefined && refusal !== 'copied') return refused(parts, session, refusal, factor.id)
    const now = config.clock()
    const credential = refusal === 'copied' ? { ...before, suspectedAt: now } : after(before, verified, session, purpose)
    const changes = { sealed: context.vault.seal(credential, factor), ...(refusal === undefined && { lastUsedAt: now }) }
    const outcome = await context.factors.update(factor.subject, factor.id, factor.version, changes)
    if (outcome === 'updated') {
      const { id: factorId, subject } = factor
      const about = { kind: 'passkey', factorId, sessionId: session.id, subject } as const
      if (refusal === 'copied') {
        events.emit({ type: 'factor.suspected', ...about })
        return refused(parts, session, 'suspected', factorId)
      }
      const { isBackupEligible: isEligible, isBackedUp } = verified
      return {
        ok: true,
        factorId,
        subject,
        strength: verified.isVerified && before.isVerifying ? 2 : 1,
        backup: { isEligible, isBackedUp, hasChanged: isBackedUp !== before.isBackedUp },
      }
    }
    factor = outcome === 'gone' ? undefined : await context.factors.byHandle('passkey', found.handle!)
    // Somebody else's by now, or nobody's.
    if (factor?.id !== found.id || factor.subject !== found.subject) break
  }
  return refused(parts, session, 'unknown', found.id)
}

/**
 * What speaks against an assertion that is rightly signed. `copied`: the count did not grow where there was ever one, so that two devices may hold the key
 * (WebAuthn level 3, 6.1.1).
 */
function judge(
  before: Credential,
  verified: VerifiedAssertion,
  userVerification: 'required' | 'preferred',
): PasskeyRefusal | 'copied' | undefined {
  // Once suspected it stays so: whoever has a copy makes its count grow by using it.
  if (before.suspectedAt !== undefined) return 'suspected'
  if (before.isBackupEligible !== verified.isBackupEligible) return 'wrong'
  if (userVerification === 'required' && !verified.isVerified) return 'unverified'
  const hasCount = before.signCount > 0 || verified.signCount > 0
  return hasCount && verified.signCount <= before.signCount ? 'copied' : undefined
}

/**
 * What is kept from now on. That a passkey verifies its owner counts only once another proof stood beside it (WebAuthn level 3, 7.2, 26): whoever finds a
 * security key without a PIN can give it one.
 */
function after(
  before: Credential,
  verified: VerifiedAssertion,
  session: Session<unknown>,
  purpose: 'sign-in' | 'step-up',
): Credential {
  const { signCount, isBackedUp, isVerified } = verified
  const own = ['hwk', 'swk', 'user']
  const others = session.facts.filter(({ method, strength }) => !own.includes(method) || strength > 1)
  const beside = acrOf([...others, { method: 'hwk', at: 0, strength: 1 }])
  const isAuthorised = purpose === 'step-up' && beside !== 'aal1'
  return { ...before, signCount, isBackedUp, isVerifying: before.isVerifying || (isVerified && isAuthorised) }
}

/** RFC 8176: a key that stays in its hardware, or one that its provider copies between devices; and somebody was there. */
export function methodsOf({ isEligible }: { readonly isEligible: boolean }): string[] {
  return [isEligible ? 'swk' : 'hwk', 'user']
}
