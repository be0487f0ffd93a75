import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { describeFactorStoreContract, type FactorStoreFactory } from 'sojourn/testing'
import { describe, it } from 'vitest'

/** Stores on one file, each as `open` makes it. */
const factoryOf =
  (open: (file: string) => DatabaseSync | string): FactorStoreFactory =>
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
    const file = join(folder, 'application.db')
    const closers: (() => unknown)[] = []
    const openStore = () => {
      const source = open(file)
      const store = sqliteFactorStore(source)
      closers.push(() => store.close())
      if (typeof source !== 'string') closers.push(() => source.close())
      return store
    }
    const close = async () => {
      for (const closer of closers) await closer()
      await rm(folder, { recursive: true })
    }
    const worker = {
      module: new URL('factors-sqlite-worker.ts', import.meta.url),
      env: { CONTRACT_FACTORS_FILE: file },
      execArgv: ['--conditions=sojourn-source', '--no-warnings'],
    }
    return { store: openStore(), openSecond: async () => openStore(), worker, close }
  }

const file = factoryOf((path) => path)
describeFactorStoreContract('sqlite in a file of its own', file, { describe, it }, { processes: 'tested' })

/** An application that has set its handle to whatever it likes. */
const handle = factoryOf((path) => {
  const database = new DatabaseSync(path, { readBigInts: true, returnArrays: true } as object)
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS people (name TEXT)')
  return database
})
describeFactorStoreContract('sqlite among an application’s tables', handle, { describe, it }, { processes: 'tested' })
