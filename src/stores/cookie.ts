import { ConfigError } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { CookieStore } from './cookie/store.ts'

/** Options of `cookieStore`. */
export interface CookieStoreOptions {
  /**
   * Another store, such as `redisStore(client)` or `sqliteStore('ended.db')`, that remembers what was ended: ids of revoked sessions
   * and, for "sign out everywhere", an epoch a subject, until the absolute deadline. It holds nothing of sessions that live.
   *
   * Default none. Then signing out only removes the cookie from the browser that asked: an attacker who copied it before stays signed in
   * until its deadline, and `revokeSubject` and `revokeOthers` reject with `ERR_STORE_UNSUPPORTED`. The policy report says so.
   */
  readonly ledger?: Store
  /**
   * Longest sealed session, in characters of cookie. Default 7,500, which is two cookies; 1,000 to 15,000. What is longer is refused when
   * it is written, with `ERR_COOKIE_TOO_LARGE`.
   *
   * Every request carries it up, and servers refuse requests whose headers are too long: nginx by default a `Cookie` line over 8 KiB,
   * Node all headers over 16 KiB.
   */
  readonly maxLength?: number
  /**
   * Whether a session too long for one cookie is compressed. Default `true`. Whoever can put text into the session of another and watches
   * the length of that person's requests can then guess, bit by bit, what else is in it (CRIME); the token's secret is never compressed.
   */
  readonly deflate?: boolean
}

/**
 * Keeps sessions in their own cookies, sealed with AES-256-GCM under the key ring, and nothing on the server but what was ended.
 *
 * Use it where there is no place to keep sessions, or to read them without a round trip. Prefer a store that keeps records wherever there
 * is one: only it can list a person's sessions, notice a stolen token and merge what parallel requests write.
 *
 * @param options - See `CookieStoreOptions`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - an option out of its range, or a `ledger` that is no store that keeps records.
 * @see ASVS 5.0, 7.4.1: a self-contained token needs a list of what was ended.
 * @example
 * const sessions = createSessions({ store: cookieStore({ ledger: sqliteStore('ended.db') }), keys: process.env.SESSION_KEYS })
 */
export function cookieStore(options: CookieStoreOptions = {}): Store {
  if (typeof options !== 'object' || options === null)
    throw invalid('the first argument', 'an object of options', 'there is no file or URL')
  const { ledger, maxLength = 7500, deflate = true } = options
  if (!Number.isSafeInteger(maxLength) || maxLength < 1000 || maxLength > 15_000)
    throw invalid('maxLength', 'a whole number from 1,000 to 15,000', 'browsers and servers drop more')
  if (typeof deflate !== 'boolean') throw invalid('deflate', '`true` or `false`', 'anything else hides what is meant')
  const isStore = typeof ledger === 'object' && ledger !== null && typeof ledger.ledger?.get === 'function'
  if (ledger !== undefined && (!isStore || ledger.capabilities.carries !== undefined))
    throw invalid('ledger', "a store that keeps records, such as sqliteStore('ended.db')", 'it has to remember what was ended')
  if (ledger?.capabilities.evicts)
    throw invalid('ledger', 'a store that forgets nothing', `'${ledger.name}' makes room by forgetting that sessions were ended`)
  return new CookieStore(ledger, { maxLength, deflates: deflate })
}

function invalid(option: string, expected: string, why: string): ConfigError {
  return new ConfigError(`cookieStore: ${option} is not ${expected}; ${why}. See docs/stores/cookie.md.`, {
    code: 'ERR_CONFIG_INVALID',
  })
}
