import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { describeChannelContract, describeLedgerContract, describeStoreContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const handles = [sqliteStore(join(folder, 'sessions.db'))]
  const open = () => handles[handles.push(sqliteStore(join(folder, 'sessions.db'))) - 1]!
  const close = async () => {
    for (const handle of handles) await handle.close()
    await rm(folder, { recursive: true })
  }
  return { store: handles[0]!, openSecond: async () => open(), close }
}

describeStoreContract('sqlite', factory, { describe, it })
describeLedgerContract('sqlite', factory, { describe, it })
describeChannelContract('sqlite', factory, { describe, it })
