import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { describeChannelContract, describeLedgerContract, describeStoreContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const file = join(folder, 'sessions.db')
  const handles = [sqliteStore(file)]
  const open = () => handles[handles.push(sqliteStore(file)) - 1]!
  const close = async () => {
    for (const handle of handles) await handle.close()
    await rm(folder, { recursive: true })
  }
  const worker = {
    module: new URL('sqlite-worker.ts', import.meta.url),
    env: { CONTRACT_SQLITE_FILE: file },
    execArgv: ['--conditions=sojourn-source', '--no-warnings'],
  }
  return { store: handles[0]!, openSecond: async () => open(), worker, close }
}

describeStoreContract('sqlite', factory, { describe, it }, { capabilities: { queries: true }, processes: 'tested' })
describeLedgerContract('sqlite', factory, { describe, it })
describeChannelContract('sqlite', factory, { describe, it })
