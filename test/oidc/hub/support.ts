/** A service with a hub, over memory unless told otherwise, whose clock stands still until the test moves it. */
import { randomBytes } from 'node:crypto'
import { createSessions, type Session, type Sessions, type SessionsOptions, type SojournEvent } from 'sojourn'
import { createHub, type Hub, type HubClient, type HubOptions, type Outbox } from 'sojourn/oidc'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'
import { type FakeClock, fakeClock } from 'sojourn/testing'
import { expect, onTestFinished } from 'vitest'
import { type Receiver, signer } from './receiver.ts'

export const KEYS = randomBytes(32).toString('base64url')

export interface Site {
  readonly sessions: Sessions
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: FakeClock
  readonly events: SojournEvent[]
  signIn(subject?: string): Promise<Session>
  /** Signs somebody in at these applications, and gives what each knows the session by. */
  connected(subject: string, ...clientIds: string[]): Promise<{ session: Session; sids: string[] }>
}

export interface SiteOptions extends Partial<HubOptions> {
  readonly store?: SessionsOptions['store']
  readonly clock?: FakeClock
  readonly keys?: SessionsOptions['keys']
  /** Default `true`. */
  readonly isStarted?: boolean
}

export const clientOf = (id: string, receiver: Pick<Receiver, 'uri'>, more: Partial<HubClient> = {}): HubClient => ({
  id,
  logoutUri: receiver.uri,
  ...more,
})

export function openSite({ store, clock = fakeClock(), keys = KEYS, isStarted = true, ...options }: SiteOptions): Site {
  const sessions = createSessions({ store: store ?? memoryStore(), keys, clock })
  const { outbox = memoryOutbox() } = options
  const hub = createHub(sessions, {
    signer,
    outbox,
    clients: [],
    dangerouslyAllowHttp: true,
    pollInterval: 20,
    ...options,
  })
  const events: SojournEvent[] = []
  sessions.events.on('*', (event) => events.push(event))
  if (isStarted) hub.start()
  onTestFinished(() => hub.close())
  const signIn = (subject = 'ada') => sessions.signIn({ subject, method: 'pwd' })
  return {
    sessions,
    hub,
    outbox,
    clock,
    events,
    signIn,
    async connected(subject, ...clientIds) {
      const session = await signIn(subject)
      const sids: string[] = []
      for (const id of clientIds) sids.push(await hub.connect(session, id))
      return { session, sids }
    },
  }
}

/** Waits for what happens by itself. */
export const soon = <T>(what: () => T) => expect.poll(what, { interval: 10, timeout: 10_000 })

/** Moves the clock on in steps, and lets what is due be tried, until a condition holds; at most ten seconds of this machine's time. */
export async function passing({ clock, hub }: Pick<Site, 'clock' | 'hub'>, step: number, isSo: () => boolean): Promise<void> {
  const started = performance.now()
  while (!isSo()) {
    if (performance.now() - started > 10_000) throw new Error('it did not become so within ten seconds')
    clock.advance(step)
    await hub.sweep()
    await hub.drained()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
