/**
 * Tokens against forged requests, for clients whose headers do not say where a request began. A token is a MAC over the session's id, so
 * nothing is kept; it goes out under a new mask each time, so that a compressed page never repeats it (BREACH).
 */
import { Hmac, type Random } from '../../core/crypto.ts'
import type { Keyring } from '../../core/keyring.ts'

/**
 * Whose token it is: a session's, by its public id, or that of a visitor without one, by the random value of a cookie. The id changes with
 * the subject, so what was handed out before a sign-in is void after it (login CSRF).
 */
export interface CsrfOwner {
  readonly kind: 'session' | 'anonymous'
  readonly value: string
}

const BYTES = 32
/** 64 bytes in base64url. */
export const CSRF_TOKEN_LENGTH = 86
const BASE64URL = /^[A-Za-z0-9_-]+$/
/** The kind ends where the NUL is, which no value holds: one kind's token is never the other's. */
const CONTEXTS = { session: Buffer.from('session\0'), anonymous: Buffer.from('anonymous\0') } as const

/** Makes and checks tokens under the keys of one ring. */
export class CsrfTokens {
  readonly #macs: readonly Hmac[]
  readonly #random: Random

  constructor(keyring: Keyring, random: Random) {
    this.#macs = keyring.all.map((key) => new Hmac(key.derive('csrf')))
    this.#random = random
  }

  /** A token in a new mask: `base64url(mask || mask XOR MAC)`. */
  mint({ kind, value }: CsrfOwner): string {
    const token = Buffer.allocUnsafe(2 * BYTES)
    token.set(this.#random(BYTES))
    const mac = this.#macs[0]!.digest(CONTEXTS[kind], Buffer.from(value))
    for (let i = 0; i < BYTES; i++) token[BYTES + i] = token[i]! ^ mac[i]!
    return token.toString('base64url')
  }

  /** Whether this is a token of this owner's, of any key of the ring. Any string is fine: length and alphabet are looked at first. */
  isOf(token: string, { kind, value }: CsrfOwner): boolean {
    if (token.length !== CSRF_TOKEN_LENGTH || !BASE64URL.test(token)) return false
    const bytes = Buffer.from(token, 'base64url')
    // The last character has bits to spare; one token has one spelling.
    if (bytes.toString('base64url') !== token) return false
    const mac = bytes.subarray(BYTES)
    for (let i = 0; i < BYTES; i++) mac[i]! ^= bytes[i]!
    // In constant time, or a MAC could be found byte by byte.
    return this.#macs.some((each) => each.verify(mac, CONTEXTS[kind], Buffer.from(value)))
  }
}
