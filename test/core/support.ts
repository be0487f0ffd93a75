/** What the tests of core share: a service on a fake clock, with every event kept, and tokens as a browser would hold them. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ResolvedPolicy, resolveConfig, type SessionsOptions } from '../../src/core/config.ts'
import type { SojournEvent } from '../../src/core/events.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import type { Policy } from '../../src/core/policies.ts'
import type { SessionRecord } from '../../src/core/record.ts'
import type { Session, SignInOptions } from '../../src/core/session.ts'
import { createSessions, type Sessions } from '../../src/core/sessions.ts'
import { encodeId, hashSecret } from '../../src/core/token.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { type FakeClock, fakeClock } from '../../src/testing/fake-clock.ts'
import { type FaultyStore, faultyStore } from '../../src/testing/faulty-store.ts'

/** Random once, fixed since; nothing real was ever made with them. */
export const KEY = 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'
export const OLDER_KEY = 'MzpTtMGwAI7hhw2HZkBu7ReV_cWnPasLZDV7Y8UGMys'
export const FOREIGN_KEY = 'Xnzz_D7kyjGlC4qpfHOMurCGo-TXn2fbSDT6ThTdHLs'

export const RING = createKeyring(KEY)

type Options<Schema extends StandardSchemaV1> = Partial<Omit<SessionsOptions<Schema>, 'clock' | 'store'>> & {
  clock?: FakeClock
  store?: FaultyStore
}

/** Options of a service without a schema. */
export type LooseOptions = Options<StandardSchemaV1<unknown, Record<string, unknown>>>

/** A service on a store that counts its calls and fails when told to. */
export function setUp<Schema extends StandardSchemaV1 = StandardSchemaV1<unknown, Record<string, unknown>>>(
  options: Options<Schema> = {},
) {
  const clock = options.clock ?? fakeClock()
  const store = options.store ?? faultyStore(memoryStore())
  const events: SojournEvent[] = []
  const onEvent = (event: SojournEvent) => events.push(event)
  const sessions = createSessions<Schema>({ keys: KEY, onEvent, ...options, store, clock })
  /** Events so far, of one type if given. */
  const seen = async (type?: SojournEvent['type']) => {
    await sessions.events.drained()
    return events.filter((event) => type === undefined || event.type === type)
  }
  return { clock, store, sessions, seen }
}

/** Commits and gives the token the browser holds afterwards. */
export async function tokenOf(session: Pick<Session, 'commit'>): Promise<string> {
  const { token } = await session.commit()
  if (token === undefined) throw new Error('the response sets no token')
  return token
}

/** Signs in and gives the browser's token. */
export async function signedIn<Data>(sessions: Sessions<Data>, options: Partial<SignInOptions<Data>> = {}): Promise<string> {
  return tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd', ...options }))
}

/** The code of the error a promise rejects with, or that a function throws; `undefined` when it does not. */
export async function codeOf(work: unknown): Promise<unknown> {
  try {
    await (typeof work === 'function' ? work() : work)
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

/** The error a call throws; fails when it throws none. */
export function thrownBy(work: () => unknown): Error & { code?: unknown } {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** A policy with every default filled in. */
export function policyOf(policy: Policy = {}): ResolvedPolicy {
  return resolveConfig({ store: memoryStore(), keys: KEY, policy }).policy
}

/** A record as the store would give it back. */
export function recordOf(changes: Partial<SessionRecord> = {}): SessionRecord {
  const idBytes = Buffer.alloc(16, 7)
  return {
    id: encodeId(changes.idBytes ?? idBytes),
    idBytes,
    version: 1,
    epoch: 0,
    subject: 'ada',
    isPersistent: false,
    currentHash: hashSecret(Buffer.alloc(32, 1)),
    generationAt: 1_000_000,
    confirmedAt: undefined,
    lineage: [],
    startedAt: 1_000_000,
    absoluteFrom: 1_000_000,
    lastSeenAt: 1_000_000,
    idleDeadline: 2_800_000,
    absoluteDeadline: 44_200_000,
    details: { facts: [{ method: 'pwd', at: 1_000_000, strength: 1 }] },
    sealedData: new Uint8Array(0),
    ...changes,
  }
}
