/**
 * Challenges that need no place to be kept: who opens a sign-in page costs no row. Each says when it was made and for what, and carries a MAC over that and
 * over whom it was given to; what makes it single-use is written down only when it is answered (WebAuthn level 3, 13.4.3; ASVS 5.0, 6.7.2).
 */
import { Hmac, type Random, sha256, TAG_BYTES } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'
import type { PurposeKeys } from '../../core/keyring.ts'
import type { Service } from '../../core/service.ts'
import type { Session } from '../../core/session.ts'
import type { Ledger } from '../../core/store.ts'
import { ownerOf } from '../owner.ts'

/** What a challenge is to be answered for. One of a kind is no answer to another. */
export type Purpose = 'register' | 'sign-in' | 'step-up'

/** What became of a challenge: the key of the ring that it was made with, or why its answer does not count. */
export type Judgement = { readonly key: PurposeKeys } | 'challenge' | 'expired' | 'replayed'

const PURPOSES: readonly Purpose[] = ['register', 'sign-in', 'step-up']
const INSTANT_BYTES = 6
/** 128 random bits: WebAuthn asks for 16 bytes, ASVS 6.7.2 for 64 bits. */
const NONCE_BYTES = 16
const BODY_BYTES = 1 + INSTANT_BYTES + NONCE_BYTES
const BYTES = BODY_BYTES + TAG_BYTES
const CONTEXT = Buffer.from('passkey challenge')
/** The clocks of two processes differ by less, or one of them is wrong. */
const MOST_SKEW = minutes(1)

/** Makes challenges, and takes each answer once. */
export class Challenges {
  readonly #macs: readonly { readonly key: PurposeKeys; readonly mac: Hmac }[]
  readonly #random: Random
  readonly #clock: () => number
  readonly #ledger: Ledger
  readonly #lifetime: number

  constructor({ config }: Service, ledger: Ledger, lifetime: number) {
    this.#macs = config.keyring.all.map((key) => ({ key, mac: new Hmac(key.derive('passkey-challenge')) }))
    this.#random = config.random
    this.#clock = config.clock
    this.#ledger = ledger
    this.#lifetime = lifetime
  }

  /** A challenge for whoever this session is. A visitor without one gets a cookie with a random value instead. */
  issue(purpose: Purpose, session: Session<unknown>): Buffer {
    const body = Buffer.alloc(BODY_BYTES)
    body[0] = PURPOSES.indexOf(purpose)
    body.writeUIntBE(this.#clock(), 1, INSTANT_BYTES)
    body.set(this.#random(NONCE_BYTES), 1 + INSTANT_BYTES)
    const message = Buffer.concat([body, Buffer.from(ownerOf(session, true)!)])
    return Buffer.concat([body, this.#macs[0]!.mac.digest(CONTEXT, message).subarray(0, TAG_BYTES)])
  }

  /**
   * Judges the challenge of an answer, and takes it: of all answers to it, in all processes, one counts, whether or not it then proves right.
   *
   * @param text - Any text; ours is base64url.
   */
  async answer(purpose: Purpose, session: Session<unknown>, text: string): Promise<Judgement> {
    const bytes = Buffer.from(text, 'base64url')
    // One challenge has one spelling.
    if (bytes.length !== BYTES || bytes.toString('base64url') !== text || PURPOSES[bytes[0]!] !== purpose) return 'challenge'
    const owner = ownerOf(session, false)
    if (owner === undefined) return 'challenge'
    const message = Buffer.concat([bytes.subarray(0, BODY_BYTES), Buffer.from(owner)])
    // In constant time, or a MAC could be found byte by byte.
    const made = this.#macs.find(({ mac }) => mac.verify(bytes.subarray(BODY_BYTES), CONTEXT, message))
    if (made === undefined) return 'challenge'

    const now = this.#clock()
    const issuedAt = bytes.readUIntBE(1, INSTANT_BYTES)
    if (now - issuedAt >= this.#lifetime || issuedAt - now > MOST_SKEW) return 'expired'
    // Remembered for as long as any clock would let it pass.
    const deadline = issuedAt + this.#lifetime + MOST_SKEW
    const key = `stepup:passkey:${sha256(bytes).toString('base64url')}`
    return (await this.#ledger.claim(key, { now, deadline })) ? { key: made.key } : 'replayed'
  }
}
