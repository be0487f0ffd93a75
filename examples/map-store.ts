import type { ReadOutcome, Store, StoredRecord } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'

/** A store of one's own: seven operations over a Map. `test/examples` holds it to the contract, as you would yours. */
export function mapStore(): Store {
  const rows = new Map<string, ReadOutcome>()
  const epochs = new Map<string | undefined, number>()
  const keep = (record: StoredRecord) => rows.set(record.id, { kind: 'record', record, subjectEpoch: record.epoch })
  const live = (id = '') => [rows.get(id)].flatMap((row) => (row?.kind === 'record' ? row.record : []))[0]
  const liveOf = (subject: string) => [...rows.keys()].flatMap((id) => live(id) ?? []).filter((one) => one.subject === subject)
  // What is left of a revoked session, so that no slow request brings it back: everything but its data.
  const bury = ({ id, subject, absoluteDeadline }: StoredRecord, { now, reason }: { now: number; reason: string }) =>
    rows.set(id, { kind: 'tombstone', tombstone: { id, subject, absoluteDeadline, revokedAt: now, reason } })
  const end = (row: ReadOutcome) => (row.kind === 'record' ? row.record.deadline : row.tombstone.absoluteDeadline)
  // Nothing waits between looking and writing: that makes each operation atomic here. Yours needs a transaction.
  const { capabilities: all, ledger, channel } = memoryStore()
  const capabilities = { ...all, limitsSubjects: false, revokesLinked: false, queries: false }
  return {
    ...{ name: 'map', capabilities, ledger, channel, close: async () => {} },
    create: operation((record, { now, replaces }) => {
      const replaced = live(replaces?.id)
      if (rows.has(record.id)) return { kind: 'exists' }
      if (replaced?.version !== replaces?.version) return { kind: 'conflict' }
      if (replaces && replaced) bury(replaced, { now, reason: replaces.reason })
      const epoch = epochs.get(record.subject) ?? 0
      keep({ ...record, body: record.body.slice(), version: 1, epoch })
      return { kind: 'created', epoch, evicted: [] }
    }),
    read: operation((id) => rows.get(id)),
    update: operation((id, version, { deadline, absoluteDeadline, body }) => {
      const record = live(id) // Where there is none, none is created: that would be resurrection.
      if (record?.version === version) keep({ ...record, version: version + 1, deadline, absoluteDeadline, body: body.slice() })
      return record === undefined ? 'gone' : record.version === version ? 'updated' : 'conflict'
    }),
    revoke: operation((id, options) => [live(id)].filter((record) => record && bury(record, options)).length > 0),
    revokeSubject: operation((subject, options) => {
      const epoch = (epochs.get(subject) ?? 0) + 1
      epochs.set(subject, epoch)
      const ended = liveOf(subject).filter(({ id }) => id !== options.except)
      for (const record of ended) bury(record, options)
      for (const spared of liveOf(subject)) keep({ ...spared, epoch })
      return ended.filter(({ deadline }) => deadline > options.now).length
    }),
    list: operation((subject) => liveOf(subject).sort((a, b) => a.startedAt - b.startedAt)),
    purge: operation(({ before, limit }) => {
      const outdated = [...rows].filter(([, row]) => end(row) < before).slice(0, limit)
      return outdated.filter(([id]) => rows.delete(id)).length
    }),
  }
}

/** Rejects for callers who have stopped waiting. */
function operation<Given extends unknown[], Answer>(run: (...given: Given) => Answer): (...given: Given) => Promise<Answer> {
  return async (...given) => {
    ;(given.at(-1) as { signal?: AbortSignal } | undefined)?.signal?.throwIfAborted()
    return run(...given)
  }
}
