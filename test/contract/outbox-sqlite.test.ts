import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { describeOutboxContract, type OutboxFactory } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'

/** Outboxes on one file, each as `open` makes it. */
const factoryOf =
  (open: (file: string) => DatabaseSync | string): OutboxFactory =>
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    const file = join(folder, 'application.db')
    const closers: (() => unknown)[] = []
    const openOutbox = () => {
      const source = open(file)
      const outbox = sqliteOutbox(source)
      closers.push(() => outbox.close())
      if (typeof source !== 'string') closers.push(() => source.close())
      return outbox
    }
    const close = async () => {
      for (const closer of closers) await closer()
      await rm(folder, { recursive: true })
    }
    const worker = {
      module: new URL('outbox-sqlite-worker.ts', import.meta.url),
      env: { CONTRACT_OUTBOX_FILE: file },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    }
    return { outbox: openOutbox(), openSecond: async () => openOutbox(), worker, close }
  }

const file = factoryOf((path) => path)
describeOutboxContract('sqlite in a file of its own', file, { describe, it }, { processes: 'tested' })

/** An application that has set its handle to whatever it likes. */
const handle = factoryOf((path) => {
  const database = new DatabaseSync(path, { readBigInts: true, returnArrays: true } as object)
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS people (name TEXT)')
  return database
})
describeOutboxContract('sqlite among an application’s tables', handle, { describe, it }, { processes: 'tested' })

it('an outbox that is opened in the middle of the application’s transaction takes nothing of it back', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE people (name TEXT); BEGIN; INSERT INTO people VALUES (1)')

  expect(() => sqliteOutbox(database)).toThrow(expect.objectContaining({ code: 'ERR_STORE_UNAVAILABLE' }))
  database.exec('COMMIT')
  expect(database.prepare('SELECT count(*) AS count FROM people').get()).toEqual({ count: 1 })
  database.close()
})
