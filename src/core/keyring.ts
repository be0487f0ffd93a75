import { deriveKey, Hmac } from './crypto.ts'
import { ConfigError } from './errors.ts'

const READ_MORE = 'Make one with `npx sojourn keys`; see docs/guide/keys.md.'
const KEY_BYTES = 32
/** 32 random bytes have 30 different values on average; fewer than 16 happens once in 10^20 keys. */
const LEAST_DIFFERENT_BYTES = 16

/** What one key of the ring is used for; each use has a key of its own, derived by HKDF, so that no two uses can be confused. */
export interface PurposeKeys {
  /** Public name of the key, 32 bits; says under which key something was sealed. */
  readonly keyId: number
  /** MAC of tokens. */
  readonly tokenMac: Hmac
  /** MAC of records. */
  readonly recordMac: Hmac
  /** Derives each session's own sealing key. */
  readonly sealMac: Hmac
  /** Derives successors at rotation. */
  readonly rotationMac: Hmac
  /** A further, independent 32-byte key for a named purpose of a later layer (`csrf`, `pseudonym`). */
  readonly derive: (purpose: string) => Buffer
}

/** Keys in use, newest first. Everything new is made with the first; what an older one made stays good while it is in the ring. */
export interface Keyring {
  readonly newest: PurposeKeys
  readonly all: readonly PurposeKeys[]
  /** The key with this public name, `undefined` when it has left the ring. */
  readonly byId: (keyId: number) => PurposeKeys | undefined
}

/**
 * Builds the ring.
 *
 * @param keys - 32 random bytes in base64url each, newest first; one string may hold several, separated by commas or spaces.
 * @throws {ConfigError} `ERR_KEYS_INVALID` - missing, of another length, repeated, or not random. A weak key lets anyone mint tokens.
 */
export function createKeyring(keys: string | readonly string[] | undefined): Keyring {
  if (keys != null && typeof keys !== 'string' && !Array.isArray(keys))
    throw invalid(`\`keys\` is of type ${typeof keys}`, 'a string, or an array of strings')
  const texts = (typeof keys === 'string' ? keys.split(/[\s,]+/) : [...(keys ?? [])]).filter((text) => text !== '')
  if (texts.length === 0)
    throw invalid('`keys` is missing or empty', 'at least one key of 32 random bytes in base64url (43 characters)')

  const seen = new Set<string>()
  const all = texts.map((text, index) => {
    const secretKey = decodeKey(text, index)
    const spelledOneWay = secretKey.toString('base64url')
    if (seen.has(spelledOneWay))
      throw invalid(`key ${index + 1} of ${texts.length} is there twice`, 'each key once, newest first')
    seen.add(spelledOneWay)
    return purposeKeys(secretKey)
  })
  const newest = all[0]!
  return {
    newest,
    all,
    byId: (keyId) => (keyId === newest.keyId ? newest : all.find((key) => key.keyId === keyId)),
  }
}

function purposeKeys(secretKey: Buffer): PurposeKeys {
  const derive = (purpose: string) => deriveKey(secretKey, `sojourn/1/${purpose}`)
  return {
    keyId: derive('key-id').readUInt32BE(),
    tokenMac: new Hmac(derive('token-mac')),
    recordMac: new Hmac(derive('record-mac')),
    sealMac: new Hmac(derive('seal')),
    rotationMac: new Hmac(derive('rotation')),
    derive: (purpose) => derive(`further/${purpose}`),
  }
}

function decodeKey(text: unknown, index: number): Buffer {
  const which = `key ${index + 1}`
  if (typeof text !== 'string') throw invalid(`${which} is of type ${typeof text}`, 'a string of 43 base64url characters')
  if (/change.?me|placeholder|example|secret|password|your.?key/i.test(text)) {
    throw invalid(`${which} looks like a placeholder`, '32 random bytes')
  }
  if (!/^[A-Za-z0-9_-]{43}=?$/.test(text)) {
    throw invalid(`${which} has ${text.length} characters or another alphabet`, '43 base64url characters, which are 32 bytes')
  }
  const secretKey = Buffer.from(text, 'base64url')
  if (secretKey.length !== KEY_BYTES) throw invalid(`${which} has ${secretKey.length} bytes`, '32 bytes')
  // Steps between neighbours: bytes that count up, as in published test keys, are all different and no less of a pattern.
  const steps = secretKey.map((byte, i) => byte - secretKey.at(i - 1)!)
  const isPattern = [secretKey, steps].some((bytes) => new Set(bytes).size < LEAST_DIFFERENT_BYTES)
  const isRepeated = secretKey.subarray(0, KEY_BYTES / 2).equals(secretKey.subarray(KEY_BYTES / 2))
  if (isPattern || isRepeated || secretKey.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    throw invalid(`${which} is not random`, '32 bytes of a cryptographic random generator, not a phrase or a pattern')
  }
  return secretKey
}

function invalid(given: string, expected: string): ConfigError {
  return new ConfigError(
    `createSessions: ${given}; expected ${expected}. Whoever guesses a key can mint sessions. ${READ_MORE}`,
    {
      code: 'ERR_KEYS_INVALID',
    },
  )
}
