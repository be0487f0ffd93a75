import { StoreError } from '../../core/errors.ts'
import type { Channel, Ledger } from '../../core/store.ts'

export function unsupported(what: string): StoreError {
  return new StoreError(`Sealed cookies cannot ${what}. See docs/stores/cookie.md.`, {
    code: 'ERR_STORE_UNSUPPORTED',
    status: 501,
  })
}

const rejectShared = async (): Promise<never> => {
  throw unsupported('keep shared state without a ledger')
}

/** Without another store there is nothing that processes share. */
export const noLedger: Ledger = {
  claim: rejectShared,
  put: rejectShared,
  take: rejectShared,
  get: rejectShared,
  count: rejectShared,
}

export const noChannel: Channel = { publish: rejectShared, subscribe: rejectShared }
