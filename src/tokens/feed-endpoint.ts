/**
 * The feed over HTTP: one long answer of server-sent events. A service with a secret asks by GET; one that signs its calls sends its assertion in a form, by POST. What
 * each event means is in docs/guide/token-endpoints.md.
 */
import { isSojournError } from '../core/errors.ts'
import { type Endpoint, jsonAnswer } from '../http/endpoints.ts'
import { invalidClient } from './clients/refusals.ts'
import { invalidRequest } from './token-form.ts'
import type { TokenParts } from './token-parts.ts'

const BEAT = 2000
const SHORTEST_BEAT = 200
const LONGEST_BEAT = 30_000

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/event-stream',
  // Who compresses it holds it back until there is enough to compress.
  'Cache-Control': 'no-store, no-transform',
  'X-Content-Type-Options': 'nosniff',
  // nginx would do the same.
  'X-Accel-Buffering': 'no',
}

export function feedEndpoint({ context, clients, feed }: TokenParts): Endpoint {
  return {
    methods: ['GET', 'POST'],
    async answer(request) {
      const { facts, query, signal } = request
      const form = facts.method === 'POST' ? await request.form() : new URLSearchParams()
      if (form === undefined) return invalidRequest('Send a form: application/x-www-form-urlencoded.')
      const client = await clients.authenticate(request, form)
      if (client === undefined) return invalidClient(context)
      if (!client.may.includes('feed')) return jsonAnswer(403, { error: 'unauthorized_client' })
      const beat = beatOf(query.get('beat'))
      if (beat === undefined) return invalidRequest(`beat: whole milliseconds from ${SHORTEST_BEAT} to ${LONGEST_BEAT}.`)
      if (facts.method === 'HEAD') return { status: 200, headers: HEADERS, body: '' }
      try {
        const lastEventId = facts.header('last-event-id')
        const body = await feed.follow({ clientId: client.id, beat, lastEventId, signal })
        if (body !== undefined) return { status: 200, headers: HEADERS, body }
        return jsonAnswer(429, { error: 'temporarily_unavailable' }, { 'Retry-After': '10' })
      } catch (error) {
        if (!isSojournError(error, 'ERR_STORE_UNSUPPORTED')) throw error
        // The service asks about each token instead; no later attempt will do better.
        return jsonAnswer(501, { error: 'unsupported', error_description: 'The store here tells nobody of changes.' })
      }
    },
  }
}

function beatOf(given: string | null): number | undefined {
  if (given === null) return BEAT
  const beat = /^\d{1,6}$/.test(given) ? Number(given) : Number.NaN
  return beat >= SHORTEST_BEAT && beat <= LONGEST_BEAT ? beat : undefined
}
