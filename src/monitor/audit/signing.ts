/**
 * Who vouches for the log: an Ed25519 key (RFC 8032) for each key of the ring, derived from it, so that every process of the application has the same and there is none to
 * keep. Its public half is for everybody: whoever has it can check an export without being able to make one.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Keyring } from '../../core/keyring.ts'
import type { Signed } from './audit-store.ts'
import { digest } from './canonical.ts'

/** A key that signatures are checked with. */
export interface AuditPublicKey {
  /** Name of the key in what it signed. */
  readonly id: string
  /** The 32 bytes in base64url, as `x` of a JWK. */
  readonly publicKey: string
  /** The same for `openssl` and the like. */
  readonly pem: string
}

/** What a statement is about; a signature of one is none of another. */
export type Statement = 'head' | 'checkpoint' | 'cut'

/** Signs with the newest key, and checks with all that are trusted. */
export interface Signer {
  readonly keyId: string
  readonly publicKeys: readonly AuditPublicKey[]
  sign(what: Statement, body: string): Signed
  /** `unknown-key` when the key it names is not among the trusted. */
  check(what: Statement, signed: Signed, keyId: unknown): 'good' | 'bad' | 'unknown-key'
}

// DER of RFC 8410 around the 32 bytes of an Ed25519 key.
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Makes the signer of a ring.
 *
 * @param trusted - Public keys, in base64url, of keys that have left the ring.
 */
export function createSigner(keyring: Keyring, trusted: readonly string[]): Signer {
  const own = keyring.all.map((keys) => {
    const secretKey = Buffer.concat([PKCS8, keys.derive('audit')])
    const privateKey = createPrivateKey({ key: secretKey, format: 'der', type: 'pkcs8' })
    return { privateKey, ...publicOf(createPublicKey(privateKey)) }
  })
  const others = trusted.map((text) => publicOf(keyOf(text)))
  const known = new Map([...own, ...others].map((key) => [key.id, key]))
  const newest = own[0]!
  return {
    keyId: newest.id,
    publicKeys: [...known.values()].map(({ id, publicKey, pem }) => ({ id, publicKey, pem })),
    sign: (what, body) => ({ body, signature: sign(null, message(what, body), newest.privateKey).toString('base64url') }),
    check(what, { body, signature }, keyId) {
      const key = known.get(String(keyId))
      if (key === undefined) return 'unknown-key'
      const isGood =
        typeof signature === 'string' && verify(null, message(what, body), key.key, Buffer.from(signature, 'base64url'))
      return isGood ? 'good' : 'bad'
    },
  }
}

/** A public key as base64url says it; throws what Node throws. */
export const keyOf = (text: string): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI, Buffer.from(text, 'base64url')]), format: 'der', type: 'spki' })

function publicOf(key: KeyObject) {
  const publicKey = key.export({ format: 'der', type: 'spki' }).subarray(SPKI.length).toString('base64url')
  const pem = key.export({ format: 'pem', type: 'spki' }).toString()
  return { key, id: digest('key', publicKey).slice(0, 11), publicKey, pem }
}

const message = (what: Statement, body: string) => Buffer.from(`sojourn/audit/1/signed/${what}\0${body}`)
