/**
 * Events: facts that happened, past tense, typed, with ids and never a token. Delivered after the request that caused them went
 * on, through a bounded queue: a slow or failing listener costs events, never a request (design 7).
 */
import type { Clock } from './clock.ts'
import { ConfigError, type CsrfRule } from './errors.ts'

/** What every event carries. */
interface Common {
  /** When it happened, in epoch milliseconds. */
  readonly at: number
  /** Public session id, where there is a session. */
  readonly sessionId?: string | undefined
  readonly subject?: string | undefined
}

/** The catalogue. `docs/guide/events.md` says when each happens and its name in OWASP's logging vocabulary. */
export type EventDetails =
  | {
      readonly type: 'session.started'
      readonly replacedSessionId?: string | undefined
      readonly methods: readonly string[]
      /** Level that is still due before it counts. */
      readonly pending?: string | undefined
      /** Issuer of the OpenID Provider that the sign-in came from, if it did. */
      readonly provider?: string | undefined
    }
  | { readonly type: 'session.rotated'; readonly kind: 'renewal' | 'elevation'; readonly reason: string }
  | { readonly type: 'session.elevated'; readonly acr: string; readonly methods: readonly string[] }
  | { readonly type: 'session.revoked'; readonly reason: string; readonly actor?: string | undefined }
  | { readonly type: 'session.reused'; readonly generation: number; readonly outcome: 'revoked' | 'refused' }
  | { readonly type: 'session.expired'; readonly reason: 'idle' | 'absolute' }
  | { readonly type: 'session.used-after-end'; readonly reason: string }
  | {
      readonly type: 'session.doubted'
      /** Why nothing counts any more that was proved until now, such as `provider-age`. */
      readonly reason: string
    }
  | { readonly type: 'session.quarantined'; readonly part: 'record' | 'data' }
  | {
      readonly type: 'subject.revoked'
      /** `undefined` where the store cannot count them. */
      readonly count: number | undefined
      readonly reason: string
      readonly actor?: string | undefined
    }
  | { readonly type: 'subject.limit-exceeded'; readonly limit: number; readonly outcome: 'rejected' | 'evicted' | 'allowed' }
  | { readonly type: 'token.refused'; readonly state: 'malformed' | 'forged' | 'unknown' }
  | { readonly type: 'cookie.duplicated'; readonly candidates: number; readonly valid: number }
  | {
      readonly type: 'transport.refused'
      readonly reason: string
      /** The forwarding headers there were, such as `X-Forwarded-Proto: http`, in known words; no address. */
      readonly seen?: string | undefined
    }
  | { readonly type: 'store.failed'; readonly operation: string; readonly code: string }
  | { readonly type: 'store.circuit-opened'; readonly failures: number; readonly pause: number }
  | { readonly type: 'store.circuit-closed' }
  | { readonly type: 'request.let-through'; readonly as: 'anonymous' | 'readonly' }
  | { readonly type: 'binding.registered'; readonly algorithm: string }
  | { readonly type: 'binding.refreshed' }
  | { readonly type: 'binding.refused'; readonly reason: string }
  | {
      readonly type: 'csrf.refused'
      readonly rule: CsrfRule
      /** Whether it was let through all the same, by `csrf.dangerouslyReportOnly`. */
      readonly isReportOnly: boolean
    }
  | {
      readonly type: 'traits.drifted'
      readonly grade: 'note' | 'rotate' | 'step-up' | 'revoke'
      /** Nothing was done about it: the checks only report. */
      readonly isShadow: boolean
      /** What changed, as the policy names it. */
      readonly changes: readonly string[]
      /** The same for a person; without any value of theirs. */
      readonly reason: string
    }
  | { readonly type: 'traits.address-dropped' }
  | { readonly type: 'assurance.refused'; readonly acr: string; readonly maxAge?: number | undefined }
  | {
      readonly type: 'throttle.reached'
      /** What was guessed: `totp`, `recovery`, `password`. */
      readonly kind: string
      /** Whose tries are used up: strangers' at this account, a network's at all accounts, or one known client's. */
      readonly lane: 'account' | 'network' | 'known'
      /** When the next try is evaluated, in milliseconds from now. */
      readonly retryAfter: number
    }
  | { readonly type: 'approval.granted'; readonly operation: string }
  | { readonly type: 'approval.spent'; readonly operation: string }
  | { readonly type: 'factor.added'; readonly kind: string; readonly factorId: string }
  | { readonly type: 'factor.removed'; readonly kind: string; readonly factorId: string }
  | {
      readonly type: 'factor.used'
      readonly kind: string
      readonly factorId: string
      /** How many recovery codes are left. */
      readonly left?: number | undefined
    }
  | {
      readonly type: 'factor.refused'
      readonly kind: string
      /** Machine word, such as `wrong`, `replayed`, `origin`. */
      readonly reason: string
      readonly factorId?: string | undefined
    }
  | { readonly type: 'factor.suspected'; readonly kind: string; readonly factorId: string }
  | {
      readonly type: 'dpop.refused'
      /** Machine word, such as `replayed`, `other-url`, `signature`. */
      readonly reason: string
    }
  | { readonly type: 'access-token.revoked'; readonly clientId: string }
  | {
      readonly type: 'token-client.refused'
      /** `undefined` where no client is known that could be meant. */
      readonly clientId: string | undefined
      /** Machine word, such as `wrong-secret`, `replayed`, `unknown`. */
      readonly reason: string
      /** How often within the hour, in all processes; told up to the tenth and then every hundredth. `undefined` while the ledger is away. */
      readonly count: number | undefined
    }
  | {
      readonly type: 'provider.sign-in-refused'
      readonly issuer: string
      /** Machine word, such as `replayed`, `unknown-transaction`, `denied`. */
      readonly reason: string
    }
  | {
      readonly type: 'provider.logout-received'
      readonly issuer: string
      readonly channel: 'back' | 'front'
      /** How many sessions it ended here. */
      readonly count: number
      /** Whether the same logout token had come before; it then ended nothing new. */
      readonly isRepeated: boolean
    }
  | {
      readonly type: 'provider.logout-refused'
      readonly issuer: string
      readonly channel: 'back' | 'front'
      /** Machine word, such as `signature`, `audience`, `events`. */
      readonly reason: string
    }
  | {
      readonly type: 'signing-key.added'
      readonly kid: string
      readonly algorithm: string
      /** `due`: the next period's, ahead. `missing`: there was none, so that it signs at once. `damaged`: what was there could not be opened. */
      readonly reason: 'due' | 'missing' | 'damaged'
      readonly signsFrom: number
    }
  | { readonly type: 'signing-key.retired'; readonly kid: string; readonly algorithm: string }
  | {
      readonly type: 'access-token.minted'
      /** Name of the token (`jti`), and who it is for. */
      readonly tokenId: string
      readonly clientId: string
      readonly audience: string
    }
  | { readonly type: 'refresh-token.granted'; readonly clientId: string; readonly familyId: string }
  | {
      readonly type: 'refresh-token.rotated'
      readonly clientId: string
      readonly familyId: string
      /** A replaced token came again in time, and got the successor that there was: a lost answer, parallel requests, or a copy. */
      readonly isRepeated: boolean
    }
  | {
      readonly type: 'refresh-token.reused'
      readonly clientId: string
      readonly familyId: string
      /** How many tokens ago it was the current one, as far as that is remembered. */
      readonly generation: number
      /** What ended: with the policy's `onReuse: 'refuse'` only the family. */
      readonly outcome: 'session-revoked' | 'family-ended'
    }
  | {
      readonly type: 'refresh-token.refused'
      /** Who brought it. */
      readonly clientId: string
      /** Machine word, such as `forged`, `other-client`, `other-key`. */
      readonly reason: string
      readonly familyId?: string | undefined
    }
  | {
      readonly type: 'refresh-token.ended'
      readonly clientId: string
      readonly familyId: string
      /** `limit`: one more was granted than a session may have. */
      readonly reason: 'revoked' | 'limit'
    }
  | {
      readonly type: 'delivery.succeeded'
      /** The application that knows now that the session has ended. */
      readonly clientId: string
      /** Tries it took. */
      readonly attempts: number
      /** Milliseconds since the session ended, as far as known. */
      readonly delay: number
    }
  | {
      readonly type: 'delivery.failed'
      readonly clientId: string
      /** Machine word, such as `status-503`, `timeout`, `unreachable`. */
      readonly reason: string
      readonly attempts: number
      /** When it is tried again, in milliseconds from now. */
      readonly retryAfter: number
    }
  | { readonly type: 'delivery.given-up'; readonly clientId: string; readonly reason: string; readonly attempts: number }
  | {
      readonly type: 'anomaly.detected'
      /** Which one, such as `impossible-travel`; see docs/guide/anomalies.md. */
      readonly signal: string
      /** From 0 to 1. */
      readonly score: number
      readonly action: 'note' | 'notify' | 'step-up' | 'rotate' | 'revoke'
      /** Nothing was done about it: the detector only reports. */
      readonly isShadow: boolean
      /** What it rests on, by weight; names of fixed lists, and coarse amounts. */
      readonly features: readonly { readonly name: string; readonly contribution: number }[]
      /** The same for a person; without any value of theirs. */
      readonly reason: string
    }
  | { readonly type: 'safety.lowered'; readonly option: string }
  | {
      readonly type: 'monitor.dropped'
      /** Which consumer of events lost some, such as `audit` or `alerts`. */
      readonly consumer: string
      /** How many since the last such event, at most one a minute. */
      readonly count: number
    }
  | {
      readonly type: 'audit.tampered'
      /** Machine word, such as `head-forged`, `entries-missing`. */
      readonly what: string
      /** The entry of the audit log behind which it was found. */
      readonly seq: number
    }
  | {
      readonly type: 'monitor.failed'
      readonly consumer: string
      /** Machine word, or the code of an error. */
      readonly code: string
    }
  | {
      readonly type: 'monitor.recovered'
      readonly consumer: string
      /** Tries that failed in a row before. */
      readonly failures: number
    }
  | {
      readonly type: 'alert.sent'
      /** Names of the application's channel and rule. */
      readonly channel: string
      readonly rule: string
      /** How many events it stands for. */
      readonly count: number
      /** Tries it took. */
      readonly attempts: number
    }
  | {
      readonly type: 'alert.failed'
      readonly channel: string
      readonly rule: string
      /** Machine word, such as `status-503`, `timeout`, `unreachable`. */
      readonly reason: string
      readonly attempts: number
    }
  | {
      readonly type: 'notice.sent'
      /** What the person was told: `new-sign-in`. */
      readonly kind: string
    }
  | {
      readonly type: 'notice.failed'
      readonly kind: string
      /** Machine word: `not-sent`, or `limit` when the person was told too often already. */
      readonly reason: string
    }
  | {
      readonly type: 'sign-in.disowned'
      /** How many sessions it ended; `undefined` where the store cannot count them. */
      readonly count: number | undefined
    }

/** One event. */
export type SojournEvent = EventDetails & Common

export type EventType = SojournEvent['type']
type EventOf<Type extends EventType> = Extract<SojournEvent, { type: Type }>

type Listener = (event: SojournEvent) => unknown

/** Where the application and later layers listen. */
export interface Events {
  /**
   * Calls the listener for each event of a type, or for all with `*`, in order, after the request went on.
   *
   * @returns A function that stops it.
   * @example
   * sessions.events.on('session.reused', (event) => log.warn(event))
   */
  on<Type extends EventType>(type: Type, listener: (event: EventOf<Type>) => unknown): () => void
  on(type: '*', listener: (event: SojournEvent) => unknown): () => void
  /** Reports something a layer above core saw. */
  emit(event: EventDetails & Partial<Common>): void
  /** Events lost because the queue was full, and listeners that threw, since the start. Watch it: silence is not peace. */
  readonly dropped: number
  readonly failed: number
  /** Resolves when everything emitted so far has been delivered. For tests and shutdown. */
  drained(): Promise<void>
}

/** Events as layers above core have them. */
export interface CoreEvents extends Events {
  /**
   * Calls the listener at once, before the queue and whether or not that has room: for layers whose promises rest on hearing of everything. It must be quick, and its
   * failures count like any listener's.
   *
   * @returns A function that stops it.
   */
  tap(listener: (event: SojournEvent) => void): () => void
}

const MOST_QUEUED = 10_000
/** Delivered in one go before other work gets its turn. */
const BATCH = 100

/** Makes the emitter of one `createSessions`. */
export function createEvents(clock: Clock): CoreEvents {
  const listeners = new Map<string, Set<Listener>>()
  const taps = new Set<(event: SojournEvent) => void>()
  const waiting: (() => void)[] = []
  const queue: SojournEvent[] = []
  let isScheduled = false
  let dropped = 0
  let failed = 0

  function deliver(event: SojournEvent): void {
    for (const type of [event.type, '*']) {
      for (const listener of listeners.get(type) ?? []) {
        try {
          const result = listener(event)
          if (isThenable(result)) {
            // Any promise, also one of another library or realm: a rejection nobody hears would end the process.
            Promise.resolve(result).catch(() => {
              failed++
            })
          }
        } catch {
          failed++
        }
      }
    }
  }

  function drain(): void {
    isScheduled = false
    const batch = queue.splice(0, BATCH)
    for (const event of batch) deliver(event)
    if (queue.length > 0) schedule()
    else for (const resolve of waiting.splice(0)) resolve()
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    setTimeout(drain, 0)
  }

  return {
    on(type: string, listener: (event: never) => unknown) {
      if (typeof listener !== 'function') {
        throw new ConfigError(
          'events.on: the listener is no function; expected one that takes the event. See docs/guide/events.md.',
          {
            code: 'ERR_ARGUMENT_INVALID',
          },
        )
      }
      const added = listener as Listener
      const set = listeners.get(type) ?? new Set()
      listeners.set(type, set.add(added))
      return () => {
        set.delete(added)
        if (set.size === 0 && listeners.get(type) === set) listeners.delete(type)
      }
    },
    tap(listener) {
      // A wrapper of its own, so that one function given twice hears twice.
      const entry = (event: SojournEvent) => listener(event)
      taps.add(entry)
      return () => taps.delete(entry)
    },
    emit(event) {
      if (listeners.size === 0 && taps.size === 0) return
      const stamped = { at: clock(), ...event } as SojournEvent
      for (const listener of taps) {
        try {
          listener(stamped)
        } catch {
          failed++
        }
      }
      if (listeners.size === 0) return
      if (queue.length >= MOST_QUEUED) {
        dropped++
        return
      }
      queue.push(stamped)
      schedule()
    },
    get dropped() {
      return dropped
    },
    get failed() {
      return failed
    },
    drained() {
      if (queue.length === 0) return Promise.resolve()
      return new Promise((resolve) => waiting.push(resolve))
    },
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
