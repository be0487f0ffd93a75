/** A device that binds sessions: a key, and proofs as Chromium writes them, or as an attacker would. Signs with `node:crypto` alone. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

export type Kind = 'ES256' | 'RS256'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What a proof may say other than it should. `undefined` leaves a member out. */
export interface Changes {
  readonly header?: Record<string, unknown>
  readonly payload?: Record<string, unknown>
  readonly signedBy?: Device
  readonly signature?: string
}

export class Device {
  readonly kind: Kind
  readonly #key: KeyObject

  constructor(kind: Kind = 'ES256', bits = 2048) {
    this.kind = kind
    this.#key =
      kind === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
        : generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  }

  get jwk(): Record<string, unknown> {
    return createPublicKey(this.#key).export({ format: 'jwk' }) as Record<string, unknown>
  }

  get privateJwk(): Record<string, unknown> {
    return this.#key.export({ format: 'jwk' }) as Record<string, unknown>
  }

  signature(text: string): string {
    const key = this.kind === 'ES256' ? { key: this.#key, dsaEncoding: 'ieee-p1363' as const } : this.#key
    return sign('sha256', Buffer.from(text), key).toString('base64url')
  }

  /** A registration's proof: the key is in its header. */
  registration(challenge: string, changes: Changes = {}): string {
    return this.#proof(challenge, { ...changes, header: { jwk: this.jwk, ...changes.header } })
  }

  /** A refresh's proof: no key. */
  refresh(challenge: string, changes: Changes = {}): string {
    return this.#proof(challenge, changes)
  }

  #proof(challenge: string, { header, payload, signedBy = this, signature }: Changes): string {
    const signed = `${encode({ alg: this.kind, typ: 'dbsc+jwt', ...header })}.${encode({ jti: challenge, ...payload })}`
    return `${signed}.${signature ?? signedBy.signature(signed)}`
  }
}
