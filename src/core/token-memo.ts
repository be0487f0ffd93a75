/**
 * Tokens that were good lately, so that a visitor's burst of requests checks the MAC once or twice. A token is known again by its SHA-256:
 * one hash in place of three and a decoding, and no secret stays in memory for longer than its request.
 */
import { digestText } from './crypto.ts'
import type { Keyring } from './keyring.ts'
import { Recent } from './recent.ts'
import { hashSecret, type ParsedToken, parseToken, secretIn, TOKEN_LENGTH } from './token.ts'

/** What is kept of a token: nothing that could be sent as one. */
interface Known {
  readonly id: string
  readonly secretHash: Buffer
}

/** Gives a `parseToken` that remembers. What no key of the ring made is never remembered. */
export function rememberingParser(keyring: Keyring): (token: string) => ParsedToken | 'malformed' | 'forged' {
  const recent = new Recent<Known>()

  return (token) => {
    if (token.length !== TOKEN_LENGTH) return 'malformed'
    const digest = digestText(token)
    const known = recent.get(digest)
    if (known !== undefined) return new KnownToken(token, known)
    const parsed = parseToken(token, keyring)
    if (typeof parsed === 'string' || !recent.cameUpBefore(digest)) return parsed
    recent.keep(digest, { id: parsed.id, secretHash: hashSecret(parsed.secret) })
    return parsed
  }
}

/** A token whose MAC was right before. Its secret is decoded only for what needs it: rotation, and tokens that were replaced. */
class KnownToken implements ParsedToken {
  readonly id: string
  readonly #token: string
  // Private on purpose: a copy that is given another secret must not take the hash along.
  readonly #secretHash: Buffer

  constructor(token: string, { id, secretHash }: Known) {
    this.id = id
    this.#token = token
    this.#secretHash = secretHash
  }

  get secret(): Buffer {
    return secretIn(this.#token)
  }

  static hashOf(token: ParsedToken): Buffer {
    return token instanceof KnownToken ? token.#secretHash : hashSecret(token.secret)
  }
}

/** `hashSecret` of a token's secret, at no cost where the token is known. */
export const secretHashOf = KnownToken.hashOf
