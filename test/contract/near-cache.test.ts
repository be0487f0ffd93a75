import { nearCache } from 'sojourn/stores/near-cache'
import { describeStoreContract } from 'sojourn/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { engineNames, engines, type OpenStore, type RunningEngine } from '../stores/near-cache/engines.ts'

for (const name of engineNames) {
  describe(`in front of ${name}`, () => {
    let engine: RunningEngine
    beforeAll(async () => {
      engine = await engines[name].start()
    })
    afterAll(() => engine.stop())

    const factory = async () => {
      const opened: OpenStore[] = []
      const open = () => {
        const handle = engines[name].open(engine.port)
        opened.push(handle)
        return nearCache(handle.store, { maxStaleness: 60_000 })
      }
      const close = async () => {
        for (const handle of opened) await handle.close()
      }
      return { store: open(), openSecond: async () => open(), close }
    }

    const elsewhere = `not tested because the rules about it run on ${name} itself, and reads pass through` as const
    const capabilities = { purgesItself: name === 'redis', queries: name === 'postgres' }
    // Ledger, channel and changes are the store's own, which pass their contracts there.
    describeStoreContract('near-cache', factory, { describe, it }, { capabilities, processes: elsewhere, network: elsewhere })
  })
}
