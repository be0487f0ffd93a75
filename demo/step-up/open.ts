/** What readers prove themselves with beside the password. Their factors are in a file of the shop's own, apart from the visits. */
import { join } from 'node:path'
import { isSojournError, minutes, type Sessions, type Store } from 'sojourn'
import { createStepUp, type FactorStore, type StepUp } from 'sojourn/stepup'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { StartError } from '../start-error.ts'
import type { ShopStore } from '../stores/open.ts'

/** What paying asks for: both factors, proved in the last five minutes. */
export const TO_PAY = { acr: 'aal2', maxAge: minutes(5) } as const

/** On `localhost` every visitor comes from one address; with the default of 60 tries a few of them would fill it. */
const NETWORK_TRIES = 1000
/** At one account from one network, before there is a wait: of a million codes, three are right at a time. */
const TRIES = 20

export interface ShopStepUp {
  readonly stepUp: StepUp
  readonly factors: FactorStore
  /** Where the visits' own store would forget: a store beside it. */
  readonly ledger: Store | undefined
  close(): Promise<void>
}

export interface StepUpPlace {
  readonly folder: string
  readonly store: ShopStore
  /** Where browsers find the shop: passkeys are made for it and work nowhere else. */
  readonly origin: string
}

/** @throws {StartError} The file of factors cannot be used, or a package is missing. */
export function openStepUp<Data>(sessions: Sessions<Data>, { folder, store, origin }: StepUpPlace): ShopStepUp {
  const { carries, evicts } = store.store.capabilities
  const path = join(folder, 'factors.db')
  try {
    const factors = sqliteFactorStore(path)
    // A store that forgets, or keeps nothing, would take a code that was used for a new one.
    const ledger = carries || evicts ? sqliteStore(join(folder, 'step-up.db')) : undefined
    const stepUp = createStepUp(sessions, {
      factors,
      issuer: 'Sojourn Books',
      origins: [origin],
      pages: { whilePending: ['/step-up', '/mfa/*', '/logout'] },
      throttle: { tries: TRIES, networkTries: NETWORK_TRIES },
      ...(ledger !== undefined && { ledger }),
    })
    return {
      stepUp,
      factors,
      ledger,
      async close() {
        await factors.close()
        await ledger?.close()
      },
    }
  } catch (error) {
    if (isSojournError(error)) throw new StartError(`${error.message} (The readers’ factors are in ${path}.)`)
    throw error
  }
}
