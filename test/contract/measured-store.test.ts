import { trace } from '@opentelemetry/api'
import { measuredStore } from 'sojourn/monitor/metrics'
import { tracedStore } from 'sojourn/monitor/tracing'
import { memoryStore } from 'sojourn/stores/memory'
import { describeChannelContract, describeLedgerContract, describeStoreContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const store = measuredStore(tracedStore(memoryStore(), trace.getTracer('test')))
  return { store, close: () => store.close() }
}

describeStoreContract('memory, measured and traced', factory, { describe, it }, { capabilities: { queries: true } })
describeLedgerContract('memory, measured and traced', factory, { describe, it })
describeChannelContract('memory, measured and traced', factory, { describe, it })
