/** What a person who watches over deliveries sees. */
import { ConfigError } from '../../core/errors.ts'
import type { OutboxEntry, OutboxState } from '../outbox.ts'
import type { HubContext } from './context.ts'

/** How many deliveries are in each state. */
export type DeliveryCounts = Readonly<Record<OutboxState, number>>

/** One application that was, or is to be, told of one session. Nothing in it is secret. */
export type Delivery = Pick<
  OutboxEntry,
  'sessionId' | 'clientId' | 'subject' | 'state' | 'nextAt' | 'endedAt' | 'reason' | 'attempts' | 'lastError'
>

/** States of all deliveries, and the latest of each kind. */
export interface Deliveries {
  readonly counts: DeliveryCounts
  /** By application, those that are no longer in `clients` included: they are not told, see `forget`. */
  readonly clients: readonly {
    readonly id: string
    readonly name: string | undefined
    readonly isKnown: boolean
    readonly counts: DeliveryCounts
  }[]
  readonly due: readonly Delivery[]
  readonly dead: readonly Delivery[]
  readonly delivered: readonly Delivery[]
}

const NONE: DeliveryCounts = { watching: 0, due: 0, delivered: 0, dead: 0 }

export async function deliveriesOf({ outbox, settings }: HubContext, limit: number): Promise<Deliveries> {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000)
    throw new ConfigError('hub.deliveries: limit is out of bounds; expected 1 to 1,000. See docs/guide/hub.md.', {
      code: 'ERR_ARGUMENT_INVALID',
    })
  const list = async (state: OutboxState) => (await outbox.list(state, { limit })).map(toDelivery)
  const [counted, due, dead, delivered] = await Promise.all([outbox.counts(), list('due'), list('dead'), list('delivered')])
  const byClient = new Map<string, DeliveryCounts>([...settings.clients.keys()].map((id) => [id, NONE]))
  let counts = NONE
  for (const { clientId, state, count } of counted) {
    byClient.set(clientId, { ...(byClient.get(clientId) ?? NONE), [state]: count })
    counts = { ...counts, [state]: counts[state] + count }
  }
  const clients = [...byClient].map(([id, ofClient]) => {
    const client = settings.clients.get(id)
    return { id, name: client?.name, isKnown: client !== undefined, counts: ofClient }
  })
  return { counts, clients, due, dead, delivered }
}

const toDelivery = (entry: OutboxEntry): Delivery => {
  const { sessionId, clientId, subject, state, nextAt, endedAt, reason, attempts, lastError } = entry
  return { sessionId, clientId, subject, state, nextAt, endedAt, reason, attempts, lastError }
}
