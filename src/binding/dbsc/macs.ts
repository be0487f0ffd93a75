/**
 * The two values that only this service can have made: challenges, and the bound cookie. Both are their own proof, so that neither needs
 * a place to be kept.
 */
import { Hmac, type Random, TAG_BYTES } from '../../core/crypto.ts'
import type { Keyring } from '../../core/keyring.ts'

/** What a challenge is to be answered for. One of a kind is no answer to the other. */
type ChallengeKind = 'register' | 'refresh'

export interface Challenge {
  readonly kind: ChallengeKind
  readonly sessionId: string
  readonly issuedAt: number
}

const ID_BYTES = 16
const INSTANT_BYTES = 6
/** 128 random bits: no two challenges of a device are ever equal (ASVS 5.0, 6.7.2). */
const NONCE_BYTES = 16
const KINDS: readonly ChallengeKind[] = ['register', 'refresh']
const CHALLENGE_BYTES = 1 + ID_BYTES + INSTANT_BYTES + NONCE_BYTES + TAG_BYTES
const BOUND_BYTES = INSTANT_BYTES + TAG_BYTES
const CHALLENGE_CONTEXT = Buffer.from('dbsc challenge')
const BASE64URL = /^[A-Za-z0-9_-]+$/

/** Makes and checks both under the keys of one ring. */
export class BindingMacs {
  readonly #macs: readonly Hmac[]
  readonly #random: Random

  constructor(keyring: Keyring, random: Random) {
    this.#macs = keyring.all.map((key) => new Hmac(key.derive('dbsc')))
    this.#random = random
  }

  /** A challenge: kind, session, instant, chance, and a MAC over them, so that nobody can make one up, or use it for another session. */
  challenge({ kind, sessionId, issuedAt }: Challenge): string {
    const body = Buffer.alloc(CHALLENGE_BYTES - TAG_BYTES)
    body[0] = KINDS.indexOf(kind)
    body.write(sessionId, 1, ID_BYTES, 'base64url')
    body.writeUIntBE(issuedAt, 1 + ID_BYTES, INSTANT_BYTES)
    body.set(this.#random(NONCE_BYTES), 1 + ID_BYTES + INSTANT_BYTES)
    return this.#tagged(CHALLENGE_CONTEXT, body)
  }

  /** What a challenge of ours says; `undefined` for anything else. */
  readChallenge(text: string): Challenge | undefined {
    const bytes = this.#verified(CHALLENGE_CONTEXT, text, CHALLENGE_BYTES)
    const kind = bytes && KINDS[bytes[0]!]
    if (kind === undefined) return undefined
    return {
      kind,
      sessionId: bytes!.toString('base64url', 1, 1 + ID_BYTES),
      issuedAt: bytes!.readUIntBE(1 + ID_BYTES, INSTANT_BYTES),
    }
  }

  /** Value of the bound cookie: proof that this session's key signed a moment ago. It says until when, and for which key and session. */
  boundProof(sessionId: string, thumbprint: string, expiresAt: number): string {
    const body = Buffer.alloc(INSTANT_BYTES)
    body.writeUIntBE(expiresAt, 0, INSTANT_BYTES)
    return this.#tagged(boundContext(sessionId, thumbprint), body)
  }

  /** Until when a bound cookie proves this session's key; `undefined` when it is of another session or key, or not ours. */
  boundUntil(sessionId: string, thumbprint: string, text: string): number | undefined {
    return this.#verified(boundContext(sessionId, thumbprint), text, BOUND_BYTES)?.readUIntBE(0, INSTANT_BYTES)
  }

  #tagged(context: Buffer, body: Buffer): string {
    const tag = this.#macs[0]!.digest(context, body).subarray(0, TAG_BYTES)
    return Buffer.concat([body, tag]).toString('base64url')
  }

  #verified(context: Buffer, text: string, length: number): Buffer | undefined {
    if (text.length !== Math.ceil((length * 4) / 3) || !BASE64URL.test(text)) return undefined
    const bytes = Buffer.from(text, 'base64url')
    for (const mac of this.#macs) if (mac.verifyTagged(context, bytes)) return bytes
    return undefined
  }
}

function boundContext(sessionId: string, thumbprint: string): Buffer {
  return Buffer.from(`dbsc bound ${sessionId} ${thumbprint}`, 'latin1')
}
