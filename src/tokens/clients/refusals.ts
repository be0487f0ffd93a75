/** Calls of nobody this service knows: what they are answered, and how they are told. */
import { hours } from '../../core/duration.ts'
import { type EndpointAnswer, jsonAnswer } from '../../http/endpoints.ts'
import type { TokenContext } from '../context.ts'

/**
 * `absent`: no client at all. `other-method`: the client is known, and proves itself another way. `secret-in-body`, `two-methods`, `malformed`: no way to prove
 * anything. `replayed`: an assertion that was used before.
 */
export type RefusalReason =
  | 'absent'
  | 'malformed'
  | 'two-methods'
  | 'secret-in-body'
  | 'unknown'
  | 'other-method'
  | 'wrong-secret'
  | 'wrong-signature'
  | 'wrong-claims'
  | 'replayed'

const WINDOW = hours(1)
/** Told one by one up to here, then every hundredth: whoever floods the endpoint shall not drown other events. */
const EACH = 10
const ROUND = 100

/**
 * Counts refusals in all processes and tells of them, in the background: the answer must not say, by its time, who was counted. Clients that nobody knows share one
 * count, or strangers could fill the ledger with names.
 */
export function tellerOfRefusals({ service, ledger }: TokenContext) {
  const { events, config } = service
  return (clientId: string | undefined, reason: RefusalReason): void => {
    const key = `tokens:refused:${clientId === undefined ? 'unknown' : `client:${clientId}`}`
    ledger
      .count(key, { now: config.clock(), window: WINDOW })
      // The ledger is away, and has told so itself.
      .catch(() => undefined)
      .then((count) => {
        const isTold = count === undefined || count <= EACH || count % ROUND === 0
        if (isTold) events.emit({ type: 'token-client.refused', clientId, reason, count })
      })
  }
}

/**
 * What a caller is told who is nobody, or has not shown who it is (RFC 6749, 5.2). One answer for both: it says neither who is known nor what was
 * wrong. Always with a challenge, as every 401 must (RFC 9110, 15.5.2).
 */
export function invalidClient({ settings }: TokenContext): EndpointAnswer {
  const challenge = `Basic realm="${settings.issuer}", charset="UTF-8"`
  return jsonAnswer(401, { error: 'invalid_client' }, { 'WWW-Authenticate': challenge, Pragma: 'no-cache' })
}
