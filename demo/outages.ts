/** What becomes of a visit while the store is away (docs/guide/outages.md), and one line about it for whoever runs the shop. */
import type { IncomingMessage } from 'node:http'
import type { OnOutage } from 'sojourn'
import type { Shop } from './shop.ts'
import { placeOf } from './stores/words.ts'

/**
 * The shelves are the same for everybody, so they stay open. A basket may be looked at as it was a moment ago, where a near cache has
 * a copy. Everything else matters who asks: 503.
 */
export function onOutage({ method, url = '' }: IncomingMessage): OnOutage {
  if (method !== 'GET' && method !== 'HEAD') return 'reject'
  const [path = ''] = url.split('?')
  if (path === '/' || path.startsWith('/books/')) return 'anonymous'
  return path === '/basket' ? 'readonly' : 'reject'
}

/** Says once that an outage began, and once that it is over. */
export function reportOutages({ sessions, store }: Shop, print: (line: string) => void): void {
  let isAway = false
  sessions.events.on('store.circuit-opened', () => {
    if (!isAway)
      print(`${placeOf(store)} does not answer: visitors who are signed in see the shelves, and a 503 page for the rest.`)
    isAway = true
  })
  sessions.events.on('store.circuit-closed', () => {
    if (isAway) print(`${placeOf(store)} answers again.`)
    isAway = false
  })
}
