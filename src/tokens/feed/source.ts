/**
 * Where a feed's news come from: the events of this process, the messages of others, and, where the engine pushes them, the changes of records, which
 * also show what a job or another program ended.
 */

import type { SojournEvent } from '../../core/events.ts'
import { subjectKeyOf } from '../../core/placement.ts'
import type { Service } from '../../core/service.ts'
import { ChangedRecords } from './changed.ts'
import type { Ended, FeedLog } from './log.ts'
import { receive } from './receiving.ts'

/** What an event says of tokens. */
export function endedBy(event: SojournEvent): readonly Ended[] {
  switch (event.type) {
    case 'session.revoked':
      return ofSession(event.sessionId)
    case 'session.reused':
      return event.outcome === 'revoked' ? ofSession(event.sessionId) : []
    case 'session.started':
      return ofSession(event.replacedSessionId)
    case 'subject.revoked':
      return event.subject === undefined ? [] : [{ kind: 'subject', subjectKey: subjectKeyOf(event.subject), at: event.at }]
    case 'session.doubted':
      return inDoubt(event)
    case 'traits.drifted':
      return event.grade === 'step-up' && !event.isShadow ? inDoubt(event) : []
    case 'anomaly.detected':
      return event.action === 'step-up' && !event.isShadow ? inDoubt(event) : []
    default:
      return []
  }
}

function inDoubt({ sessionId, at }: SojournEvent): readonly Ended[] {
  return sessionId === undefined ? [] : [{ kind: 'doubt', sessionId, at }]
}

function ofSession(sessionId: string | undefined): readonly Ended[] {
  return sessionId === undefined ? [] : [{ kind: 'session', sessionId }]
}

/** News while they are followed. */
export interface Source {
  /**
   * Resolves, once everything heard of until now is in the log, to that instant. Not while the engine's pushes are interrupted, or the store is away.
   */
  settled(): Promise<number>
  close(): Promise<void>
}

/** @throws {StoreError} `ERR_STORE_UNAVAILABLE`, `ERR_STORE_UNSUPPORTED` - there is no way to hear of other processes. */
export async function openSource(service: Service, log: FeedLog, sender: string): Promise<Source> {
  const { store, clock } = service.config
  const tell = (ended: Ended) => log.tell(ended)
  const changed = new ChangedRecords(service, (id) => log.hasEnded(id), tell)
  let isInterrupted = false
  let resumed: Promise<void> = Promise.resolve()
  let resume = () => {}

  // Also where the engine pushes changes: of a token that was given back, no record tells.
  const lost = () => log.gap()
  const leaveChannel = await receive(store.channel, { sender, since: () => log.since, ended: tell, lost })
  const leaveChanges = await store.changes
    ?.subscribe({
      changed: (id) => changed.add(id),
      subjectRevoked: (subjectKey) => log.tell({ kind: 'subject', subjectKey, at: clock() }),
      interrupted() {
        if (isInterrupted) return
        isInterrupted = true
        resumed = new Promise((resolve) => {
          resume = resolve
        })
      },
      resumed() {
        if (!isInterrupted) return
        isInterrupted = false
        log.gap()
        resume()
      },
    })
    .catch(async (error: unknown) => {
      await leaveChannel().catch(() => {})
      throw error
    })

  return {
    async settled() {
      let at: number
      do {
        await resumed
        at = clock()
        await changed.settled()
      } while (isInterrupted)
      return at
    },
    async close() {
      changed.close()
      // Whoever still waits for the engine to come back waits no longer.
      isInterrupted = false
      resume()
      // The connection may be lost already.
      await Promise.allSettled([leaveChannel(), leaveChanges?.()])
    },
  }
}
