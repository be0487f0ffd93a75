/**
 * Where signing keys are kept: the ledger, sealed. Whoever reads the database cannot sign, and whoever writes to it cannot make this issuer sign with, or
 * publish, a key of theirs.
 *
 * An entry is there once for each key of the ring, under that one's name and seal. A ring that gains a key finds what the old one sealed, and copies it; a ring
 * that loses one finds the copies, or, if it was replaced at once, nothing: the period gets a new key, and what the old one signed is over. Processes
 * with different rings never write over each other's entries.
 */
import type { JWK } from 'jose'
import { deriveKey, NONCE_BYTES, open, seal, sha256 } from '../../core/crypto.ts'
import type { PurposeKeys } from '../../core/keyring.ts'
import type { TokenContext } from '../context.ts'
import type { Period } from './periods.ts'

/** An entry of the ledger, sealed: what may be kept in memory to put it back. */
export interface Entry {
  readonly name: string
  readonly value: Uint8Array
}

export interface Pair {
  readonly kid: string
  readonly secretJwk: JWK
}

export interface StoredPair extends Pair {
  readonly entry: Entry
}

/** What was found for a period. `damaged`: there is something under its name that no key of the ring sealed for it. */
export type Found = StoredPair | 'absent' | 'damaged'

export interface KeyVault {
  /** Also completes the copies that are missing. */
  find(period: Period): Promise<Found>
  keep(period: Period, pair: Pair): Promise<void>
  /** Puts an entry back that the ledger has lost; the next `find` completes the copies. */
  restore(period: Period, entry: Entry): Promise<void>
  /** `true` for one process at a time: it makes the period's key. */
  mayMake(period: Period): Promise<boolean>
  /** `true` for one process, ever: it says that the key has retired. */
  mayReport(kid: string, until: number): Promise<boolean>
}

/** For so long nobody else makes a period's key: longer than making and keeping one takes, or two would be in use. */
export const MAKING_TIME = 10_000
const KID_LENGTH = 43

export function createKeyVault({ ledger, service, settings }: TokenContext): KeyVault {
  const { clock, keyring, random } = service.config
  const { algorithm, issuer, signingKeyLifetime } = settings
  // Two issuers over one store have keys of their own: a key says who signed (RFC 8725, 3.8).
  const whose = sha256(Buffer.from(issuer)).toString('base64url', 0, 12)
  // In one order, however the ring lists them: processes of before and after a change of it agree on whose copy counts.
  const ring = keyring.all.toSorted((a, b) => a.keyId - b.keyId)
  const nameOf = (period: Period, key: PurposeKeys) =>
    `tokens:key:${whose}:${algorithm}:${signingKeyLifetime}:${period.number}:${key.keyId.toString(16)}`

  const secretFor = (key: PurposeKeys, name: string) => deriveKey(key.derive('signing-keys'), name)

  function sealed(name: string, key: PurposeKeys, { kid, secretJwk }: Pair): Buffer {
    const plaintext = Buffer.from(JSON.stringify(secretJwk))
    return Buffer.concat([
      Buffer.from(kid),
      seal(secretFor(key, name), random(NONCE_BYTES), Buffer.from(`${name}:${kid}`), plaintext),
    ])
  }

  function opened(name: string, key: PurposeKeys, value: Uint8Array): StoredPair | undefined {
    const kid = Buffer.from(value.subarray(0, KID_LENGTH)).toString('latin1')
    const plaintext = open(secretFor(key, name), value.subarray(KID_LENGTH), Buffer.from(`${name}:${kid}`))
    return plaintext && { kid, secretJwk: JSON.parse(plaintext.toString()) as JWK, entry: { name, value } }
  }

  async function keep(period: Period, pair: Pair, keys: readonly PurposeKeys[]): Promise<void> {
    for (const key of keys) {
      const name = nameOf(period, key)
      await ledger.put(name, sealed(name, key, pair), { now: clock(), deadline: period.publishedUntil })
    }
  }

  return {
    async find(period) {
      const now = clock()
      let found: Found = 'absent'
      const without: PurposeKeys[] = []
      for (const key of ring) {
        const name = nameOf(period, key)
        const value = await ledger.get(name, { now })
        const pair = value && opened(name, key, value)
        if (pair === undefined) {
          without.push(key)
          if (value !== undefined && found === 'absent') found = 'damaged'
        } else if (typeof found === 'string') found = pair
      }
      if (typeof found !== 'string') await keep(period, found, without)
      return found
    },
    keep: (period, pair) => keep(period, pair, ring),
    restore: (period, { name, value }) => ledger.put(name, value, { now: clock(), deadline: period.publishedUntil }),
    async mayMake(period) {
      // For each key of the ring: whoever has one of them in common waits.
      for (const key of ring) {
        const now = clock()
        if (!(await ledger.claim(`${nameOf(period, key)}:making`, { now, deadline: now + MAKING_TIME }))) return false
      }
      return true
    },
    mayReport(kid, until) {
      const now = clock()
      return ledger.claim(`tokens:key-retired:${kid}`, { now, deadline: Math.max(until, now + MAKING_TIME) })
    },
  }
}
