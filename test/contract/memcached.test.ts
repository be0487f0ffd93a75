import { memcachedStore } from 'sojourn/stores/memcached'
import { describeChannelContract, describeLedgerContract, describeStoreContract } from 'sojourn/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { clientOf, startMemcached } from '../servers/memcached.ts'
import type { Server } from '../servers/server.ts'

let server: Server
beforeAll(async () => {
  server = await startMemcached()
})
afterAll(() => server.stop())

const factory = async () => {
  const handles = [memcachedStore(clientOf([server]))]
  const open = async (port = server.port) => handles[handles.push(memcachedStore(clientOf([{ port }]))) - 1]!
  const close = async () => {
    for (const handle of handles) await handle.close()
  }
  const worker = {
    module: new URL('memcached-worker.ts', import.meta.url),
    env: { CONTRACT_MEMCACHED_PORT: String(server.port) },
    execArgv: ['--conditions=sojourn-source', '--no-warnings'],
  }
  return { store: handles[0]!, openSecond: () => open(), worker, network: { server, openThrough: open }, close }
}

const capabilities = { listsSubjects: false, limitsSubjects: false, revokesLinked: false, purgesItself: true, hasChannel: false }

describeStoreContract('memcached', factory, { describe, it }, { capabilities, processes: 'tested', network: 'tested' })
describeLedgerContract('memcached', factory, { describe, it })
describeChannelContract('memcached', factory, { describe, it }, { capabilities })
