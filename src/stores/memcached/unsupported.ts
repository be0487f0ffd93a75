import { StoreError } from '../../core/errors.ts'
import type { Channel } from '../../core/store.ts'

export function unsupported(what: string): StoreError {
  return new StoreError(`memcached cannot ${what}. See docs/stores/memcached.md.`, { code: 'ERR_STORE_UNSUPPORTED', status: 501 })
}

const reject = async (): Promise<never> => {
  throw unsupported('carry messages between processes')
}

/** memcached tells nobody of anything. A channel within this process alone would look like one, and reach no other. */
export const noChannel: Channel = { publish: reject, subscribe: reject }
