import { memoryStore } from 'sojourn/stores/memory'
import { describeChannelContract, describeLedgerContract, describeStoreContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const store = memoryStore()
  return { store, close: () => store.close() }
}

describeStoreContract('memory', factory, { describe, it }, { capabilities: { queries: true } })
describeLedgerContract('memory', factory, { describe, it })
describeChannelContract('memory', factory, { describe, it })
