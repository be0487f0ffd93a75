/** What is wrong with a client's credentials, found at start-up: weak ones would be as good as none. */
import { algorithmOf } from './assertion.ts'

/** In the words of `invalidTokens`. Never a secret or a part of one. */
export interface Complaint {
  readonly given: string
  readonly expected: string
  readonly why: string
}

/** 32 bytes of a random generator; fewer than 16 different ones among them happens once in 10^20. */
const SECRET_BYTES = 32
const LEAST_DIFFERENT_BYTES = 16
const LONGEST_SECRET = 512
/** RFC 7518, 6.2.2, 6.3.2 and 6.4.1; RFC 9964, 4: what only the client may know. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
/** RSA with fewer than 2,048 bits can be broken (NIST SP 800-131A); base64url of 256 bytes. */
const SHORTEST_MODULUS = 342

/**
 * Looks at how one client proves itself.
 *
 * @param which - Names the client, as in `client 2`.
 * @returns `undefined` when nothing is wrong.
 */
export function complaintAbout(which: string, authentication: unknown): Complaint | undefined {
  if (authentication === 'public') return undefined
  const given = typeof authentication === 'object' && authentication !== null ? Object.entries(authentication) : []
  const [name, value] = given.length === 1 ? given[0]! : []
  if (name === 'clientSecret') return aboutSecret(which, value)
  if (name === 'jwks') return aboutKeys(which, value)
  return {
    given: `${which} has no way to prove itself, or two`,
    expected: "'public', { clientSecret } or { jwks } with public keys alone",
    why: 'tokens go to whoever passes for it',
  }
}

function aboutSecret(which: string, secret: unknown): Complaint | undefined {
  const complain = (what: string): Complaint => ({
    given: `${which} has a weak secret: it ${what}`,
    expected:
      'at least 32 bytes of a cryptographic random generator in base64url (43 characters), such as `npx sojourn keys` makes',
    why: 'whoever guesses it is the client',
  })
  if (typeof secret !== 'string') return complain(`is of type ${typeof secret}`)
  if (/change.?me|placeholder|example|secret|password/i.test(secret)) return complain('looks like a placeholder')
  if (!/^[A-Za-z0-9_-]+=?$/.test(secret) || secret.length > LONGEST_SECRET) return complain('has another alphabet or length')
  const bytes = Buffer.from(secret, 'base64url')
  if (bytes.length < SECRET_BYTES) return complain(`has ${bytes.length} bytes`)
  const steps = bytes.map((byte, i) => byte - bytes.at(i - 1)!)
  const isPattern = [bytes, steps].some((values) => new Set(values).size < LEAST_DIFFERENT_BYTES)
  const half = bytes.length >> 1
  const isRepeated = bytes.subarray(0, half).equals(bytes.subarray(half, 2 * half))
  const isText = bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
  return isPattern || isRepeated || isText ? complain('is not random') : undefined
}

function aboutKeys(which: string, jwks: unknown): Complaint | undefined {
  const keys = typeof jwks === 'object' && jwks !== null && 'keys' in jwks ? jwks.keys : undefined
  const complain = (given: string, why: string): Complaint => ({
    given: `${which} has ${given}`,
    expected: 'a JWK set of 1 to 8 public keys: EC P-256 (ES256), OKP Ed25519 (EdDSA) or RSA from 2,048 bits (PS256)',
    why,
  })
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > 8)
    return complain('no set of keys', 'it could never prove itself, or would have us try any number of keys')
  const kids = new Set<unknown>()
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null) return complain('a key that is no JWK', 'nothing can be verified with it')
    if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(key, name)))
      return complain(
        'a private or secret key',
        'only the client may have that; take its public part, and have the client make a new one',
      )
    const { kid, kty, n } = key as Record<string, unknown>
    const isShort = kty === 'RSA' && (typeof n !== 'string' || n.length < SHORTEST_MODULUS)
    if (algorithmOf(key) === undefined || isShort)
      return complain('a key of another kind or length', 'one key verifies one algorithm, and none that can be broken')
    if (keys.length > 1 && (typeof kid !== 'string' || kids.has(kid)))
      return complain('several keys without a `kid` each', 'the client says by it which one it signed with')
    kids.add(kid)
  }
  return undefined
}
