import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../src/core/store.ts'
import { startWorker, type Worker } from './processes/start-worker.ts'

const shared = { id: 'shared', subject: 'ada', startedAt: 1, deadline: 100, absoluteDeadline: 200, body: new Uint8Array(4) }

let folder: string
let path: string
let store: Store
let workers: Worker[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-'))
  path = join(folder, 'sessions.db')
  store = sqliteStore({ path, busyTimeout: 400 })
  workers = []
})

afterEach(async () => {
  for (const worker of workers) await worker.stop()
  await store.close()
  rmSync(folder, { recursive: true })
})

async function start(): Promise<Worker> {
  const worker = await startWorker(path)
  workers.push(worker)
  return worker
}

async function startHoldingLock(milliseconds: number): Promise<void> {
  const worker = await start()
  const isLocked = worker.hears('locked')
  worker.run('lock', milliseconds).catch(() => {})
  await isLocked
}

/** Opens a new file while another process does: that one comes in between when it asks for the version. */
class InterruptedDatabase extends DatabaseSync {
  readonly #interrupt: () => void

  constructor(file: string, interrupt: () => void) {
    super(file)
    this.#interrupt = interrupt
  }

  override prepare(sql: string) {
    if (sql === 'PRAGMA user_version') this.#interrupt()
    return super.prepare(sql)
  }
}

describe('two processes on one file', () => {
  // One of 35 pairs of demos that began together on a new file took it for another application's.
  it('can both be the first to open it', () => {
    const fresh = join(folder, 'fresh.db')
    const other = () => {
      try {
        return sqliteStore({ path: fresh, busyTimeout: 0 })
      } catch {
        return undefined
      }
    }

    expect(() => sqliteStore(new InterruptedDatabase(fresh, other))).not.toThrow()
  })

  it('see each other’s sessions and revocations at once', async () => {
    const other = await start()
    await store.create(shared, { now: 1 })

    const seenThere = await other.run('read')
    await other.run('revoke')
    const seenHere = await store.read('shared')

    expect(seenThere).toMatchObject({ kind: 'record', record: { version: 1 } })
    expect(seenHere).toMatchObject({ kind: 'tombstone', tombstone: { reason: 'elsewhere' } })
  })

  it('agree that a subject has been ended', async () => {
    const other = await start()
    await store.create(shared, { now: 1 })

    await other.run('revokeSubject')

    expect(await store.update('shared', 1, shared)).toBe('gone')
    expect(await store.list('ada')).toEqual([])
  })

  it('lose no write when both write the same session', async () => {
    const other = await start()
    await store.create(shared, { now: 1 })

    const there = other.run('add', 300)
    const third = await start()
    await Promise.all([there, third.run('add', 300)])

    const found = await store.read('shared')
    expect(found?.kind === 'record' && Buffer.from(found.record.body).readUInt32BE()).toBe(600)
  })

  it('never exceed a subject’s limit together', async () => {
    const [one, two] = [await start(), await start()]

    const created = await Promise.all([one.run('createLimited', 50), two.run('createLimited', 50)])

    expect(Number(created[0]) + Number(created[1])).toBe(5)
    expect(await store.list('ada')).toHaveLength(5)
  })

  it('claim each key once and count every count', async () => {
    const [one, two] = [await start(), await start()]

    const claimed = await Promise.all([one.run('claim', 200), two.run('claim', 200)])
    await Promise.all([one.run('count', 200), two.run('count', 200)])

    expect(Number(claimed[0]) + Number(claimed[1])).toBe(200)
    expect(await store.ledger.count('key', { now: 1, window: 1000 })).toBe(401)
  })

  it('hear each other’s messages', async () => {
    const other = await start()
    const isListening = other.hears('listening')
    const heard = other.run('listen')
    await isListening

    await store.channel.publish('topic', 'hello')

    expect(await heard).toBe('hello')
  })

  it('may all open a new file at the same moment', async () => {
    path = join(folder, 'new.db')

    const started = await Promise.all([start(), start(), start(), start()])

    expect(await Promise.all(started.map((worker) => worker.run('read')))).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('a process that does not close its store', () => {
  it('ends by itself when its work is done', () => {
    const script = `
      import { sqliteStore } from 'sojourn/stores/sqlite'
      const store = sqliteStore(${JSON.stringify(join(folder, 'own.db'))})
      await store.channel.subscribe('topic', () => {})
      console.log(await store.purge({ before: 1, limit: 10 }))`
    const args = ['--conditions=sojourn-source', '--no-warnings', '--input-type=module', '--eval', script]

    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 })

    expect([ended.status, ended.stdout.trim(), ended.stderr]).toEqual([0, '0', ''])
  })

  it('waits for its thread when it closes in the middle of a job', () => {
    const script = `
      import { sqliteStore } from 'sojourn/stores/sqlite'
      const store = sqliteStore(${JSON.stringify(join(folder, 'own.db'))})
      void store.purge({ before: 1, limit: 10 })
      await store.close()
      console.log('closed')`
    const args = ['--conditions=sojourn-source', '--no-warnings', '--input-type=module', '--eval', script]

    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 })

    expect([ended.status, ended.stdout.trim(), ended.stderr]).toEqual([0, 'closed', ''])
  })

  it('purges without a thread where none may be started', () => {
    const script = `
      import { sqliteStore } from 'sojourn/stores/sqlite'
      const store = sqliteStore(${JSON.stringify(join(folder, 'own.db'))})
      await store.create({ id: 'a', startedAt: 1, deadline: 1, absoluteDeadline: 1, body: new Uint8Array(1) }, { now: 1 })
      console.log(await store.purge({ before: 9, limit: 10 }))
      await store.close()`
    const permissions = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*']
    const args = [...permissions, '--conditions=sojourn-source', '--no-warnings', '--input-type=module', '--eval', script]

    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000 })

    expect([ended.status, ended.stdout.trim(), ended.stderr]).toEqual([0, '1', ''])
  })
})

describe('a file that another process keeps locked', () => {
  it('is waited for, while reads and the rest of the process go on', async () => {
    await store.create(shared, { now: 1 })
    await startHoldingLock(150)
    let turns = 0
    const counter = setInterval(() => turns++, 5)

    const pending = store.update('shared', 1, shared)
    const found = await store.read('shared')
    const outcome = await pending
    clearInterval(counter)

    expect([found?.kind, outcome]).toEqual(['record', 'updated'])
    expect(turns).toBeGreaterThan(5)
  })

  it('rejects with a code after the busy timeout, and nothing happened', async () => {
    await store.create(shared, { now: 1 })
    await startHoldingLock(5000)
    const started = performance.now()

    await expect(store.revoke('shared', { now: 2, reason: 'logout' })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      status: 503,
    })

    expect(performance.now() - started).toBeGreaterThan(350)
    expect(performance.now() - started).toBeLessThan(2000)
    expect((await store.read('shared'))?.kind).toBe('record')
  })

  it('rejects sooner if the caller stops waiting', async () => {
    await startHoldingLock(5000)
    const started = performance.now()

    await expect(store.create(shared, { now: 1, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })

    expect(performance.now() - started).toBeLessThan(300)
  })

  it('cannot be opened if nobody else may read it', () => {
    const other = new DatabaseSync(join(folder, 'exclusive.db'))
    other.exec('PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE sessions (id); INSERT INTO sessions VALUES (1)')

    expect(() => sqliteStore({ path: join(folder, 'exclusive.db'), busyTimeout: 50 })).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }),
    )
    other.close()
  })
})
