/** An app that proves its key: DPoP proofs as a good client writes them, or as an attacker would. Signs with `node:crypto` alone. */
import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

export type Kind = 'ES256' | 'ES384' | 'EdDSA'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hash = (text: string) => createHash('sha256').update(text).digest('base64url')

/** The request a proof is for. */
export interface ForRequest {
  readonly method?: string
  readonly url?: string
  /** Now, in epoch milliseconds. */
  readonly now: number
  readonly accessToken?: string
  readonly nonce?: string
}

/** What a proof may say other than it should. `undefined` leaves a member out. */
export interface Changes {
  readonly header?: Record<string, unknown>
  readonly payload?: Record<string, unknown>
  readonly signedBy?: App
  readonly signature?: string
}

/** Members RFC 7638, 3.2 hashes, in their order. */
const HASHED: Record<string, string[]> = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'] }

export class App {
  readonly kind: Kind
  readonly #key: KeyObject
  readonly jwk: Record<string, string>

  constructor(kind: Kind = 'ES256') {
    this.kind = kind
    const curves = { ES256: 'P-256', ES384: 'P-384' } as const
    const pair = kind === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curves[kind] })
    this.#key = pair.privateKey
    this.jwk = pair.publicKey.export({ format: 'jwk' }) as Record<string, string>
  }

  get privateJwk(): Record<string, unknown> {
    return this.#key.export({ format: 'jwk' }) as Record<string, unknown>
  }

  get jkt(): string {
    return hash(JSON.stringify(Object.fromEntries(HASHED[this.jwk.kty!]!.map((name) => [name, this.jwk[name]]))))
  }

  signature(text: string): string {
    const bytes = Buffer.from(text)
    if (this.kind === 'EdDSA') return sign(null, bytes, this.#key).toString('base64url')
    const digest = this.kind === 'ES256' ? 'sha256' : 'sha384'
    return sign(digest, bytes, { key: this.#key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
  }

  proof({ method = 'POST', url = TOKEN_URL, now, accessToken, nonce }: ForRequest, changes: Changes = {}): string {
    const header = { typ: 'dpop+jwt', alg: this.kind, jwk: this.jwk, ...changes.header }
    const payload = {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(now / 1000),
      ath: accessToken === undefined ? undefined : hash(accessToken),
      nonce,
      ...changes.payload,
    }
    const signed = `${encode(header)}.${encode(payload)}`
    return `${signed}.${changes.signature ?? (changes.signedBy ?? this).signature(signed)}`
  }
}

export const ISSUER = 'https://shop.example'
export const TOKEN_URL = `${ISSUER}/oauth/token`
