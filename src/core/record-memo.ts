/**
 * Records decoded lately, so that a visitor's burst of requests checks a record's MAC once or twice. The store is asked every time all the
 * same: a decoded record is used again only for an answer that equals the earlier one byte for byte, and equal bytes have equal MACs.
 */
import type { Keyring } from './keyring.ts'
import { Recent } from './recent.ts'
import { decodeRecord, type SessionRecord } from './record.ts'
import type { StoredRecord } from './store.ts'

/** Bodies over this are decoded every time: with the 2,048 that are remembered it bounds the memory to 8 MiB. */
const LARGEST_BODY = 4096

interface Known {
  readonly body: Uint8Array
  readonly record: SessionRecord
}

/** Gives a `decodeRecord` that remembers. What does not decode is never remembered. */
export function rememberingDecoder(keyring: Keyring): (stored: StoredRecord) => SessionRecord | undefined {
  const recent = new Recent<Known>()

  return (stored) => {
    const { id, body } = stored
    const known = recent.get(id)
    if (known !== undefined && isSame(known, stored)) return known.record
    const isSmall = body instanceof Uint8Array && body.length <= LARGEST_BODY
    if (!isSmall || (known === undefined && !recent.cameUpBefore(id))) return decodeRecord(stored, keyring)
    const own = ownBytes(body)
    const record = decodeRecord(own === body ? stored : { ...stored, body: own }, keyring)
    if (record !== undefined) recent.keep(id, { body: own, record })
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
