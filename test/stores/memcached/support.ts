import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { placementOfSubject, subjectKeyOf } from '../../../src/core/placement.ts'
import type { NewRecord, Store } from '../../../src/core/store.ts'
import { encodeId, newId } from '../../../src/core/token.ts'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import type { Server } from '../../servers/server.ts'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

const random = seededRandom(Date.now())
export const someId = (subject?: string): string => encodeId(newId(random, subject))
export const someSubject = (): string => `reader ${someId()}`

export function someRecord(now: number, parts: Partial<NewRecord> = {}): NewRecord {
  const id = someId(parts.subject)
  const body = Uint8Array.of(0, 13, 10, 255)
  return { id, subject: undefined, startedAt: now, deadline: now + HOUR, absoluteDeadline: now + 12 * HOUR, body, ...parts }
}

/** Creates a record of a subject; it must fit. */
export async function created(store: Store, now: number, parts: Partial<NewRecord> = {}): Promise<NewRecord> {
  const record = someRecord(now, parts)
  const { kind } = await store.create(record, { now })
  if (kind !== 'created') throw new Error(`create answered ${kind}`)
  return record
}

/** Whether core would take the session for live. */
export async function isAlive(store: Store, { id }: { readonly id: string }): Promise<boolean> {
  const found = await store.read(id)
  return found?.kind === 'record' && found.record.epoch >= found.subjectEpoch
}

/** The keys of a session's item and of its subject's group, under the default prefix. */
export const sessionKey = (id: string): string => `sjn:s${id}`
export const groupKey = (subject: string): string => `sjn:g${placementOfSubject(subject)}`

/** The key of a ledger's entry: `c` for claims, `v` for values, `n` for counts. */
export const ledgerKey = (kind: string, key: string): string => `sjn:${kind}${subjectKeyOf(key)}`

/** Freezes a server, and waits until every thread of it stands still: until then it may answer. */
export async function freeze(server: Server): Promise<void> {
  server.pause()
  const tasks = `/proc/${server.pid}/task`
  const isStill = (task: string) => readFileSync(`${tasks}/${task}/stat`, 'utf8').split(') ').at(-1)!.startsWith('T')
  while (existsSync(tasks) && !readdirSync(tasks).every(isStill)) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Says something to a memcached server in its text protocol, as an operator with `telnet` does, and gives the answer's first line. */
export function say(server: { readonly port: number }, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(`${line}\r\n`))
    let answer = ''
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      if (!answer.includes('\r\n')) return
      socket.destroy()
      resolve(answer.slice(0, answer.indexOf('\r\n')))
    })
  })
}

/** Seconds until memcached removes an item; -1 for never. `undefined` if it is not there. */
export async function secondsLeft(server: { readonly port: number }, key: string): Promise<number | undefined> {
  const [, left] = /^HD t(-?\d+)/.exec(await say(server, `mg ${key} t`)) ?? []
  return left === undefined ? undefined : Number(left)
}
