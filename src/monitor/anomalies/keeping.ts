/**
 * What is kept, in the store's ledger: a key of the model's own, and each person's state, under keyed names and sealed. The key outlives a change of the
 * ring's keys: it is sealed anew with the newest one at each start; if it were derived from the ring, everybody would be new on the day a key is replaced.
 */
import { deriveKey, Hmac, NONCE_BYTES, open, type Random, seal, sha256 } from '../../core/crypto.ts'
import { days, seconds } from '../../core/duration.ts'
import { StoreError } from '../../core/errors.ts'
import type { Keyring } from '../../core/keyring.ts'
import { Recent } from '../../core/recent.ts'
import type { Ledger } from '../../core/store.ts'
import { decodePerson, encodePerson, type Person } from './person.ts'
import type { NameHash } from './population.ts'

/** Who does not sign in for so long is forgotten. */
export const KEPT_FOR = days(365)
const KEY_NAME = 'anomalies/key'
const KEY_BYTES = 32
/** How long one process may take to make the key, the others waiting: less than they wait, or one that died would turn sign-ins away. */
const MAKING = seconds(1.5)
const TRIES = 40
const PAUSE = 50

/** Names and seals under the model's key. */
export interface ModelKeys {
  readonly hash: NameHash
  /** A ledger's name for something that must not be read there. */
  readonly nameOf: (kind: string, value: string) => string
  readonly seal: (name: string, plaintext: Uint8Array) => Buffer
  readonly open: (name: string, sealed: Uint8Array) => Buffer | undefined
}

/** @param pause - Waits; tests need not. */
export async function loadKeys(
  { ledger, keyring, random }: { readonly ledger: Ledger; readonly keyring: Keyring; readonly random: Random },
  startedAt: number,
  pause: (milliseconds: number) => Promise<void> = sleep,
): Promise<ModelKeys> {
  const own = Buffer.from(random(KEY_BYTES))
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = startedAt + attempt * PAUSE
    const kept = await ledger.get(KEY_NAME, { now })
    const secretKey = kept && opened(kept, keyring)
    const isMaker = secretKey === undefined && (await ledger.claim(makerOf(kept), { now, deadline: now + MAKING }))
    if (secretKey !== undefined || isMaker) {
      const used = secretKey ?? own
      await ledger.put(KEY_NAME, sealedFor(used, keyring, random), { now, deadline: now + 2 * KEPT_FOR })
      return keysOf(used, random)
    }
    await pause(PAUSE)
  }
  throw new StoreError(
    'The anomaly model has no key yet, and the process that makes one does not finish. Sign-ins are not judged until it is there.',
    {
      code: 'ERR_STORE_UNAVAILABLE',
      status: 503,
    },
  )
}

/** Who replaces an unreadable key is no other's rival than who replaces this very one: a ring may be replaced right after the first key was made. */
function makerOf(kept: Uint8Array | undefined): string {
  return `${KEY_NAME}/maker/${kept === undefined ? 'first' : sha256(kept).toString('base64url', 0, 12)}`
}

function sealedFor(secretKey: Buffer, { newest }: Keyring, random: Random): Buffer {
  const keyId = Buffer.alloc(4)
  keyId.writeUInt32BE(newest.keyId)
  return Buffer.concat([keyId, seal(newest.derive('anomalies'), random(NONCE_BYTES), Buffer.from(KEY_NAME), secretKey)])
}

/** `undefined` when its key has left the ring, or it is damaged: the model then begins anew. */
function opened(kept: Uint8Array, keyring: Keyring): Buffer | undefined {
  const bytes = Buffer.from(kept)
  if (bytes.length < 4) return undefined
  const key = keyring.byId(bytes.readUInt32BE())
  const secretKey = key && open(key.derive('anomalies'), bytes.subarray(4), Buffer.from(KEY_NAME))
  return secretKey?.length === KEY_BYTES ? secretKey : undefined
}

/** @param random - Of nonces. */
export function keysOf(secretKey: Buffer, random: Random): ModelKeys {
  const names = new Hmac(deriveKey(secretKey, 'names'))
  const sealing = deriveKey(secretKey, 'seal')
  const known = new Recent<number>()
  return {
    hash(name) {
      const value = known.get(name)
      if (value !== undefined) return value
      const hashed = names.digest(Buffer.from(name)).readUIntBE(0, 6)
      known.keep(name, hashed)
      return hashed
    },
    nameOf: (kind, value) => `anomalies/${kind}/${names.digest(Buffer.from(`${kind}\0${value}`)).toString('base64url', 0, 18)}`,
    seal: (name, plaintext) => seal(sealing, random(NONCE_BYTES), Buffer.from(name), plaintext),
    open: (name, sealed) => open(sealing, sealed, Buffer.from(name)),
  }
}

/** A person's state; two processes that learn at once lose one sign-in of it, never more. */
export async function readPerson(ledger: Ledger, keys: ModelKeys, subject: string, now: number): Promise<Person | undefined> {
  const name = keys.nameOf('p', subject)
  const kept = await ledger.get(name, { now })
  const plaintext = kept && keys.open(name, kept)
  return plaintext && decodePerson(plaintext, now)
}

export async function writePerson(ledger: Ledger, keys: ModelKeys, subject: string, person: Person, now: number): Promise<void> {
  const name = keys.nameOf('p', subject)
  await ledger.put(name, keys.seal(name, encodePerson(person)), { now, deadline: now + KEPT_FOR })
}

export async function forgetPerson(ledger: Ledger, keys: ModelKeys, subject: string, now: number): Promise<boolean> {
  return (await ledger.take(keys.nameOf('p', subject), { now })) !== undefined
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}
