/**
 * The token of a notice's link: `"sjw1_" + base64url(secret 32 B || tag 16 B)`. It says nothing of whom it is about and is good for one thing alone; made-up ones are
 * refused by CPU. What it stands for is in the ledger, under its hash and sealed, so that who reads the ledger can neither use a link nor see whose it is, and who
 * writes to it cannot make one up.
 */
import { deriveKey, Hmac, NONCE_BYTES, open, type Random, seal, sha256, TAG_BYTES } from '../../core/crypto.ts'
import type { Keyring, PurposeKeys } from '../../core/keyring.ts'

/** What a link stands for. `used` keeps nothing of anybody. */
export type NoticeRecord =
  | { readonly state: 'used' }
  | {
      readonly state: 'open'
      readonly subject: string
      readonly sessionId: string
      /** When that session started. */
      readonly at: number
      readonly device: string | undefined
      readonly methods: readonly string[]
      readonly ends: 'session' | 'all'
      readonly deadline: number
    }

export type OpenRecord = Extract<NoticeRecord, { state: 'open' }>

const PREFIX = 'sjw1_'
const SECRET_BYTES = 32
/** 48 bytes are 64 characters, without a bit to spare: one token has one spelling. */
const SHAPE = /^sjw1_[A-Za-z0-9_-]{64}$/
const MAC_CONTEXT = Buffer.from('sjw1')
const PURPOSE = 'new-sign-in'

/** Makes, reads and keeps them, under the keys of one service. */
export interface NoticeTokens {
  mint(): string
  /** The name of its entry in the ledger; `undefined` for what no key of the ring made. */
  nameOf(token: unknown): string | undefined
  sealed(name: string, record: NoticeRecord): Buffer
  opened(name: string, value: Uint8Array): NoticeRecord | undefined
}

export function noticeTokens(keyring: Keyring, random: Random): NoticeTokens {
  const macs = keyring.all.map((key) => new Hmac(key.derive(`${PURPOSE}-token`)))
  const keyFor = (key: PurposeKeys, name: string) => deriveKey(key.derive(PURPOSE), name)
  const associated = (name: string) => Buffer.from(JSON.stringify(['sojourn/1', PURPOSE, name]))

  return {
    mint() {
      const secret = Buffer.from(random(SECRET_BYTES))
      const tag = macs[0]!.digest(MAC_CONTEXT, secret).subarray(0, TAG_BYTES)
      return PREFIX + Buffer.concat([secret, tag]).toString('base64url')
    },
    nameOf(token) {
      if (typeof token !== 'string' || !SHAPE.test(token)) return undefined
      const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
      if (!macs.some((mac) => mac.verifyTagged(MAC_CONTEXT, bytes))) return undefined
      return `monitor:sign-in:${sha256(bytes.subarray(0, SECRET_BYTES)).toString('base64url')}`
    },
    sealed(name, record) {
      const text = Buffer.from(JSON.stringify(record))
      return seal(keyFor(keyring.newest, name), random(NONCE_BYTES), associated(name), text)
    },
    opened(name, value) {
      for (const key of keyring.all) {
        const text = open(keyFor(key, name), value, associated(name))
        if (text !== undefined) return JSON.parse(text.toString()) as NoticeRecord
      }
      return undefined
    },
  }
}
