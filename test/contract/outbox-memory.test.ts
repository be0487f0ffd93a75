import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { describeOutboxContract } from 'sojourn/testing'
import { describe, it } from 'vitest'

const factory = async () => {
  const outbox = memoryOutbox()
  return { outbox, close: () => outbox.close() }
}

describeOutboxContract('memory', factory, { describe, it }, { processes: 'not tested because it lives in one process' })
