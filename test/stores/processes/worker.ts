/** A process that opens a store on the file it is given and does what its parent asks, one call at a time. */
import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'

const path = process.argv[2]!
const store = sqliteStore(path)

export interface Call {
  readonly number: number
  readonly work: string
  readonly count: number
}

/** Small pieces of work by name; functions cannot be sent. */
const works: Record<string, (count: number) => Promise<unknown>> = {
  read: async () => store.read('shared'),
  revoke: async () => store.revoke('shared', { now: 5, reason: 'elsewhere' }),
  revokeSubject: async () => store.revokeSubject('ada', { now: 5, reason: 'elsewhere' }),
  listen: async () =>
    new Promise((resolve) => {
      void store.channel.subscribe('topic', resolve).then(() => process.send?.('listening'))
    }),
  count: async (count) => {
    for (let i = 0; i < count; i++) await store.ledger.count('key', { now: 1, window: 1000 })
  },
  claim: async (count) => {
    let claimed = 0
    for (let i = 0; i < count; i++) claimed += Number(await store.ledger.claim(`key-${i}`, { now: 1, deadline: 1000 }))
    return claimed
  },
  createLimited: async (count) => {
    let created = 0
    for (let i = 0; i < count; i++) {
      const id = `${process.pid}-${i}`
      const record = { id, subject: 'ada', startedAt: i, deadline: 100, absoluteDeadline: 200, body: new Uint8Array(0) }
      const outcome = await store.create(record, { now: 1, limit: { max: 5, onExceeded: 'reject' } })
      created += Number(outcome.kind === 'created')
    }
    return created
  },
  add: async (count) => {
    for (let i = 0; i < count; ) {
      const found = await store.read('shared')
      if (found?.kind !== 'record') throw new Error('the record is not there')
      const { version, body } = found.record
      const sum = Buffer.from(body).readUInt32BE() + 1
      const next = Buffer.alloc(4)
      next.writeUInt32BE(sum)
      const outcome = await store.update('shared', version, { deadline: 100, absoluteDeadline: 200, body: next })
      if (outcome === 'updated') i++
    }
  },
  /** Keeps the write lock for `count` milliseconds. */
  lock: async (count) => {
    const database = new DatabaseSync(path)
    database.exec('BEGIN IMMEDIATE')
    process.send?.('locked')
    await new Promise((resolve) => setTimeout(resolve, count))
    database.exec('COMMIT')
    database.close()
  },
}

process.on('message', async ({ number, work, count }: Call) => {
  try {
    process.send?.({ number, value: await works[work]!(count) })
  } catch (error) {
    process.send?.({ number, error: String(error) })
  }
})
process.send?.('ready')
