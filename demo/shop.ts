/** What the shop keeps of a visit, and the rules it keeps it by. */
import { createSessions, isSojournError, type Session, type Sessions, type Store } from 'sojourn'
import type { SessionApplication, SessionRequest } from 'sojourn/express'
import type { FactorStore, StepUp } from 'sojourn/stepup'
import type { Opaque } from 'sojourn/stepup/opaque'
import { z } from 'zod'
import { ITEM_ID } from './catalogue.ts'
import { openMonitor, type ShopMonitor } from './monitor/open.ts'
import type { People } from './people.ts'
import { keepSessionKey } from './session-key.ts'
import type { Settings } from './settings.ts'
import type { ShopSso } from './sso/open.ts'
import { StartError } from './start-error.ts'
import { openStepUp } from './step-up/open.ts'
import type { ShopStore } from './stores/open.ts'

export const MOST_OF_ONE = 99
export const MOST_TITLES = 200

/** A message for the next page, by name: the words are the page's. */
const notice = z.object({
  name: z.enum([
    'added',
    'changed',
    'removed',
    'full',
    'welcome',
    'signed-up',
    'ended-one',
    'ended-others',
    'ended-others-uncounted',
    'not-found',
    'reserved',
    'stayed',
    'app-added',
    'passkey-added',
    'factor-removed',
    'code-spent',
    'proved',
    'paid',
  ]),
  /** An item's id, or a number. */
  about: z.string().max(40).optional(),
})

const visitData = z.object({
  basket: z.record(z.string().regex(ITEM_ID), z.number().int().min(1).max(MOST_OF_ONE)).default(() => ({})),
  notices: z
    .array(notice)
    .max(8)
    .default(() => []),
  /** When the latest proof was given that has paid for something, or was given for one thing: it pays nothing else. */
  usedProofAt: z.number().optional(),
})

export type Notice = z.infer<typeof notice>
export type VisitData = z.infer<typeof visitData>
export type ShopSession = Session<VisitData>
export type ShopApplication = SessionApplication<Sessions<VisitData>>
export type ShopRequest = SessionRequest<Sessions<VisitData>>

export interface Shop {
  readonly sessions: Sessions<VisitData>
  readonly people: People
  readonly policy: { readonly idleTimeout: number; readonly absoluteTimeout: number }
  readonly store: ShopStore
  /** Second factors, passkeys, approvals. */
  readonly stepUp: StepUp
  readonly factors: FactorStore
  readonly ledger: Store | undefined
  /** With `--opaque`: passwords stay in the browser. */
  readonly opaque?: Opaque
  /** What happened, and the pages that show it: `/console` for who looks after the shop, `/account` for each reader. */
  readonly monitor: ShopMonitor<VisitData>
  /** With `--sso`: people may enter with Sojourn ID, and leave everywhere by leaving here. */
  readonly sso?: ShopSso
  /** Where browsers find it, such as `http://localhost:3000`: passkeys work there alone. */
  readonly origin: string
  /** Browsers reach it by HTTPS. */
  readonly isTls: boolean
  close(): Promise<void>
}

export interface Opened {
  readonly people: People
  readonly store: ShopStore
  readonly keys: string
  readonly origin: string
}

/** The keys that sign tokens, and seal what is kept of visits and factors. */
export function keysOf({ sessionKeys, dataFolder }: Settings): string {
  return sessionKeys ?? keepSessionKey(dataFolder)
}

/** Makes the service over a store that is open. */
export function openShop(settings: Settings, { people, store, keys, origin }: Opened): Shop {
  const { absoluteTimeout, dataFolder } = settings
  const policy = { idleTimeout: Math.min(settings.idleTimeout, absoluteTimeout), absoluteTimeout }
  try {
    const sessions = createSessions({ store: store.store, keys, data: visitData, policy })
    const { stepUp, factors, ledger, close } = openStepUp(sessions, { folder: dataFolder, store, origin })
    const monitor = openMonitor(sessions, dataFolder, ledger)
    return {
      monitor,
      stepUp,
      factors,
      ledger,
      origin,
      sessions,
      people,
      policy,
      store,
      isTls: settings.isTls,
      async close() {
        await monitor.close()
        await store.close()
        await close()
        people.close()
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(error.message)
    throw error
  }
}
