/** What the shop keeps of a visit, and the rules it keeps it by. */
import { createSessions, isSojournError, type Session, type Sessions } from 'sojourn'
import type { SessionApplication, SessionRequest } from 'sojourn/express'
import { z } from 'zod'
import { ITEM_ID } from './catalogue.ts'
import type { People } from './people.ts'
import { keepSessionKey } from './session-key.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'
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
  /** Browsers reach it by HTTPS. */
  readonly isTls: boolean
  close(): Promise<void>
}

/** Makes the service over a store that is open. */
export function openShop(settings: Settings, people: People, store: ShopStore): Shop {
  const { absoluteTimeout } = settings
  const policy = { idleTimeout: Math.min(settings.idleTimeout, absoluteTimeout), absoluteTimeout }
  const keys = settings.sessionKeys ?? keepSessionKey(settings.dataFolder)
  try {
    const sessions = createSessions({ store: store.store, keys, data: visitData, policy })
    return {
      sessions,
      people,
      policy,
      store,
      isTls: settings.isTls,
      async close() {
        await store.close()
        people.close()
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(error.message)
    throw error
  }
}
