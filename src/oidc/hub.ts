/**
 * The hub: tells connected applications when a session ends, whatever ended it, by back-channel logout (OpenID Connect Back-Channel Logout 1.0). Signing out here is then
 * signing out everywhere. What is to be told is written down first and taken off the list when the application has said that it knows: it survives restarts, is told at
 * least once, and told twice it has no second effect.
 */
import { ConfigError, SessionStateError } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { HubContext } from './hub/context.ts'
import { type Deliveries, deliveriesOf } from './hub/deliveries.ts'
import { Ends, endOf } from './hub/ends.ts'
import { Lane } from './hub/lane.ts'
import { sidFor } from './hub/logout-token.ts'
import { type HubOptions, invalid, resolveHubOptions } from './hub/options.ts'
import { outboxCalls } from './hub/outbox-calls.ts'
import { Settling } from './hub/settling.ts'

export type { Deliveries, Delivery, DeliveryCounts } from './hub/deliveries.ts'
export type { HubClient, HubOptions } from './hub/options.ts'
export type { LogoutSigner } from './hub/signer.ts'

/** What `createHub` gives. */
export interface Hub {
  /**
   * Notes that an application takes part in a session. Call it before the application is given a token of the session; again does no harm.
   *
   * @param session - A live session that is somebody's.
   * @returns The `sid` that the application knows the session by: put it into its ID token.
   * @throws {SessionStateError} `ERR_SESSION_ENDED` - there is no session, it is nobody's, or it has ended meanwhile.
   * @throws {ConfigError} `ERR_ARGUMENT_INVALID` - no client has this id.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - it may not be noted, or have ended: give the application no token.
   */
  connect(session: Pick<Session<unknown>, 'id' | 'subject'>, clientId: string): Promise<string>
  /** Begins to listen, to look and to deliver, what an earlier process left included. Again does nothing. Timers hold no process. */
  start(): void
  /**
   * Looks for ended sessions at once, without waiting for the interval: for jobs, and where there is no process that stays. Resolves once it has looked; `drained`
   * waits for the deliveries. Works without `start`.
   */
  sweep(): Promise<void>
  /** Resolves once everything that is due now has been tried and written down. For tests and shutdown. */
  drained(): Promise<void>
  /**
   * States of all deliveries, and the latest of each kind, for whoever watches over them.
   *
   * @param options.limit - Entries of each kind, 1 to 1,000. Default 50.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE`
   */
  deliveries(options?: { readonly limit?: number }): Promise<Deliveries>
  /**
   * Makes dead deliveries due again: all of them, an application's, a session's, or one. Call it when whatever was wrong is mended.
   *
   * @returns How many.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - some may be due.
   */
  retry(which?: { readonly clientId?: string; readonly sessionId?: string }): Promise<number>
  /**
   * Removes all that is noted of an application that is no more. Take it off `clients` first, in every process.
   *
   * @returns How many entries.
   * @throws {StoreError} `ERR_STORE_UNAVAILABLE` - some may be left.
   */
  forget(clientId: string): Promise<number>
  /** Stops, waits for deliveries under way, at most `timeout`, and hands back what was not tried. The outbox stays open: it is yours. */
  close(): Promise<void>
}

/** Entries removed or revived in one step. */
const STEP = 1000

/**
 * Makes the hub of an application. Nothing happens before `start()`.
 *
 * Each process that ends sessions, or may, makes one over the same outbox; they share the work. In a process without one, ends are found by the others within
 * `sweepInterval`.
 *
 * @param sessions - What `createSessions` gave, over a store that keeps records: sealed cookies cannot say whether a session lives.
 * @param options - See `HubOptions`; `signer`, `outbox` and `clients` are required.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up, with what was given and what was expected.
 * @see OpenID Connect Back-Channel Logout 1.0; ASVS 5.0, 7.4.1, 10.5.5
 * @example
 * const hub = createHub(sessions, { signer: tokens.signer, outbox: sqliteOutbox('outbox.db'), clients: [{ id: 'club', logoutUri: 'https://club.example/logout' }] })
 * hub.start()
 */
export function createHub<Data>(sessions: Sessions<Data>, options: HubOptions): Hub {
  const settings = resolveHubOptions(options)
  const service = serviceOf(sessions)
  const { config, events } = service
  const { store } = config
  if (store.capabilities.carries)
    throw invalid(`the store '${store.name}' keeps no records`, 'one that does', 'nobody could tell whether a session lives')
  if (settings.isPlain) events.emit({ type: 'safety.lowered', option: 'dangerouslyAllowHttp' })
  const random = () => config.random(1)[0]! / 255
  const outbox = outboxCalls(settings.outbox, {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random,
    events,
  })
  const context: HubContext = { service, settings, outbox, random }
  const settling = new Settling(context)
  const lanes = new Map([...settings.clients].map(([id, client]) => [id, new Lane(client, context, settling)]))
  const ends = new Ends(context, (clientIds) => {
    for (const id of clientIds) lanes.get(id)?.wake()
  })
  const timers: NodeJS.Timeout[] = []
  let stopListening: (() => void) | undefined
  let closing: Promise<void> | undefined

  function wakeAll(): void {
    for (const lane of lanes.values()) lane.wake()
  }

  function every(milliseconds: number, work: () => void): void {
    timers.push(setInterval(work, milliseconds).unref())
  }

  async function close(): Promise<void> {
    for (const timer of timers) clearInterval(timer)
    await events.drained()
    stopListening?.()
    ends.stop()
    for (const lane of lanes.values()) lane.stop()
    const isLate = setTimeout(() => {
      for (const lane of lanes.values()) lane.abort()
    }, settings.timeout)
    await Promise.all([ends.idle(), ...[...lanes.values()].map((lane) => lane.idle())])
    clearTimeout(isLate)
    settling.stop()
    await settling.idle()
  }

  return {
    async connect({ id, subject }, clientId) {
      const client = settings.clients.get(clientId)
      if (client === undefined)
        throw new ConfigError('hub.connect: no client has this id; expected one of those in `clients`. See docs/guide/hub.md.', {
          code: 'ERR_ARGUMENT_INVALID',
        })
      if (id === undefined || subject === undefined) throw nobodys()
      const nextAt = config.clock() + settings.sweepInterval
      const sid = await outbox.watch({ sessionId: id, clientId, sid: sidFor(client, id, config.keyring), subject, nextAt })
      // Once it is watched: what ends before this look is found here, and what ends after it is told. Noted any later, it may have been told already.
      if ((await endOf(service, id)) !== undefined) throw nobodys()
      return sid
    },
    start() {
      if (stopListening !== undefined || closing !== undefined) return
      stopListening = ends.listen()
      every(settings.sweepInterval / 4, () => void ends.sweep())
      every(settings.pollInterval, wakeAll)
      void ends.sweep()
      wakeAll()
    },
    sweep: () => ends.sweep(),
    async drained() {
      do {
        await events.drained()
        await ends.idle()
        wakeAll()
        await Promise.all([...lanes.values()].map((lane) => lane.idle()))
        await settling.idle()
      } while (!ends.isIdle)
    },
    deliveries: ({ limit = 50 } = {}) => deliveriesOf(context, limit),
    async retry(which = {}) {
      const nextAt = config.clock()
      const count = await inSteps((limit) => outbox.revive(which, { nextAt, limit }))
      if (stopListening !== undefined) wakeAll()
      return count
    },
    forget: (clientId) => inSteps((limit) => outbox.forget(clientId, { limit })),
    close() {
      closing ??= close()
      return closing
    },
  }
}

function nobodys(): SessionStateError {
  return new SessionStateError('hub.connect: there is no session, or it is nobody’s, so no application can take part in it.', {
    code: 'ERR_SESSION_ENDED',
    status: 401,
  })
}

/** Bounded steps, until one finds less than it might. */
async function inSteps(step: (limit: number) => Promise<number>): Promise<number> {
  for (let total = 0; ; ) {
    const count = await step(STEP)
    total += count
    if (count < STEP) return total
  }
}
