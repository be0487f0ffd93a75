/**
 * Records decoded lately, so that a visitor's burst of requests checks a record's MAC once. The store is asked every time all the
 * same: a decoded record is used again only for an answer that equals the earlier one byte for byte, and equal bytes have equal MACs.
 */
import type { Keyring } from './keyring.ts'
import { decodeRecord, type SessionRecord } from './record.ts'
import type { StoredRecord } from './store.ts'

/** Records of one generation; two are kept, so at most twice as many. */
const GENERATION_SIZE = 1024
/** Bodies over this are decoded every time: together with the sizes above it bounds the memory to 8 MiB. */
const LARGEST_BODY = 4096

interface Known {
  readonly body: Uint8Array
  readonly record: SessionRecord
}

/** Gives a `decodeRecord` that remembers. What does not decode is never remembered. */
export function rememberingDecoder(keyring: Keyring): (stored: StoredRecord) => SessionRecord | undefined {
  let young = new Map<string, Known>()
  let old = new Map<string, Known>()

  function keep(id: string, known: Known): void {
    if (young.size >= GENERATION_SIZE) {
      old = young
      young = new Map()
    }
    young.set(id, known)
  }

  return (stored) => {
    const { id, body } = stored
    const fromYoung = young.get(id)
    const known = fromYoung ?? old.get(id)
    if (known !== undefined && isSame(known, stored)) {
      if (fromYoung === undefined) keep(id, known)
      return known.record
    }
    const isRemembered = body instanceof Uint8Array && body.length <= LARGEST_BODY
    if (!isRemembered) return decodeRecord(stored, keyring)
    const own = ownBytes(body)
    const record = decodeRecord(own === body ? stored : { ...stored, body: own }, keyring)
    if (record !== undefined) keep(id, { body: own, record })
    return record
  }
}

/** Version and epoch are the store's own columns: a decoded record carries them. The subject's column must say what the body does. */
function isSame({ body, record }: Known, stored: StoredRecord): boolean {
  if (record.version !== stored.version || record.epoch !== stored.epoch || record.subject !== stored.subject) return false
  return body === stored.body || (stored.body instanceof Uint8Array && Buffer.compare(body, stored.body) === 0)
}

/** The bytes alone: a client's slice of what it received would keep all of that alive. */
function ownBytes(body: Uint8Array): Uint8Array {
  return body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body)
}
