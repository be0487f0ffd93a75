/** A service with an audit log, on a clock that stands still. */
import { createSessions } from 'sojourn'
import { type AuditLog, type AuditOptions, type AuditStore, auditLog } from 'sojourn/monitor/audit'
import { memoryStore } from 'sojourn/stores/memory'
import type { SojournEvent } from '../../../src/core/events.ts'
import { type FakeClock, fakeClock } from '../../../src/testing/fake-clock.ts'
import { FOREIGN_KEY, KEY, OLDER_KEY } from '../../core/support.ts'

export { FOREIGN_KEY, KEY, OLDER_KEY }

/** The log is told of events by `emit`, as layers above core do. */
export function openLog(
  store: AuditStore,
  {
    keys = KEY,
    clock = fakeClock(),
    ...options
  }: Partial<AuditOptions> & { keys?: string | readonly string[]; clock?: FakeClock } = {},
) {
  const sessions = createSessions({ store: memoryStore(), keys, clock })
  const audit: AuditLog = auditLog(sessions, { store, linger: 0, ...options })
  const seen: SojournEvent[] = []
  sessions.events.on('*', (event) => seen.push(event))
  const emit = sessions.events.emit
  return { audit, sessions, clock, seen, emit }
}

/** A log with this many entries, of three people, one instant apart. */
export async function filled(store: AuditStore, count: number, options: Parameters<typeof openLog>[1] = {}) {
  const log = openLog(store, { checkpointEvery: 10, ...options })
  for (let i = 0; i < count; i++) {
    log.clock.advance(1000)
    const subject = ['ada', 'bob', 'eve'][i % 3]!
    log.emit({ type: 'session.revoked', reason: 'logout', subject, sessionId: sessionId(i % 5) })
    if (i % 7 === 6) await log.audit.drained()
  }
  await log.audit.drained()
  return log
}

/** A public session id. */
export const sessionId = (number: number) => Buffer.alloc(16, number + 1).toString('base64url')

/** Polls, up to 10 seconds, until it holds. */
export async function until(holds: () => unknown): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come about within 10 seconds')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A store that does something else at some calls. */
export function wrapped(store: AuditStore, other: Partial<AuditStore>): AuditStore {
  return {
    name: store.name,
    isLocal: store.isLocal,
    append: (decide) => store.append(decide),
    state: () => store.state(),
    entries: (range) => store.entries(range),
    search: (filter, page) => store.search(filter, page),
    checkpoints: (range) => store.checkpoints(range),
    lastCheckpoint: (at) => store.lastCheckpoint(at),
    remove: (range) => store.remove(range),
    close: () => store.close(),
    ...other,
  }
}
