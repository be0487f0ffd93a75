import { isEqual, isTrue } from '../assert.ts'
import { namesOf, settlementOf, someEntry } from '../contract/outbox-harness.ts'
import { type AnyOutboxRace, outboxRace, think } from './race.ts'

interface Plan {
  readonly now: number
  readonly clientId: string
  readonly sessionIds: readonly string[]
}

const LEASE = 60_000

/** Entries of one client, each of a session of its own. */
const entries = (count: number, isDue: boolean): Parameters<typeof outboxRace<Plan, unknown>>[0]['prepare'] => {
  return async (outbox, now) => {
    const { clientId } = someEntry(now)
    const sessionIds: string[] = []
    for (let i = 0; i < count; i++) {
      const entry = someEntry(now, { clientId, subject: 'racer\'"\0\r\n👩‍👩‍👧' })
      await outbox.watch(entry)
      if (isDue) await outbox.end(entry.sessionId, { endedAt: now, reason: 'logout', nextAt: now })
      sessionIds.push(entry.sessionId)
    }
    return { now, clientId, sessionIds }
  }
}

/** All deliver at once. */
const leases = outboxRace<Plan, { readonly taken: readonly string[]; readonly settled: number }>({
  rule: 'of processes that lease, each entry goes to exactly one, and all are settled',
  prepare: entries(60, true),
  contend: async (outbox, { now, clientId }) => {
    const taken: string[] = []
    let settled = 0
    for (;;) {
      const leased = await outbox.lease('due', { clientId, now, until: now + LEASE, limit: 4 })
      if (leased.length === 0) return { taken, settled }
      taken.push(...namesOf(leased))
      await think()
      settled += await outbox.settle(leased.map((entry) => settlementOf(entry)))
    }
  },
  judge: async (outbox, { clientId, sessionIds }, reports) => {
    const taken = reports.flatMap((report) => report.taken)
    isEqual([taken.length, new Set(taken).size], [sessionIds.length, sessionIds.length], 'entries taken, and different ones')
    isEqual((await outbox.list('delivered', { clientId, limit: 1000 })).length, sessionIds.length, 'entries delivered')
  },
})

/** All hear of the same ends: a revocation, and the sweeps that find it. */
const ends = outboxRace<Plan, string[]>({
  rule: 'of processes that end one session, exactly one makes its entry due',
  prepare: entries(40, false),
  contend: async (outbox, { now, sessionIds }, { index }) => {
    const ended: string[] = []
    for (const sessionId of sessionIds) {
      await think()
      const clients = await outbox.end(sessionId, { endedAt: now, reason: `part-${index}`, nextAt: now })
      if (clients.length > 0) ended.push(sessionId)
    }
    return ended
  },
  judge: async (_outbox, { sessionIds }, reports) => {
    const ended = reports.flat()
    isEqual(ended.toSorted(), [...sessionIds].sort(), 'sessions that somebody ended, each once')
    isTrue(ended.length > 0, 'somebody did')
  },
})

export const outboxRaces: Readonly<Record<string, AnyOutboxRace>> = { outboxLeases: leases, outboxEnds: ends }
