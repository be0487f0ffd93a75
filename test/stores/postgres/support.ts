/** What the tests of `postgresStore` share. */
import { randomBytes } from 'node:crypto'
import type { NewRecord, Store } from '../../../src/core/store.ts'

export const HOUR = 3_600_000
export const HOSTILE_SUBJECT = `'; DROP TABLE sojourn_sessions; --\0"$1"\\x00 👩‍👩‍👧 __proto__ ${'x'.repeat(900)}`

export const someId = () => randomBytes(16).toString('base64url')

export function someRecord(now: number, parts: Partial<NewRecord> = {}): NewRecord {
  return {
    id: someId(),
    subject: undefined,
    startedAt: now,
    deadline: now + HOUR,
    absoluteDeadline: now + 12 * HOUR,
    body: Uint8Array.of(0, 39, 92, 255),
    ...parts,
  }
}

export async function isAlive(store: Store, id: string): Promise<boolean> {
  const outcome = await store.read(id)
  return outcome?.kind === 'record' && outcome.record.epoch >= outcome.subjectEpoch
}

/** The rejection, or what came instead. */
export async function rejectionOf(promise: unknown): Promise<unknown> {
  try {
    return { value: await promise }
  } catch (reason) {
    return reason
  }
}

export async function until(condition: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  const giveUpAt = performance.now() + milliseconds
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`the condition did not hold within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
