/** Making a passkey: what is asked of the browser, and what is kept of its answer (WebAuthn level 3, 7.1). */
import type { Session } from '../../core/session.ts'
import type { StoredFactor } from '../factor-store.ts'
import { factorName } from '../name.ts'
import { type Credential, credentialIn, userHandleOf } from './credential.ts'
import { ALGORITHMS, verifyRegistration } from './library.ts'
import { type PasskeyParts, type RegistrationResult, refused } from './parts.ts'
import { readRegistration } from './response.ts'

/** What `navigator.credentials.create` takes, as JSON: `startRegistration({ optionsJSON })` of `@simplewebauthn/browser` does the rest. */
export interface RegistrationOptionsJson {
  readonly rp: { readonly id: string; readonly name: string }
  readonly user: { readonly id: string; readonly name: string; readonly displayName: string }
  readonly challenge: string
  readonly pubKeyCredParams: { readonly alg: number; readonly type: 'public-key' }[]
  readonly timeout: number
  readonly excludeCredentials: CredentialName[]
  readonly authenticatorSelection: {
    readonly residentKey: 'required' | 'preferred'
    readonly requireResidentKey: boolean
    readonly userVerification: 'required' | 'preferred'
  }
  readonly attestation: 'none'
  readonly extensions: { readonly credProps: true }
}

/** Names a passkey to a browser. `transports` holds no more than what it said itself. */
export interface CredentialName {
  readonly id: string
  readonly type: 'public-key'
  readonly transports?: never[]
}

const ID_BYTES = 16

export async function registrationOptions(
  parts: PasskeyParts,
  session: Session<unknown>,
  subject: string,
  account: string,
): Promise<RegistrationOptionsJson> {
  const { context, settings, challenges } = parts
  const { rpId, rpName, userVerification, challengeLifetime } = settings
  const own = await passkeysOf(parts, subject)
  const residentKey = userVerification
  return {
    rp: { id: rpId, name: rpName },
    user: {
      id: userHandleOf(context.service.config.keyring.newest, subject).toString('base64url'),
      name: account,
      displayName: account,
    },
    challenge: challenges.issue('register', session).toString('base64url'),
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ alg, type: 'public-key' })),
    timeout: challengeLifetime,
    // One on a device is enough, and a second would take the first one's place there.
    excludeCredentials: own.map(nameOf),
    authenticatorSelection: { residentKey, requireResidentKey: residentKey === 'required', userVerification },
    attestation: 'none',
    extensions: { credProps: true },
  }
}

export async function register(
  parts: PasskeyParts,
  session: Session<unknown>,
  subject: string,
  response: unknown,
  name: unknown,
): Promise<RegistrationResult> {
  const { context, settings, challenges } = parts
  const answer = readRegistration(response)
  if (answer === undefined || answer.client.type !== 'webauthn.create') return refused(parts, session, 'malformed')
  const judgement = await challenges.answer('register', session, answer.client.challenge)
  if (typeof judgement === 'string') return refused(parts, session, judgement)
  if (answer.client.isFramed || !settings.origins.includes(answer.client.origin)) return refused(parts, session, 'origin')
  const verified = await verifyRegistration(answer, settings)
  if (typeof verified === 'string') return refused(parts, session, verified)
  if (settings.userVerification === 'required' && !verified.isVerified) return refused(parts, session, 'unverified')

  const { config, events } = context.service
  const credential: Credential = {
    publicKey: Buffer.from(verified.publicKey).toString('base64url'),
    signCount: verified.signCount,
    isVerifying: verified.isVerified,
    transports: answer.transports,
    isBackupEligible: verified.isBackupEligible,
    isBackedUp: verified.isBackedUp,
    userHandle: userHandleOf(judgement.key, subject).toString('base64url'),
  }
  const whose = { id: Buffer.from(config.random(ID_BYTES)).toString('base64url'), subject, kind: 'passkey' } as const
  const outcome = await context.factors.add(
    {
      ...whose,
      handle: answer.id,
      name: factorName(name, 'Passkey'),
      createdAt: config.clock(),
      lastUsedAt: undefined,
      sealed: context.vault.seal(credential, whose),
    },
    { most: settings.mostPerPerson },
  )
  if (outcome !== 'added') return refused(parts, session, outcome)
  events.emit({ type: 'factor.added', kind: 'passkey', factorId: whose.id, sessionId: session.id, subject })
  return { ok: true, factorId: whose.id }
}

/** A passkey with what is sealed in it. */
export interface OpenedPasskey {
  readonly factor: StoredFactor
  readonly credential: Credential
}

/** Those of a subject that can be opened, oldest first. */
export async function passkeysOf({ context }: PasskeyParts, subject: string): Promise<OpenedPasskey[]> {
  const factors = await context.factors.list(subject)
  return factors.flatMap((factor) => {
    const credential = factor.kind === 'passkey' ? credentialIn(context.vault, factor) : undefined
    return credential === undefined ? [] : [{ factor, credential }]
  })
}

export function nameOf({ factor, credential }: OpenedPasskey): CredentialName {
  // Browsers know more transports than their own types do.
  return { id: factor.handle!, type: 'public-key', transports: [...credential.transports] as never[] }
}
