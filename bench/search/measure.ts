/**
 * How long a search takes among a million sessions, in SQLite and PostgreSQL: `node bench/search/measure.ts [rows]`, on Node 24 with
 * `--conditions=sojourn-source`. Rows are put in by SQL; what they hold is spread as on a site of 50,000 people in a day: a few devices are most,
 * one is rare, one person has a program that signs in all the time. Prints a table for docs/stores/.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RecordFilter, Store } from 'sojourn'
import { postgresStore } from 'sojourn/stores/postgres'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { startPostgres } from '../../test/servers/postgres.ts'

const ROWS = Number(process.argv[2] ?? 1_000_000)
const HOUR = 3_600_000
const now = 1_790_000_000_000
const dayAgo = now - 24 * HOUR
const someRow = (n: number) => dayAgo + Math.floor((n / ROWS) * 24 * HOUR)

const searches: readonly (readonly [string, RecordFilter])[] = [
  ['all', {}],
  ['live', { state: 'live' }],
  ['expired', { state: 'expired' }],
  ['revoked', { state: 'revoked' }],
  ['a person', { subject: 'person-4711' }],
  ['a person, live', { subject: 'person-4711', state: 'live' }],
  ['a person with 20,000 sessions', { subject: 'robot' }],
  ['a prefix of few', { subjectPrefix: 'person-47' }],
  ['a prefix of all', { subjectPrefix: 'per' }],
  ['a prefix of nobody', { subjectPrefix: 'xyz' }],
  ['a device of a third', { device: 'device-0' }],
  ['a device of 100', { device: 'rare' }],
  ['a device of a third, live', { device: 'device-0', state: 'live' }],
  ['a device of a third, revoked', { device: 'device-0', state: 'revoked' }],
  ['a network of 50', { network: '10.7.7.0/24' }],
  ['a network of a tenth', { network: '10.0.0.0/24' }],
  ['a network of a tenth, rare device', { network: '10.0.0.0/24', device: 'rare' }],
  ['a device and a prefix of few', { device: 'device-0', subjectPrefix: 'person-47' }],
  ['an hour of the day', { startedAfter: now - 12 * HOUR, startedBefore: now - 11 * HOUR }],
]

/** What row number `n` holds, in both engines. */
const deviceOf = (n: number) => (n % 10_000 === 5 ? 'rare' : n % 3 === 0 ? 'device-0' : `device-${1 + (n % 37)}`)
const networkOf = (n: number) => (n % 10 === 0 ? '10.0.0.0/24' : `10.${n % 211}.${n % 97}.0/24`)
const subjectOf = (n: number) => (n % 50 === 7 ? 'robot' : n % 20 === 1 ? null : `person-${(n * 7919) % 50_000}`)
const deadlineOf = (n: number) => (n % 25 === 0 ? now + HOUR : Math.min(someRow(n) + HOUR, now + HOUR))
const isRevoked = (n: number) => n % 5 === 2

async function measure(name: string, store: Store): Promise<void> {
  console.log(
    `\n| ${name}: search | rows | newest first | oldest first | next page | count |\n| --- | --- | --- | --- | --- | --- |`,
  )
  for (const [what, filter] of searches) {
    const cells: string[] = []
    let rows = 0
    let next: string | undefined
    for (const order of ['newest', 'oldest'] as const) {
      const time = await median(async () => {
        const found = await store.query!(filter, { now, order, limit: 50 })
        if (order === 'oldest') return
        rows = found.rows.length
        next = found.next
      })
      cells.push(time)
    }
    cells.push(
      next === undefined ? '' : await median(() => store.query!(filter, { now, order: 'newest', limit: 50, cursor: next })),
    )
    let count = ''
    const time = await median(async () => {
      const counted = await store.count!(filter, { now, most: 1000 })
      count = `${counted.isAtLeast ? '≥ ' : ''}${counted.count}`
    })
    console.log(`| ${what} | ${rows}${next ? '+' : ''} | ${cells.join(' | ')} | ${count} in ${time} |`)
  }
}

async function median(work: () => Promise<unknown>): Promise<string> {
  const times: number[] = []
  for (let run = 0; run < 7; run++) {
    const from = performance.now()
    await work()
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  return `${times[3]!.toFixed(1)} ms`
}

/** The longest that anything else had to wait meanwhile. */
async function longestPause(work: () => Promise<void>): Promise<number> {
  let longest = 0
  let isOver = false
  let last = performance.now()
  const tick = () => {
    const at = performance.now()
    longest = Math.max(longest, at - last)
    last = at
    if (!isOver) setImmediate(tick)
  }
  setImmediate(tick)
  await work()
  isOver = true
  return longest
}

async function sqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-search-'))
  const file = join(folder, 'sessions.db')
  await sqliteStore(file).close()
  const database = new DatabaseSync(file)
  database.exec('PRAGMA synchronous = OFF; BEGIN')
  const insert = database.prepare(
    `INSERT INTO sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, revoked_at, reason, body, device, network)
     VALUES (?, 1, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const body = randomBytes(300)
  for (let n = 0; n < ROWS; n++) {
    const revokedAt = isRevoked(n) ? someRow(n) + 1000 : null
    insert.run(
      ...[
        randomBytes(16).toString('base64url'),
        subjectOf(n),
        someRow(n),
        revokedAt ? now + 12 * HOUR : deadlineOf(n),
        now + 12 * HOUR,
      ],
      ...[revokedAt, revokedAt && 'logout', revokedAt ? null : body, deviceOf(n), revokedAt ? null : networkOf(n)],
    )
  }
  database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const store = sqliteStore(file)
  try {
    const pause = await longestPause(() => measure('SQLite', store))
    console.log(`\nNothing else waited longer than ${pause.toFixed(1)} ms.`)
  } finally {
    await store.close()
    rmSync(folder, { recursive: true })
  }
}

async function postgres(): Promise<void> {
  const server = await startPostgres()
  try {
    const pool = server.pool()
    const store = postgresStore(pool)
    await store.migrate()
    await pool.query(`INSERT INTO sojourn_sessions (id, version, subject, epoch, started_at, deadline, absolute_deadline, purge_at, revoked_at, reason, body, device, network)
      SELECT gen_random_uuid(), 1, convert_to(CASE WHEN n % 50 = 7 THEN 'robot' WHEN n % 20 = 1 THEN NULL ELSE 'person-' || (n::bigint * 7919) % 50000 END, 'UTF8'),
        0, at, CASE WHEN n % 25 = 0 THEN ${now + HOUR} ELSE least(at + ${HOUR}, ${now + HOUR}) END, ${now + 12 * HOUR}, at + ${HOUR},
        CASE WHEN n % 5 = 2 THEN at + 1000 END, CASE WHEN n % 5 = 2 THEN 'logout' END, CASE WHEN n % 5 <> 2 THEN decode(repeat('ab', 300), 'hex') END,
        convert_to(CASE WHEN n % 10000 = 5 THEN 'rare' WHEN n % 3 = 0 THEN 'device-0' ELSE 'device-' || 1 + n % 37 END, 'UTF8'),
        CASE WHEN n % 5 <> 2 THEN convert_to(CASE WHEN n % 10 = 0 THEN '10.0.0.0/24' ELSE '10.' || n % 211 || '.' || n % 97 || '.0/24' END, 'UTF8') END
      FROM (SELECT n, ${dayAgo} + (n::bigint * ${24 * HOUR} / ${ROWS}) AS at FROM generate_series(0, ${ROWS - 1}) AS n) AS rows`)
    if (process.argv[3] !== 'unanalyzed') await pool.query('VACUUM ANALYZE sojourn_sessions')
    await measure('PostgreSQL', store)
  } finally {
    await server.stop()
  }
}

await sqlite()
await postgres()
