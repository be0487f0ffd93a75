/** Among so many rows that no search may look at all of them at once: nothing comes twice and nothing is missed, however it is cut. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RecordFilter, Store } from 'sojourn'
import { postgresStore } from 'sojourn/stores/postgres'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'

const ROWS = 130_000
const now = 1_790_000_000_000
const HOUR = 3_600_000
/** Seven rows share an instant, so that pieces end between them. */
const startOf = (n: number) => now - ROWS + Math.floor(n / 7) * 7
/** Four among all: by the device and the network together, which are both many. */
const isRare = (n: number) => [3, 40_000, 80_001, ROWS - 2].includes(n)

async function sqlite(): Promise<{ store: Store; close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-search-'))
  const file = join(folder, 'sessions.db')
  const store = sqliteStore(file)
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF; BEGIN')
  const insert = database.prepare(
    `INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, body, device, network)
     VALUES (?, 1, ?, 0, ?, ?, ?, x'01', ?, ?)`,
  )
  for (let n = 0; n < ROWS; n++) {
    const id = randomBytes(16).toString('base64url')
    const device = isRare(n) ? 'both' : n % 2 ? 'both' : 'other'
    insert.run(
      id,
      `p-${n}`,
      startOf(n),
      isRare(n) ? now : now + HOUR,
      now + HOUR,
      device,
      isRare(n) || n % 2 === 0 ? 'both' : 'other',
    )
  }
  database.exec('COMMIT')
  database.close()
  const close = async () => {
    await store.close()
    rmSync(folder, { recursive: true })
  }
  return { store, close }
}

let server: PostgresServer
async function postgres(): Promise<{ store: Store; close: () => Promise<void> }> {
  server = await startPostgres()
  const store = postgresStore(server.pool())
  await store.migrate()
  const rare = 'n IN (3, 40000, 80001, $1 - 2)'
  const text = `INSERT INTO sojourn_sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, purge_at, body, device, network)
    SELECT gen_random_uuid(), 1, convert_to('p-' || n, 'UTF8'), 0, ${now} - $1 + (n / 7) * 7, CASE WHEN ${rare} THEN ${now} ELSE ${now + HOUR} END, ${now + HOUR},
      ${now + HOUR}, '\\x01', convert_to(CASE WHEN ${rare} OR n % 2 = 1 THEN 'both' ELSE 'other' END, 'UTF8'),
      convert_to(CASE WHEN ${rare} OR n % 2 = 0 THEN 'both' ELSE 'other' END, 'UTF8')
    FROM generate_series(0, $1::int - 1) AS n`
  await server.pool().query(text, [ROWS])
  return { store, close: () => server.stop() }
}

async function allOf(store: Store, filter: RecordFilter, order: 'newest' | 'oldest', limit: number) {
  const found: string[] = []
  let pages = 0
  let cursor: string | undefined
  do {
    const page = await store.query!(filter, { now, order, limit, cursor })
    for (const row of page.rows) found.push(row.kind === 'record' ? row.record.subject! : '')
    pages += 1
    cursor = page.next
  } while (cursor !== undefined)
  return { found, pages }
}

describe.each([
  ['sqlite', sqlite],
  ['postgres', postgres],
] as const)('%s', (_, open) => {
  let store: Store
  let close: () => Promise<void>
  beforeAll(async () => {
    ;({ store, close } = await open())
  }, 60_000)
  afterAll(() => close())
  const rare = Array.from({ length: ROWS }, (_, n) => n).filter(isRare)

  it.each<[string, RecordFilter]>([
    ['by two labels that are both many', { device: 'both', network: 'both' }],
    ['by a state that few are in', { state: 'expired' }],
    ['by a state and a prefix of all', { state: 'expired', subjectPrefix: 'p-' }],
  ])('finds the few among many %s, in pages of which some are empty', async (_, filter) => {
    for (const order of ['newest', 'oldest'] as const) {
      const { found, pages } = await allOf(store, filter, order, 3)
      const expected = rare.map((n) => `p-${n}`)
      expect(found).toEqual(order === 'oldest' ? expected : expected.reverse())
      // Bounded work: one page would be a look at all.
      expect(pages).toBeGreaterThan(1)
    }
  })

  it('gives each of a prefix of thousands once', async () => {
    const { found } = await allOf(store, { subjectPrefix: 'p-12' }, 'newest', 500)

    expect(new Set(found).size).toBe(found.length)
    expect(found).toHaveLength(
      Array.from({ length: ROWS }, (_, n) => `p-${n}`).filter((subject) => subject.startsWith('p-12')).length,
    )
  })

  it('counts no further than bounded work goes, and all where that is asked for', async () => {
    expect(await store.count!({ state: 'expired' }, { now, most: 10 })).toMatchObject({ isAtLeast: true })
    expect(await store.count!({ state: 'expired' }, { now, most: 100_000 })).toEqual({ count: 4, isAtLeast: false })
    expect(await store.count!({}, { now, most: 1_000_000 })).toEqual({ count: ROWS, isAtLeast: false })
    expect(await store.count!({ subjectPrefix: 'p-' }, { now, most: 1_000_000 })).toMatchObject({ isAtLeast: true })
    expect(await store.count!({ subjectPrefix: 'p-1299' }, { now, most: 1000 })).toEqual({ count: 111, isAtLeast: false })
  })

  it('stops when nobody waits any more', async () => {
    const controller = new AbortController()
    const counting = store.count!({}, { now, most: 1_000_000, signal: controller.signal })
    controller.abort()

    await expect(counting).rejects.toMatchObject({ name: expect.stringMatching(/Error/) })
  })
})
