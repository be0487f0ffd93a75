/**
 * The one file that touches `node:crypto`. Everything here is synchronous: a WebCrypto call goes through a thread pool and
 * costs 16-110 us, these cost 0.2-3 us (design 8). `binary` strings (Node's older name of latin1) come back from `crypto.hash` four times faster than buffers.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hash, hkdfSync, randomFillSync, timingSafeEqual } from 'node:crypto'

/** Gives `size` unpredictable bytes that nobody else has seen. Tests hand in a seeded one. */
export type Random = (size: number) => Uint8Array

const POOL_BYTES = 8192

/**
 * A CSPRNG that asks the system for 8 KiB at a time; bytes are wiped from the pool as they are handed out, so that a later
 * look into this process's memory finds no secret twice.
 */
export function pooledRandom(): Random {
  const pool = Buffer.allocUnsafeSlow(POOL_BYTES)
  let used = POOL_BYTES
  return (size) => {
    if (size > POOL_BYTES) return randomFillSync(Buffer.allocUnsafeSlow(size))
    if (used + size > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const bytes = Buffer.allocUnsafeSlow(size)
    pool.copy(bytes, 0, used, used + size)
    pool.fill(0, used, used + size)
    used += size
    return bytes
  }
}

/** SHA-256 (FIPS 180-4), 32 bytes. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'binary')
}

/** SHA-256 of an ASCII text, as 32 characters of latin1: what a text is known by again without being kept. */
export function digestText(text: string): string {
  return hash('sha256', text, 'binary')
}

const BLOCK = 64
const NO_BYTES = new Uint8Array(0)
/** Length of the MACs on tokens and records: 128 bits. */
export const TAG_BYTES = 16

/**
 * HMAC-SHA-256 (RFC 2104) under one key, over `crypto.hash`: a third of the cost of `createHmac` for messages of this size.
 * `test/core/crypto.test.ts` compares it with `createHmac` on random keys and messages.
 */
export class Hmac {
  readonly #innerPad = Buffer.alloc(BLOCK, 0x36)
  readonly #outer = Buffer.alloc(BLOCK + 32, 0x5c)
  readonly #expected = Buffer.alloc(32)
  readonly #expectedTag = this.#expected.subarray(0, TAG_BYTES)
  readonly #givenTag = Buffer.alloc(TAG_BYTES)
  #inner: Buffer
  /** The part of `#inner` that holds a message, kept because most messages are of one length. */
  #filled: Buffer

  /** @param secretKey - At most 64 bytes; Sojourn's are 32. */
  constructor(secretKey: Uint8Array) {
    for (let i = 0; i < secretKey.length; i++) {
      this.#innerPad[i] = 0x36 ^ secretKey[i]!
      this.#outer[i] = 0x5c ^ secretKey[i]!
    }
    this.#inner = Buffer.alloc(BLOCK + 256)
    this.#innerPad.copy(this.#inner)
    this.#filled = this.#inner
  }

  /** The MAC of the message made of these two parts; 32 bytes. */
  digest(first: Uint8Array, second: Uint8Array = NO_BYTES): Buffer {
    return Buffer.from(this.#digest(first, second), 'latin1')
  }

  /** Whether a tag is the first bytes of that MAC, in constant time, or it could be found byte by byte. */
  verify(tag: Uint8Array, first: Uint8Array, second: Uint8Array = NO_BYTES): boolean {
    this.#expected.write(this.#digest(first, second), 'latin1')
    return timingSafeEqual(tag.length === TAG_BYTES ? this.#expectedTag : this.#expected, tag)
  }

  /**
   * Whether bytes end with the tag of `context` and of what stands before it; `verify` for tokens, which every request brings, without
   * making anything for the garbage collector.
   */
  verifyTagged(context: Uint8Array, tagged: Buffer): boolean {
    const length = tagged.length - TAG_BYTES
    const inner = this.#room(context.length + length)
    inner.set(context, BLOCK)
    tagged.copy(inner, BLOCK + context.length, 0, length)
    tagged.copy(this.#givenTag, 0, length)
    this.#expected.write(this.#finish(), 'latin1')
    return timingSafeEqual(this.#expectedTag, this.#givenTag)
  }

  #digest(first: Uint8Array, second: Uint8Array): string {
    const inner = this.#room(first.length + second.length)
    inner.set(first, BLOCK)
    inner.set(second, BLOCK + first.length)
    return this.#finish()
  }

  /** The scratch buffer, for a message of this length behind the inner pad. */
  #room(length: number): Buffer {
    const end = BLOCK + length
    if (end > this.#inner.length) {
      this.#inner = Buffer.alloc(end * 2)
      this.#innerPad.copy(this.#inner)
      this.#filled = this.#inner
    }
    if (this.#filled.length !== end) this.#filled = this.#inner.subarray(0, end)
    return this.#filled
  }

  #finish(): string {
    this.#outer.write(hash('sha256', this.#filled, 'binary'), BLOCK, 'latin1')
    // The message often holds a token's secret: it does not stay behind in the scratch buffer.
    this.#filled.fill(0, BLOCK)
    return hash('sha256', this.#outer, 'binary')
  }
}

/** HKDF-SHA-256 (RFC 5869) without salt: an independent 32-byte key for each `info`. */
export function deriveKey(secretKey: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secretKey, new Uint8Array(0), info, 32))
}

/** Compares in time that depends on the lengths only; different lengths are unequal. */
export function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

export const NONCE_BYTES = 12
export const SEAL_TAG_BYTES = 16

/** Seals with AES-256-GCM (SP 800-38D): `nonce || ciphertext || tag`. A nonce must never repeat under one key. */
export function seal(secretKey: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Buffer {
  // As a KeyObject: Node 24 spends 10 us on a raw key and 3 us on this.
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(secretKey), nonce)
  cipher.setAAD(associated)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()])
}

/** Opens what `seal` made; `undefined` for anything else, whatever is wrong with it. */
export function open(secretKey: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + SEAL_TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(secretKey), sealed.subarray(0, NONCE_BYTES), {
      authTagLength: SEAL_TAG_BYTES,
    })
    decipher.setAAD(associated)
    decipher.setAuthTag(sealed.subarray(sealed.length - SEAL_TAG_BYTES))
    const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - SEAL_TAG_BYTES))
    decipher.final()
    return plaintext
  } catch {
    return undefined
  }
}
