/** Signature algorithms of access tokens: the key each needs, and how long its signatures are (RFC 7518, 3; RFC 8037; RFC 9964). */

/** ES256 and EdDSA verify everywhere, ML-DSA where the runtime has it. RS256 counts only where it is asked for by name. */
export type TokenAlgorithm = 'ES256' | 'EdDSA' | 'ML-DSA-44' | 'ML-DSA-65' | 'RS256'

interface Shape {
  readonly kty: string
  readonly crv?: string
  /** What of a published key is used, and nothing else of it. */
  readonly members: readonly string[]
  /** Signature's bytes, least and most. */
  readonly signature: readonly [number, number]
}

const SHAPES: ReadonlyMap<string, Shape> = new Map<TokenAlgorithm, Shape>([
  ['ES256', { kty: 'EC', crv: 'P-256', members: ['kty', 'crv', 'x', 'y'], signature: [64, 64] }],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', members: ['kty', 'crv', 'x'], signature: [64, 64] }],
  ['ML-DSA-44', { kty: 'AKP', members: ['kty', 'alg', 'pub'], signature: [2420, 2420] }],
  ['ML-DSA-65', { kty: 'AKP', members: ['kty', 'alg', 'pub'], signature: [3309, 3309] }],
  // 2,048 bits at least (SP 800-131A); the exponent is jose's to judge.
  ['RS256', { kty: 'RSA', members: ['kty', 'n', 'e'], signature: [256, 1024] }],
])

export const ALGORITHMS: readonly TokenAlgorithm[] = [...SHAPES.keys()] as TokenAlgorithm[]

/** RFC 7518, 6.2.2, 6.3.2, 6.4.1; RFC 9964. A key published with its private part is everybody's. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * The one algorithm a published key is for (RFC 8725, 3.1), and its public members.
 *
 * @returns `undefined` for anything that is no public key for signatures: shared secrets above all.
 */
export function publishedKey(
  jwk: Readonly<Record<string, unknown>>,
): { readonly algorithm: string; readonly key: Record<string, string> } | undefined {
  const { kty, crv, alg, use, key_ops } = jwk
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined
  if ((use !== undefined && use !== 'sig') || (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))))
    return undefined
  for (const [algorithm, shape] of SHAPES) {
    if (shape.kty !== kty || shape.crv !== (shape.crv === undefined ? undefined : crv)) continue
    // A curve has one algorithm here; RSA and AKP keys are for several, and have to say which.
    if (alg === algorithm || (alg === undefined && shape.crv !== undefined)) {
      const members = shape.members.map((name) => [name, jwk[name]] as const)
      if (members.every(([, value]) => typeof value === 'string' && value.length <= 4096))
        return { algorithm, key: Object.fromEntries(members) as Record<string, string> }
    }
  }
  return undefined
}

/** Whether a signature in base64url has the length its algorithm gives. A blank one never has (CVE-2022-21449 is why one looks). */
export function fitsSignature(algorithm: string, signature: string): boolean {
  const [least, most] = SHAPES.get(algorithm)?.signature ?? [Number.POSITIVE_INFINITY, 0]
  const bytes = Math.floor((signature.length * 3) / 4)
  return bytes >= least && bytes <= most
}
