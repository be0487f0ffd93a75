/**
 * What `@simplewebauthn/server` verifies for us, and what it leaves to its caller. It is loaded at the first ceremony, so that an application without passkeys
 * need not install it.
 */
import { ConfigError } from '../../core/errors.ts'
import type { AssertionAnswer, RegistrationAnswer } from './response.ts'

/** COSE names (RFC 9053): ES256, EdDSA, RS256, best first. Windows Hello on older machines has the last alone. */
export const ALGORITHMS = [-7, -8, -257]

/** A registration whose every check but those of policy has passed. */
export interface VerifiedRegistration {
  readonly publicKey: Uint8Array
  readonly signCount: number
  readonly isVerified: boolean
  readonly isBackupEligible: boolean
  readonly isBackedUp: boolean
}

export type VerifiedAssertion = Omit<VerifiedRegistration, 'publicKey'>

/** What answers are compared with. */
interface Expected {
  readonly origins: readonly string[]
  readonly rpId: string
}

/** Why an answer is no proof; `wrong` says everything that only somebody's tampering, or a broken authenticator, explains. */
type Wrong = 'wrong' | 'origin'

/**
 * Verifies a registration whose challenge is known to be ours (WebAuthn level 3, 7.1). Whether its owner was verified is told, not judged.
 *
 * Attestation is not asked for, so browsers take it out, but for an authenticator's own signature. Other kinds are refused unread: the library
 * would follow the addresses in their certificates.
 */
export async function verifyRegistration(
  answer: RegistrationAnswer,
  { origins, rpId }: Expected,
): Promise<VerifiedRegistration | Wrong | 'attestation'> {
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  const { decodeAttestationObject, decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers')
  const { id, client, clientDataJSON, attestationObject } = answer
  try {
    const statement = decodeAttestationObject(new Uint8Array(Buffer.from(attestationObject, 'base64url')))
    const format: unknown = statement.get('fmt')
    const isSelf = format === 'packed' && statement.get('attStmt').get('x5c') === undefined
    if (format !== 'none' && !isSelf) return 'attestation'
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: client.challenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    })
    if (!verified) return 'wrong'
    const { credential, userVerified, credentialDeviceType, credentialBackedUp } = registrationInfo
    // The id that the browser says is not the signed one; the library compares it with nothing.
    if (credential.id !== id) return 'wrong'
    const key: unknown = decodeCredentialPublicKey(credential.publicKey)
    if (!isSound(key as ReadonlyMap<unknown, unknown>)) return 'wrong'
    return {
      publicKey: credential.publicKey,
      signCount: credential.counter,
      isVerified: userVerified,
      isBackupEligible: credentialDeviceType === 'multiDevice',
      isBackedUp: credentialBackedUp,
    }
  } catch (error) {
    return reasonOf(error)
  }
}

/**
 * Verifies an assertion whose challenge is known to be ours (WebAuthn level 3, 7.2). Its count and whether its owner was verified are told, not judged: the
 * library would judge them before the signature, on anybody's word.
 */
export async function verifyAssertion(
  answer: AssertionAnswer,
  publicKey: Uint8Array,
  { origins, rpId }: Expected,
): Promise<VerifiedAssertion | Wrong> {
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  const { id, client, clientDataJSON, authenticatorData, signature } = answer
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: client.challenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: false,
      // Whatever the count: see above.
      credential: { id, publicKey: new Uint8Array(publicKey), counter: 0 },
    })
    if (!verified) return 'wrong'
    return {
      signCount: authenticationInfo.newCounter,
      isVerified: authenticationInfo.userVerified,
      isBackupEligible: authenticationInfo.credentialDeviceType === 'multiDevice',
      isBackedUp: authenticationInfo.credentialBackedUp,
    }
  } catch (error) {
    return reasonOf(error)
  }
}

function reasonOf(error: unknown): Wrong {
  return error instanceof Error && error.name === 'UnexpectedRPIDHash' ? 'origin' : 'wrong'
}

const P256_BYTES = 32
const LEAST_MODULUS_BYTES = 256
const MOST_MODULUS_BYTES = 1024

/** The one curve and form of each algorithm (WebAuthn level 3, 5.8.5), and RSA keys of 2,048 to 8,192 bits. */
function isSound(key: ReadonlyMap<unknown, unknown>): boolean {
  const [type, algorithm, first, second, third] = [1, 3, -1, -2, -3].map((label) => key.get(label))
  if (algorithm === -7) return type === 2 && first === 1 && isOf(second, P256_BYTES) && isOf(third, P256_BYTES)
  if (algorithm === -8) return type === 1 && first === 6 && isOf(second, P256_BYTES)
  return algorithm === -257 && type === 3 && isOf(first, LEAST_MODULUS_BYTES, MOST_MODULUS_BYTES) && isOf(second, 1, 4)
}

function isOf(value: unknown, least: number, most = least): boolean {
  return value instanceof Uint8Array && value.length >= least && value.length <= most
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - the package that verifies passkeys is not installed. */
export function checkInstalled(): void {
  try {
    // Not every bundler has it; there the import itself would already have failed.
    import.meta.resolve?.('@simplewebauthn/server')
  } catch {
    throw new ConfigError(
      "Passkeys need the package '@simplewebauthn/server' to verify what authenticators sign; install it: npm install @simplewebauthn/server. " +
        'See docs/guide/passkeys.md.',
      { code: 'ERR_CONFIG_INVALID' },
    )
  }
}
