/**
 * Core and stores without HTTP, in one process: CPU time of one operation, beside the hand-written floors. Reads are what every request
 * does: `sessions.read`, look, `commit()`. A child process; argv: package folder, data folder, operations a batch, batches, groups.
 */
import { hash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Sessions, Store } from 'sojourn'
import type { Group } from './http/variant.ts'
import { partsOfReads } from './micro-parts.ts'
import { loadEntry } from './package.ts'
import { newKey, type SampleData, SESSIONS, sampleData, subjectOf } from './sample.ts'
import { median } from './statistics.ts'

export interface MicroRow {
  readonly name: string
  /** CPU microseconds, user and system. */
  readonly cpuPerOperation: number
}

type Operation = (index: number) => unknown
type DataSchema = import('@standard-schema/spec').StandardSchemaV1<unknown, SampleData>

const [packageFolder, dataFolder, batchSize, batchCount, groupNames] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
]
const groups = groupNames.split(',') as Group[]
/** More sessions than any memo of the package holds. */
const crowd = Math.max(2500, Number(batchSize))
const KEEP = ['basket', 'locale', 'theme'] as const

const { createSessions } = await loadEntry(packageFolder, 'core')
const { memoryStore } = await loadEntry(packageFolder, 'memory')
const { sqliteStore } = await loadEntry(packageFolder, 'sqlite')
const { cookieStore } = await loadEntry(packageFolder, 'cookie')

const operations = new Map<string, Operation>()
const add = (more: Iterable<readonly [string, Operation]>) => {
  for (const [name, operation] of more) operations.set(name, operation)
}
if (groups.includes('local')) {
  add(floors())
  add(await sojournOperations(memoryStore({ maxSessions: 10_000_000 })))
  add(await sojournOperations(sqliteStore(join(dataFolder, 'micro.db'))))
}
if (groups.includes('distributed')) {
  add(await partsOfReads(packageFolder))
  const startedAt = Date.now()
  // Here nobody takes the cookie with a later "last seen", and after a minute and a half each read would send one.
  add(await sojournOperations(cookieStore(), () => startedAt))
}
process.send!(await measure())
process.on('disconnect', () => process.exit(0))

async function measure(): Promise<MicroRow[]> {
  const samples = new Map<string, number[]>([...operations.keys()].map((name) => [name, []]))
  const size = Number(batchSize)
  // One batch of each in turn; the first is for the compiler.
  for (let batch = 0; batch <= Number(batchCount); batch++) {
    for (const [name, operation] of operations) {
      const count = /write|sign-in/.test(name) ? Math.ceil(size / 5) : size
      globalThis.gc?.()
      const before = process.cpuUsage()
      for (let i = 0; i < count; i++) await operation(i)
      const { user, system } = process.cpuUsage(before)
      if (batch > 0) samples.get(name)!.push((user + system) / count)
    }
  }
  return [...samples].map(([name, values]) => ({ name, cpuPerOperation: median(values) }))
}

function floors(): [string, Operation][] {
  const tokens = Array.from({ length: SESSIONS }, () => randomBytes(32).toString('base64url'))
  const keyOf = (token: string) => hash('sha256', token, 'base64url')
  const map = new Map(tokens.map((token, i) => [keyOf(token), { user: subjectOf(i), ...sampleData() }]))
  const database = new DatabaseSync(join(dataFolder, 'micro-floor.db'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT)')
  const insert = database.prepare('INSERT INTO sessions VALUES (?, ?)')
  for (const [key, session] of map) insert.run(key, JSON.stringify(session))
  const get = database.prepare('SELECT data FROM sessions WHERE id = ?')
  return [
    ['floor: opaque token, Map', async (i) => present(map.get(keyOf(tokens[i % SESSIONS]!)))],
    ['floor: opaque token, SQLite', async (i) => JSON.parse(String(present(get.get(keyOf(tokens[i % SESSIONS]!))).data))],
  ]
}

async function sojournOperations(store: Store, clock = Date.now): Promise<[string, Operation][]> {
  const sessions: Sessions<SampleData> = createSessions<DataSchema>({ store, keys: newKey(), clock })
  const signIn = async (index: number) => {
    const session = sessions.anonymous()
    Object.assign(session.data, sampleData())
    await session.signIn({ subject: subjectOf(index), method: 'pwd', keep: KEEP })
    return (await session.commit()).token!
  }
  const tokens: string[] = []
  for (let i = 0; i < crowd; i++) tokens.push(await signIn(i))
  const forged = tokens.slice(0, SESSIONS).map((token) => `${token.slice(0, -3)}AAA`)
  let count = 0
  return [
    [
      `sojourn ${store.name}: read`,
      async (i) => {
        const session = await sessions.read(tokens[i % SESSIONS])
        present(session.subject)
        return session.commit()
      },
    ],
    [
      `sojourn ${store.name}: read, none of ${crowd.toLocaleString('en-US')} sessions twice`,
      async (i) => {
        const session = await sessions.read(tokens[i % crowd])
        present(session.subject)
        return session.commit()
      },
    ],
    [
      `sojourn ${store.name}: read, with data`,
      async (i) => {
        const session = await sessions.read(tokens[i % SESSIONS])
        present(session.data.basket)
        return session.commit()
      },
    ],
    [
      `sojourn ${store.name}: read and write data`,
      async (i) => {
        const session = await sessions.read(tokens[i % SESSIONS])
        session.data.theme = `theme-${count++}`
        return session.commit()
      },
    ],
    [`sojourn ${store.name}: sign-in`, (i) => signIn(i)],
    [`sojourn ${store.name}: refuse a forged token`, async (i) => (await sessions.read(forged[i % SESSIONS])).commit()],
  ]
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('A session that was stored was not found.')
  return value
}
