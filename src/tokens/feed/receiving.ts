/** Hears what other processes tell of ends, and whether anything of it was lost on the way. */
import type { Channel } from '../../core/store.ts'
import type { Ended } from './log.ts'
import { parseMessage, TOPIC } from './messages.ts'

/** Processes come and go; those not heard of for longest are forgotten. */
const MOST_SENDERS = 1000

interface Hearing {
  /** Whose messages are our own. */
  readonly sender: string
  readonly since: () => number
  readonly ended: (ended: Ended) => void
  readonly lost: () => void
}

/** Listens. Call what it resolves to, to stop. */
export function receive(channel: Channel, { sender: own, since, ended, lost }: Hearing): Promise<() => Promise<void>> {
  const numbers = new Map<string, number>()
  return channel.subscribe(TOPIC, (text) => {
    const message = parseMessage(text)
    if (message === undefined || message.sender === own) return
    const { sender, number, previousAt } = message
    const last = numbers.get(sender)
    // Of one not heard before: what it sent when we listened already must have been heard.
    const isComplete = last === undefined ? number === 1 || previousAt < since() : number <= last + 1
    numbers.delete(sender)
    numbers.set(sender, Math.max(number, last ?? 0))
    if (numbers.size > MOST_SENDERS) numbers.delete(numbers.keys().next().value!)
    for (const one of message.ended) ended(one)
    if (!isComplete) lost()
  })
}
