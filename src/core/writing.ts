/** Writing: every change of a session is one conditional update, tried again on what somebody else wrote meanwhile. */
import { encodeRecord, type SessionRecord, withChanges } from './record.ts'
import type { Service } from './service.ts'
import type { UpdateOptions } from './store.ts'

/** Writes changes under the version read. Gives the new record, or why nothing was written. */
export async function updateRecord(
  service: Service,
  record: SessionRecord,
  changes: Partial<SessionRecord>,
  how: UpdateOptions,
): Promise<SessionRecord | 'conflict' | 'gone'> {
  const next = withChanges(record, changes)
  service.carrier?.assertFits(next)
  const { deadline, absoluteDeadline, body } = encodeRecord(next, service.config.keyring)
  const outcome = await service.calls.update(record.id, record.version, { deadline, absoluteDeadline, body }, how)
  return outcome === 'updated' ? { ...next, version: record.version + 1 } : outcome
}

const LONGEST_PAUSE = 20

/** A random pause that grows with each lost race, so that writers do not meet again at the same instant. */
export function pause(service: Service, attempt: number): Promise<void> {
  const share = service.config.random(1)[0]! / 256
  return new Promise((resolve) => setTimeout(resolve, share * Math.min(LONGEST_PAUSE, attempt)))
}
