/** What the tests of sealed cookies share: a service whose sessions are in their cookies, with a list of what was ended or without. */
import { createHash } from 'node:crypto'
import type { Session } from '../../../src/core/session.ts'
import type { Sessions } from '../../../src/core/sessions.ts'
import type { Store } from '../../../src/core/store.ts'
import { type CookieStoreOptions, cookieStore } from '../../../src/stores/cookie.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'

type Options = Omit<LooseOptions, 'store'> & Omit<CookieStoreOptions, 'ledger'>

/** Without a ledger: nothing is kept anywhere. */
export function sealed({ maxLength, deflate, ...options }: Options = {}) {
  return setUp({ ...options, store: faultyStore(cookieStore(given({ maxLength, deflate }))) })
}

/** With a ledger; `ledger` can be made to fail, and shared between services as between the nodes of a site. */
export function sealedWithLedger({ maxLength, deflate, ...options }: Options = {}, beneath: Store = memoryStore()) {
  const ledger = faultyStore(beneath)
  const service = setUp({ ...options, store: faultyStore(cookieStore({ ...given({ maxLength, deflate }), ledger })) })
  return { ...service, ledger }
}

function given(options: { maxLength?: number | undefined; deflate?: boolean | undefined }): CookieStoreOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** The state a token is in. */
export async function stateOf({ sessions }: { sessions: Sessions<Record<string, unknown>> }, token: string): Promise<string> {
  return (await sessions.read(token)).state
}

/** A request that does something, and the token its browser has afterwards. */
export async function tokenAfter(
  { sessions }: { sessions: Sessions<Record<string, unknown>> },
  token: string,
  work: (session: Session<Record<string, unknown>>) => unknown,
): Promise<string> {
  const session = await sessions.read(token)
  await work(session)
  return (await session.commit()).token ?? token
}

/** Text of 64 different letters, the same each time; compression makes it shorter by a quarter and no more. */
export function noise(length: number, seed = 1): string {
  return createHash('shake256', { outputLength: length }).update(`${seed}`).digest('base64url').slice(0, length)
}
