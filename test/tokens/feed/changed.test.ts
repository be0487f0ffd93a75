// What an engine says has changed is read, in memory that does not grow with the load.
import { expect, it } from 'vitest'
import { serviceOf } from '../../../src/core/service.ts'
import { encodeId } from '../../../src/core/token.ts'
import { ChangedRecords } from '../../../src/tokens/feed/changed.ts'
import { setUp } from '../../core/support.ts'

it('keeps no id that was read, however long changes come before the last one is read', async () => {
  const service = serviceOf(setUp().sessions)
  let added = 0
  let most = 0
  await new Promise<void>((resolve) => {
    const changed: ChangedRecords = new ChangedRecords(
      service,
      () => false,
      () => {
        most = Math.max(most, changed.kept)
        if (added < 20_000) addOne()
        else resolve()
      },
    )
    const addOne = () => changed.add(encodeId(Buffer.from(String(added++).padStart(16, '0'))))
    for (let i = 0; i < 20; i++) addOne()
  })

  expect(most).toBeLessThan(4000)
})
