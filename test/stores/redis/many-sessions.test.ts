import { expect, it } from 'vitest'
import { commandsDuring, kindOf, presently, someRecord, someSubject, useRedis } from './support.ts'

const redis = useRedis()
const MANY = 10_000

it('ending a subject with 10,000 sessions is one atomic step: what is created meanwhile is counted or younger', async () => {
  const client = redis.client()
  const [store, second] = [redis.open({}, client), redis.open()]
  const now = presently()
  const subject = someSubject()
  const before = Array.from({ length: MANY }, () => someRecord(now, { subject }))
  for (let i = 0; i < MANY; i += 500) {
    await Promise.all(before.slice(i, i + 500).map((record) => store.create(record, { now })))
  }
  const meanwhile: { readonly id: string; readonly epoch: number }[] = []
  let isOver = false
  const creating = Promise.all(
    Array.from({ length: 10 }, async () => {
      while (!isOver) {
        const record = someRecord(now, { subject })
        const outcome = await second.create(record, { now })
        if (outcome.kind === 'created') meanwhile.push({ id: record.id, epoch: outcome.epoch })
      }
    }),
  )
  await expect.poll(() => meanwhile.length).toBeGreaterThan(100)

  const startedAt = performance.now()
  const ended = await store.revokeSubject(subject, { now, reason: 'logout' })
  const milliseconds = performance.now() - startedAt
  await expect.poll(() => meanwhile.filter(({ epoch }) => epoch === 1).length).toBeGreaterThan(100)
  isOver = true
  await creating

  const [older, younger] = [meanwhile.filter(({ epoch }) => epoch === 0), meanwhile.filter(({ epoch }) => epoch === 1)]
  expect(ended).toBe(MANY + older.length)
  const kinds = async (ids: readonly { readonly id: string }[]) =>
    new Set(await Promise.all(ids.map(({ id }) => kindOf(store, id))))
  expect(await kinds([...before, ...older])).toEqual(new Set(['tombstone']))
  expect(await kinds(younger)).toEqual(new Set(['record']))
  expect((await store.list(subject)).map(({ id }) => id).sort()).toEqual(younger.map(({ id }) => id).sort())
  // Nothing else is served meanwhile. Some 100 ms where this was written; the bound is for a busy machine.
  expect(milliseconds).toBeLessThan(2000)

  const { sent } = await commandsDuring(client, () => store.revokeSubject(subject, { now, reason: 'logout' }))
  expect(sent).toEqual(['evalsha'])
})
