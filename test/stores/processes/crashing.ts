/**
 * A process that works on a store until it is killed. After each operation that was acknowledged it appends a line to its own
 * file; what was written to a file survives the death of the process.
 */
import { openSync, writeSync } from 'node:fs'
import { sqliteStore } from 'sojourn/stores/sqlite'

const [path, acknowledgements, name] = process.argv.slice(2) as [string, string, string]
const store = sqliteStore(path)
const file = openSync(acknowledgements, 'a')
const acknowledge = (...words: (string | number)[]) => writeSync(file, `${words.join(' ')}\n`)

const DEADLINE = 10_000
const now = 1000
const bodyOf = (version: number) => Buffer.from(`body of version ${version} `.repeat(20))
const changesOf = (version: number) => ({ deadline: DEADLINE, absoluteDeadline: DEADLINE, body: bodyOf(version) })
const recordOf = (id: string, subject?: string) => ({ id, subject, startedAt: now, ...changesOf(1) })

/** One session's life: created, updated, and in two cases of three ended, by its id or with its subject. */
async function live(id: string, turn: number): Promise<void> {
  const subject = `subject-of-${id}`
  await store.create(recordOf(id, subject), { now })
  acknowledge('created', id)
  for (let version = 1; version < 5; version++) {
    await store.update(id, version, changesOf(version + 1))
    acknowledge('updated', id, version + 1)
  }
  if (turn % 3 === 0) {
    await store.revoke(id, { now, reason: 'logout' })
    acknowledge('revoked', id)
  } else if (turn % 3 === 1) {
    await store.revokeSubject(subject, { now, reason: 'logout' })
    acknowledge('revoked', id)
  }
}

/** A sign-in: the anonymous session ends in the step that creates the other. */
async function replace(id: string): Promise<void> {
  await store.create(recordOf(`${id}-anonymous`), { now })
  await store.create(recordOf(id, 'reader'), { now, replaces: { id: `${id}-anonymous`, version: 1, reason: 'signed-in' } })
  acknowledge('created', id)
  acknowledge('revoked', `${id}-anonymous`)
}

async function outdateAndPurge(id: string): Promise<void> {
  await store.create({ ...recordOf(`${id}-outdated`), deadline: 1 }, { now })
  await store.purge({ before: now, limit: 50 })
}

console.log('ready')
for (let turn = 0; ; turn++) {
  const id = `${name}-${turn}`
  await Promise.all([live(`${id}-a`, turn), live(`${id}-b`, turn + 1), replace(`${id}-c`), outdateAndPurge(id)])
}
