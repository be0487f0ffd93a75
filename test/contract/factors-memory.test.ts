import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { describeFactorStoreContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const store = memoryFactorStore()
  return { store, close: () => store.close() }
}

describeFactorStoreContract('memory', factory, { describe, it }, { processes: 'not tested because it lives in one process' })
