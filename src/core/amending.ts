/**
 * Changing a session that is known by its id alone: a device that proves its key brings no token. Whoever calls this has checked by
 * other means that the caller may.
 */
import { expiredBy } from './expiry.ts'
import { contended, MOST_ATTEMPTS } from './reading.ts'
import type { SessionRecord } from './record.ts'
import { policyFor, type Service } from './service.ts'
import { pause, updateRecord } from './writing.ts'

/**
 * The record of a session that is alive now.
 *
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
 */
export async function findLive(service: Service, id: string): Promise<SessionRecord | undefined> {
  const found = await service.calls.read(id)
  if (found?.kind !== 'record') return undefined
  const record = found.record.id === id ? service.decode(found.record) : undefined
  if (record === undefined || record.epoch < found.subjectEpoch) return undefined
  return expiredBy(record, service.config.clock(), policyFor(service, record)) === undefined ? record : undefined
}

/**
 * Changes a live session's record, on top of whatever others write meanwhile.
 *
 * @param change - Gives the changes, `undefined` for none; may run more than once.
 * @returns The record as it is now, `undefined` when the session has ended.
 * @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_CONTENDED`
 */
export async function amendLive(
  service: Service,
  id: string,
  change: (record: SessionRecord) => Partial<SessionRecord> | undefined,
): Promise<SessionRecord | undefined> {
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    if (attempt > 0) await pause(service, attempt)
    const record = await findLive(service, id)
    const changes = record && change(record)
    if (changes === undefined) return record
    const written = await updateRecord(service, record!, changes, {})
    if (typeof written !== 'string') return written
  }
  throw contended()
}
