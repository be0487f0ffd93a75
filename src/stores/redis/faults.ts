import { SojournError, StoreError } from '../../core/errors.ts'
import { unavailable } from '../internal/waiting.ts'

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

/** The server has not seen this script yet, or was restarted or replaced since. */
export const isUnknownScript = (error: unknown): boolean => messageOf(error).startsWith('NOSCRIPT')

/**
 * The keys of one slot are on two servers while it moves, so nothing was done and the same thing works in a moment. Servers say
 * `TRYAGAIN`, or, of a key that a script reads and that has left already, "non local key"; clients, that they were sent to and fro.
 */
export const isSlotMoving = (error: unknown): boolean =>
  /TRYAGAIN|non local key|Too many Cluster redirections|^(MOVED|ASK) /.test(messageOf(error)) ||
  (error instanceof Error && error.name === 'MaxCommandRedirectionsError')

/** A server before Redis 7, without sharded channels. */
export const isUnknownCommand = (error: unknown): boolean => /unknown command/i.test(messageOf(error))

/** Wraps whatever the client threw. Its own text goes into `cause` only: it may quote what was sent. */
export function toStoreError(error: unknown): SojournError {
  if (error instanceof SojournError) return error
  if (/^OOM|OOM command not allowed/.test(messageOf(error))) {
    return new StoreError('Redis is full (maxmemory); nothing was written.', {
      code: 'ERR_STORE_FULL',
      status: 503,
      cause: error,
    })
  }
  return unavailable('Redis', error)
}

/** A write that too few replicas have. It may survive or be lost in a failover: its caller must not count on either. */
export function notReplicated(replicas: number, wanted: number): StoreError {
  return new StoreError(
    `Of ${wanted} replicas that must have a write, ${replicas} confirmed it in time. It may have happened all the same.`,
    { code: 'ERR_STORE_UNAVAILABLE', status: 503 },
  )
}
