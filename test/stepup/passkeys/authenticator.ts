/**
 * An authenticator in software, written from WebAuthn level 3 (6.1, 6.5) and RFC 8949 and sharing no line with what verifies it. It does as it is told, wrong
 * things too.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

type Cbor = number | string | Uint8Array | readonly Cbor[] | ReadonlyMap<number | string, Cbor>

/** RFC 8949, in its one deterministic form for what WebAuthn needs. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flat().map((part) => cbor(part as Cbor))])
  const list = value as readonly Cbor[]
  return Buffer.concat([head(4, list.length), ...list.map(cbor)])
}

function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument])
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument])
  return Buffer.from([(major << 5) | 25, argument >> 8, argument & 255])
}

export const UP = 1
export const UV = 4
export const BE = 8
export const BS = 16
export const AT = 64
export const ED = 128

export type CoseAlgorithm = -7 | -8 | -257 | -37

/** What is done otherwise than an honest authenticator and browser do. */
export interface Tampering {
  readonly client?: Record<string, unknown>
  /** The client data's bytes as they are. */
  readonly clientBytes?: (honest: Buffer) => Buffer
  readonly rpId?: string
  readonly flags?: number
  readonly signCount?: number
  /** CBOR behind everything else, with the flag for it. */
  readonly extensions?: Buffer
  readonly trailing?: Buffer
  readonly publicKey?: Buffer
  readonly attestedId?: Buffer
  readonly format?: string
  readonly statement?: ReadonlyMap<string, Cbor>
  /** Signs the registration with the credential's own key. */
  readonly isSelfAttested?: boolean
  readonly userHandle?: string | null
  /** Signs with this instead. */
  readonly key?: KeyObject
  readonly response?: Record<string, unknown>
  readonly top?: Record<string, unknown>
}

export interface MadeCredential {
  readonly id: string
  readonly rpId: string
  readonly userHandle: string
  readonly key: KeyObject
  readonly cose: Buffer
  signCount: number
}

/** JSON as `@simplewebauthn/browser` would send it. */
export interface AnswerJson {
  readonly id: string
  readonly rawId: string
  readonly type: string
  readonly response: Record<string, unknown>
}

const hash = (data: string | Uint8Array) => createHash('sha256').update(data).digest()
const b64 = (data: string | Uint8Array) => Buffer.from(data as string).toString('base64url')

export class Authenticator {
  algorithm: CoseAlgorithm = -7
  flags = UP | UV
  /** Whether it counts at all; those that sync do not. */
  counts = true
  readonly credentials: MadeCredential[] = []

  constructor(more: { algorithm?: CoseAlgorithm; flags?: number; counts?: boolean } = {}) {
    Object.assign(this, more)
  }

  /** Another device with everything that is in this one. */
  clone(): Authenticator {
    const copy = new Authenticator({ algorithm: this.algorithm, flags: this.flags, counts: this.counts })
    copy.credentials.push(...this.credentials.map((credential) => ({ ...credential })))
    return copy
  }

  create(
    options: { rp: { id: string }; user: { id: string }; challenge: string },
    origin: string,
    tampering: Tampering = {},
  ): AnswerJson {
    const { key, cose } = newKey(this.algorithm)
    const idBytes = randomBytes(32)
    const credential = {
      id: b64(idBytes),
      rpId: options.rp.id,
      userHandle: options.user.id,
      key,
      cose,
      signCount: this.counts ? 1 : 0,
    }
    this.credentials.push(credential)
    const { attestedId = idBytes, publicKey = cose } = tampering
    const length = Buffer.alloc(2)
    length.writeUInt16BE(attestedId.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, attestedId, publicKey])
    const authData = this.#authData(credential, AT, attested, tampering)
    const client = clientData('webauthn.create', options.challenge, origin, tampering)
    const { isSelfAttested = false, format = isSelfAttested ? 'packed' : 'none' } = tampering
    const selfSigned = () =>
      new Map<string, Cbor>([
        ['alg', this.algorithm],
        ['sig', signed(tampering.key ?? key, Buffer.concat([authData, hash(client)]))],
      ])
    const statement = tampering.statement ?? (isSelfAttested ? selfSigned() : new Map<string, Cbor>())
    const object = new Map<string, Cbor>([
      ['fmt', format],
      ['attStmt', statement],
      ['authData', authData],
    ])
    return answer(credential.id, tampering, {
      clientDataJSON: b64(client),
      attestationObject: b64(cbor(object)),
      transports: ['internal'],
    })
  }

  /** With the credential it is asked for, or the newest it has for the site. */
  get(
    options: { rpId: string; challenge: string; allowCredentials: readonly { id: string }[] },
    origin: string,
    tampering: Tampering = {},
  ): AnswerJson {
    const isAllowed = ({ id }: MadeCredential) =>
      options.allowCredentials.length === 0 || options.allowCredentials.some((allowed) => allowed.id === id)
    const credential =
      this.credentials.findLast((each) => each.rpId === options.rpId && isAllowed(each)) ?? this.credentials.at(-1)!
    if (this.counts) credential.signCount++
    const authData = this.#authData(credential, 0, Buffer.alloc(0), tampering)
    const client = clientData('webauthn.get', options.challenge, origin, tampering)
    return answer(credential.id, tampering, {
      clientDataJSON: b64(client),
      authenticatorData: b64(authData),
      signature: b64(signed(tampering.key ?? credential.key, Buffer.concat([authData, hash(client)]))),
      userHandle: tampering.userHandle === undefined ? credential.userHandle : tampering.userHandle,
    })
  }

  #authData({ rpId, signCount }: MadeCredential, more: number, attested: Buffer, tampering: Tampering): Buffer {
    const flags = (tampering.flags ?? this.flags) | more | (tampering.extensions ? ED : 0)
    const count = Buffer.alloc(4)
    count.writeUInt32BE(tampering.signCount ?? signCount)
    const { extensions = Buffer.alloc(0), trailing = Buffer.alloc(0) } = tampering
    return Buffer.concat([hash(tampering.rpId ?? rpId), Buffer.from([flags]), count, attested, extensions, trailing])
  }
}

function clientData(type: string, challenge: string, origin: string, { client, clientBytes }: Tampering): Buffer {
  const honest = Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...client }))
  return clientBytes?.(honest) ?? honest
}

function answer(id: string, { top, response: changed }: Tampering, response: Record<string, unknown>): AnswerJson {
  return { id, rawId: id, type: 'public-key', response: { ...response, ...changed }, ...top }
}

function signed(key: KeyObject, data: Buffer): Buffer {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, key)
}

const bytes = (text: string | undefined) => Buffer.from(text!, 'base64url')

/** RSA keys take long to make; one is enough for all tests. */
let rsa: KeyObject | undefined

/** A key, and the same as COSE (RFC 9053). -37 (PS256) is one that nobody offered. */
export function newKey(algorithm: CoseAlgorithm, curve = 'P-256'): { key: KeyObject; cose: Buffer } {
  if (algorithm === -7) {
    const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: curve })
    const { x, y } = key.export({ format: 'jwk' })
    const crv = curve === 'P-256' ? 1 : 2
    return {
      key,
      cose: cbor(
        new Map<number, Cbor>([
          [1, 2],
          [3, -7],
          [-1, crv],
          [-2, bytes(x)],
          [-3, bytes(y)],
        ]),
      ),
    }
  }
  if (algorithm === -8) {
    const { privateKey: key } = generateKeyPairSync('ed25519')
    return {
      key,
      cose: cbor(
        new Map<number, Cbor>([
          [1, 1],
          [3, -8],
          [-1, 6],
          [-2, bytes(key.export({ format: 'jwk' }).x)],
        ]),
      ),
    }
  }
  rsa ??= createPrivateKey(
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  )
  const { n, e } = rsa.export({ format: 'jwk' })
  return {
    key: rsa,
    cose: cbor(
      new Map<number, Cbor>([
        [1, 3],
        [3, algorithm],
        [-1, bytes(n)],
        [-2, bytes(e)],
      ]),
    ),
  }
}
