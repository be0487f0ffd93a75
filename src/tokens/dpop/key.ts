/** Keys of clients: what a proof's header may name as its key, and the name a token knows that key by (RFC 7638). */
import { sha256 } from '../../core/crypto.ts'

/**
 * How a proof may be signed. `Ed25519` is the name RFC 9864 gives what most clients still call `EdDSA`. No RSA: PKCS #1 v1.5 is disallowed (ASVS 5.0,
 * appendix C), and no device's key store lacks P-256. Nothing symmetric: whoever checks such a proof could make one (RFC 9449, 4.3).
 */
export type ProofAlgorithm = 'ES256' | 'ES384' | 'EdDSA' | 'Ed25519' | 'ML-DSA-44' | 'ML-DSA-65'

/** What every runtime verifies. ML-DSA (RFC 9964) is accepted where it is asked for by name: its proofs are twice as long as all a header usually holds. */
export const PROOF_ALGORITHMS: readonly ProofAlgorithm[] = ['ES256', 'ES384', 'EdDSA', 'Ed25519']

/** The public members that make a key, and nothing else of what the client sent, in the order in which RFC 7638 hashes them. */
export type ProofKey = Readonly<Record<string, string>>

/** RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 8037, 2; RFC 9964, 3. Whoever sends one of these has given the key away, or has a shared secret. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

interface Shape {
  /** Of every key of this kind. */
  readonly fixed: ProofKey
  /** Bytes of each coordinate. */
  readonly bytes: Readonly<Record<string, number>>
}

const ed25519: Shape = { fixed: { kty: 'OKP', crv: 'Ed25519' }, bytes: { x: 32 } }
const SHAPES: Readonly<Record<ProofAlgorithm, Shape>> = {
  ES256: { fixed: { kty: 'EC', crv: 'P-256' }, bytes: { x: 32, y: 32 } },
  ES384: { fixed: { kty: 'EC', crv: 'P-384' }, bytes: { x: 48, y: 48 } },
  EdDSA: ed25519,
  Ed25519: ed25519,
  'ML-DSA-44': { fixed: { kty: 'AKP', alg: 'ML-DSA-44' }, bytes: { pub: 1312 } },
  'ML-DSA-65': { fixed: { kty: 'AKP', alg: 'ML-DSA-65' }, bytes: { pub: 1952 } },
}

/** Whether anything is an algorithm a proof can have at all. */
export function isProofAlgorithm(name: unknown): name is ProofAlgorithm {
  return typeof name === 'string' && Object.hasOwn(SHAPES, name)
}

/**
 * The key a header names, where it fits the algorithm. The algorithm decides what the key has to be, so none is ever used for another's (RFC 8725, 3.1).
 *
 * @returns `undefined` for a key of another kind or curve, one that is spelled in more than one way, and one that came with its private part.
 */
export function publicKeyIn(jwk: unknown, algorithm: ProofAlgorithm): ProofKey | undefined {
  if (typeof jwk !== 'object' || jwk === null || PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined
  const { fixed, bytes } = SHAPES[algorithm]
  const given = jwk as Record<string, unknown>
  const names = [...Object.keys(fixed), ...Object.keys(bytes)].sort()
  const isFit = names.every((name) =>
    Object.hasOwn(fixed, name) ? given[name] === fixed[name] : isCoordinate(given[name], bytes[name]!),
  )
  return isFit ? Object.fromEntries(names.map((name) => [name, given[name] as string])) : undefined
}

/** In one spelling: the last character of base64url has bits that decode to nothing, and a second spelling would be a second thumbprint. */
function isCoordinate(text: unknown, length: number): boolean {
  if (typeof text !== 'string' || text.length !== Math.ceil((length * 8) / 6)) return false
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length === length && bytes.toString('base64url') === text
}

/** JWK SHA-256 thumbprint (RFC 7638, 3), in base64url: 43 characters. */
export function thumbprintOf(key: ProofKey): string {
  return sha256(Buffer.from(JSON.stringify(key))).toString('base64url')
}
