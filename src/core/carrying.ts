/**
 * Records that travel in the cookie: `"sjc1_" + base64url(key id 4 || session id 16 || nonce 12 || AES-256-GCM ciphertext || tag 16)`
 * over `flags 1 || secret 32 || version 4 || epoch 8 || record`, the record deflated where it would not fit into one cookie otherwise.
 *
 * Each session has a sealing key of its own, as `sealed-data.ts` explains, and the session id is bound to it. Nothing tells a forged
 * value from one whose key has left the ring; both are `forged`.
 */
import { deflated, inflated } from './compression.ts'
import { equalInConstantTime, Hmac, NONCE_BYTES, open, type Random, SEAL_TAG_BYTES, seal } from './crypto.ts'
import { SessionDataError } from './errors.ts'
import type { Keyring } from './keyring.ts'
import { Recent } from './recent.ts'
import { carriedRecord, encodeRecord, type SessionRecord, withChanges } from './record.ts'
import type { Vault } from './sealed-data.ts'
import type { CarryingOptions, StoredRecord } from './store.ts'
import { type ParsedToken, SECRET_BYTES } from './token.ts'

const PREFIX = 'sjc1_'
const ID_BYTES = 16
const HEAD_BYTES = 4 + ID_BYTES
const IS_DEFLATED = 1
const SECRET_AT = 1
const VERSION_AT = SECRET_AT + SECRET_BYTES
const EPOCH_AT = VERSION_AT + 4
const RECORD_AT = EPOCH_AT + 8
const LEAST_BYTES = HEAD_BYTES + NONCE_BYTES + RECORD_AT + SEAL_TAG_BYTES
const CONTEXT = Buffer.from('sojourn/1/carried-record')
/** What every browser takes in one cookie, less name and attributes: from here on a second one is needed. */
const FITS_ONE_COOKIE = 3800
/** Longer is never sealed, whatever it would be compressed to: each request would pay for it with so much memory. */
const LARGEST_RECORD = 256 * 1024
/** Longer ones are opened every time: with the 2,048 that are remembered it bounds the memory to 16 MiB. */
const LARGEST_REMEMBERED = 4096

/** Seals records into tokens and opens them. */
export interface Carrier {
  /**
   * The token that carries a record.
   *
   * @throws {SessionDataError} `ERR_COOKIE_TOO_LARGE` - status 413.
   */
  seal(record: SessionRecord, secret: Uint8Array): string
  /** What a token carries; `malformed` when it is none, `forged` when no key of the ring made it, or not for this id. */
  open(token: string): CarriedToken | 'malformed' | 'forged'
  /** @throws {SessionDataError} `ERR_COOKIE_TOO_LARGE` - found before anything is written. */
  assertFits(record: SessionRecord): void
}

/** A token and the record that came in it. */
export interface CarriedToken extends ParsedToken {
  readonly carried: StoredRecord
}

interface Opened {
  readonly bytes: Uint8Array
  readonly token: CarriedToken
}

const ANY_SECRET = Buffer.alloc(SECRET_BYTES)

/** Makes the carrier of one service. */
export function createCarrier(keyring: Keyring, random: Random, options: CarryingOptions): Carrier {
  const macs = new Map(keyring.all.map((key) => [key.keyId, new Hmac(key.derive('carried-record'))]))
  const sealingKey = (keyId: number, idBytes: Uint8Array) => macs.get(keyId)?.digest(idBytes)
  const associatedBytes = Buffer.concat([CONTEXT, Buffer.alloc(HEAD_BYTES)])
  // A visitor's burst of requests opens a cookie once or twice. The same bytes under the same keys always hold the same.
  const recent = new Recent<Opened>()

  /** What a seal is bound to besides its key: purpose, key id and session id. Used at once, so that one buffer serves all. */
  function associated(head: Buffer): Buffer {
    head.copy(associatedBytes, CONTEXT.length, 0, HEAD_BYTES)
    return associatedBytes
  }

  function plaintextOf(record: SessionRecord, secret: Uint8Array): Buffer {
    // Earlier tokens carry their own record: there is no lineage to keep.
    const { body } = encodeRecord(withChanges(record, { lineage: [] }), keyring)
    if (body.length > LARGEST_RECORD) throw tooLarge(lengthOf(RECORD_AT + body.length))
    const isLong = lengthOf(RECORD_AT + body.length) > FITS_ONE_COOKIE
    const short = isLong && options.deflates ? deflated(body) : undefined
    const head = Buffer.alloc(RECORD_AT)
    head[0] = short === undefined ? 0 : IS_DEFLATED
    head.set(secret, SECRET_AT)
    head.writeUInt32BE(record.version, VERSION_AT)
    head.writeDoubleBE(record.epoch, EPOCH_AT)
    const plaintext = Buffer.concat([head, short ?? body])
    const length = lengthOf(plaintext.length)
    if (length > options.maxLength) throw tooLarge(length)
    return plaintext
  }

  function tooLarge(length: number): SessionDataError {
    return new SessionDataError(
      `The session needs ${length} characters of cookie; at most ${options.maxLength} are allowed (cookieStore's maxLength). ` +
        'Keep less in session.data, or use a store that keeps it on the server. See docs/stores/cookie.md.',
      { code: 'ERR_COOKIE_TOO_LARGE', status: 413 },
    )
  }

  function opened(bytes: Buffer): CarriedToken | 'forged' {
    const key = sealingKey(bytes.readUInt32BE(), bytes.subarray(4, HEAD_BYTES))
    const plaintext = key && open(key, bytes.subarray(HEAD_BYTES), associated(bytes))
    if (plaintext === undefined) return 'forged'
    const rest = plaintext.subarray(RECORD_AT)
    const body = plaintext[0] === IS_DEFLATED ? inflated(rest, LARGEST_RECORD) : rest
    const carried = body && carriedRecord(body, plaintext.readUInt32BE(VERSION_AT), plaintext.readDoubleBE(EPOCH_AT))
    if (carried === undefined) return 'forged'
    return { id: carried.id, secret: plaintext.subarray(SECRET_AT, VERSION_AT), carried }
  }

  return {
    seal(record, secret) {
      const { keyId } = keyring.newest
      const head = Buffer.alloc(HEAD_BYTES)
      head.writeUInt32BE(keyId)
      record.idBytes.copy(head, 4)
      const key = sealingKey(keyId, record.idBytes)!
      const sealed = seal(key, random(NONCE_BYTES), associated(head), plaintextOf(record, secret))
      return PREFIX + Buffer.concat([head, sealed]).toString('base64url')
    },

    open(token) {
      // Twice the limit: it may have been higher when this was made.
      if (token.length > 2 * options.maxLength || !token.startsWith(PREFIX)) return 'malformed'
      const text = token.slice(PREFIX.length)
      const bytes = Buffer.from(text, 'base64url')
      // Written again it is the same, or characters were skipped: one token has one spelling (RFC 4648, 3.5).
      if (bytes.length < LEAST_BYTES || bytes.toString('base64url') !== text) return 'malformed'
      const id = bytes.toString('base64url', 4, HEAD_BYTES)
      const known = recent.get(id)
      // In constant time, or whoever knows an id could find its cookie piece by piece.
      if (known !== undefined && equalInConstantTime(known.bytes, bytes)) return known.token
      const result = opened(bytes)
      if (result === 'forged' || Math.max(bytes.length, result.carried.body.length) > LARGEST_REMEMBERED) return result
      if (known !== undefined || recent.cameUpBefore(id)) recent.keep(id, { bytes: new Uint8Array(bytes), token: result })
      return result
    },

    assertFits(record) {
      plaintextOf(record, ANY_SECRET)
    },
  }
}

/** Session data in a carried record: the whole is sealed, the data in it need not be once more. */
export const plainVault: Vault = {
  seal: (plaintext) => plaintext,
  open: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
  isOutdated: () => false,
}

/** Characters of the token whose plaintext has so many bytes. */
function lengthOf(plaintextBytes: number): number {
  const bytes = HEAD_BYTES + NONCE_BYTES + plaintextBytes + SEAL_TAG_BYTES
  return PREFIX.length + Math.ceil((bytes * 4) / 3)
}
