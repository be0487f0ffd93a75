import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FactorStore } from '../../../src/stepup/factor-store.ts'

const now = 1_893_456_000_000
const factorOf = (id: string, subject = 'ada') => ({
  id: id.padEnd(22, '0'),
  subject,
  kind: 'totp' as const,
  handle: undefined,
  name: 'My phone',
  createdAt: now,
  lastUsedAt: undefined,
  sealed: Uint8Array.of(1, 2, 3),
})

let folder: string
let path: string
let closers: (() => unknown)[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-'))
  path = join(folder, 'application.db')
  closers = []
})

afterEach(async () => {
  for (const closer of closers.reverse()) await closer()
  rmSync(folder, { recursive: true })
})

function open(source: Parameters<typeof sqliteFactorStore>[0] = path): FactorStore {
  const store = sqliteFactorStore(source)
  closers.push(() => store.close())
  return store
}

function handle(): DatabaseSync {
  const database = new DatabaseSync(path)
  closers.push(() => database.isOpen && database.close())
  return database
}

describe('a file of its own', () => {
  it('keeps factors over a restart', async () => {
    const first = open()
    await first.add(factorOf('a'), { most: 1 })
    await first.close()

    expect(await open().list('ada')).toMatchObject([{ ...factorOf('a'), version: 1 }])
  })

  it('is created readable by its owner only', () => {
    open()

    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('is an application’s, too: its mode and what is in it stay as they are', async () => {
    const database = handle()
    database.exec(
      `PRAGMA application_id = 7; PRAGMA user_version = 9; CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ada')`,
    )
    chmodSync(path, 0o640)

    await open().add(factorOf('a'), { most: 1 })

    expect(statSync(path).mode & 0o777).toBe(0o640)
    const [application, version, mode] = ['application_id', 'user_version', 'journal_mode'].map((name) => ({
      ...database.prepare(`PRAGMA ${name}`).get(),
    }))
    expect({ ...application, ...version, ...mode }).toEqual({ application_id: 7, user_version: 9, journal_mode: 'delete' })
    expect(database.prepare('SELECT name FROM people').all()).toMatchObject([{ name: 'Ada' }])
  })

  it('is not the file of the sessions, which is left as it is', async () => {
    const sessions = sqliteStore(path)
    closers.push(() => sessions.close())

    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNREADABLE', message: expect.stringContaining('sessions') }),
    )
    expect(handle().prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'sojourn%'`).all()).toEqual([])
  })

  it.each([
    ['', 'path'],
    ['file:factors.db', 'path'],
    ['a\0b', 'path'],
    [{ path: 'x', busyTimeout: -1 }, 'busyTimeout'],
    [{ path: 'x', busyTimeout: Number.NaN }, 'busyTimeout'],
    [{ path: 'x', busyTimeout: 60_001 }, 'busyTimeout'],
  ])('is refused when given as %j', (source, option) => {
    expect(() => open(source)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(option) }),
    )
  })

  it('that cannot be created says why, without its path', () => {
    const missing = join(folder, 'missing', 'factors.db')

    expect(() => open(missing)).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('ENOENT') }),
    )
    expect(() => open(missing)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(folder) }))
  })
})

describe('a damaged database', () => {
  it.each([
    ['that is no database', (bytes: Buffer) => Buffer.from('x'.repeat(bytes.length))],
    [
      'whose pages are overwritten',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 7)]),
    ],
    ['that is cut', (bytes: Buffer) => bytes.subarray(0, 5000)],
  ])('%s is told apart from one without factors', async (_, damage) => {
    const first = open()
    await first.add(factorOf('a'), { most: 1 })
    await first.close()
    writeFileSync(path, damage(readFileSync(path)))

    const listing = async () => open().list('ada')

    await expect(listing()).rejects.toMatchObject({ code: 'ERR_STORE_UNREADABLE' })
  })

  it('whose table is gone says so at start-up', () => {
    open()
    handle().exec('DROP TABLE sojourn_factors')

    expect(() => open()).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }))
  })

  it('takes no values of other types, whoever writes them', async () => {
    const store = open()
    await store.add(factorOf('a'), { most: 1 })

    for (const text of [`sealed = 'text'`, `version = 'x'`, 'sealed = NULL', `created_at = 'x'`]) {
      expect(() => handle().exec(`UPDATE sojourn_factors SET ${text}`)).toThrow()
    }
    expect(await store.list('ada')).toMatchObject([{ version: 1 }])
  })

  it('made by a newer version is left as it is', () => {
    open()
    handle().exec('INSERT INTO sojourn_factors_schema VALUES (2)')

    expect(() => open()).toThrow(expect.objectContaining({ code: 'ERR_STORE_NEWER' }))
  })
})

describe('the application’s own handle', () => {
  it('stays open when the store is closed', async () => {
    const database = handle()
    const store = open(database)
    await store.close()

    expect(database.isOpen).toBe(true)
  })

  it('that was closed is an outage', async () => {
    const database = handle()
    const store = open(database)
    database.close()

    await expect(store.list('ada')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
  })

  it('is not written to within a transaction of the application, whose rollback would undo it', async () => {
    const database = handle()
    const store = open(database)
    await store.add(factorOf('a'), { most: 2 })
    database.exec('BEGIN')

    const removing = store.remove('ada', factorOf('a').id)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(await store.list('ada')).toHaveLength(1)
    database.exec('ROLLBACK')

    expect(await removing).toBe(true)
    expect(await store.list('ada')).toEqual([])
  })
})

describe('a lock of another process', () => {
  it('is waited for without stopping this one', async () => {
    const store = open()
    const other = handle()
    other.exec('BEGIN IMMEDIATE')

    const adding = store.add(factorOf('a'), { most: 1 })
    await new Promise((resolve) => setTimeout(resolve, 30))
    other.exec('ROLLBACK')

    expect(await adding).toBe('added')
  })

  it('that lasts longer than busyTimeout is an outage, and nothing was written', async () => {
    const store = open({ path, busyTimeout: 20 })
    const other = handle()
    other.exec('BEGIN EXCLUSIVE')

    await expect(store.add(factorOf('a'), { most: 1 })).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })

    other.exec('ROLLBACK')
    expect(await store.list('ada')).toEqual([])
  })
})
