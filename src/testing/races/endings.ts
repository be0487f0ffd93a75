import type { NewRecord } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import { changesOf, create, idsOf, isAlive, readRecord, someRecord, someSubject } from '../contract/harness.ts'
import { type AnyRace, race, think } from './race.ts'

const BODY = Uint8Array.of(9, 8, 7)
/** How often a writer goes on while nobody has ended the session yet. */
const MOST_WRITES = 1000

interface Plan {
  readonly now: number
  readonly records: readonly NewRecord[]
}

interface Late {
  readonly endedIt: boolean
  /** What an update is told that began after this process saw, or made, the end. */
  readonly update: string
  /** And what the creation of the same id is told. */
  readonly create: string
}

/** One process ends each session while the others go on writing it. */
const revocation = race<Plan, Late[]>({
  rule: 'what one process ends, no request of another brings back',
  prepare: async (store, now) => {
    const records: NewRecord[] = []
    for (let i = 0; i < 12; i++) records.push(await create(store, someRecord(now), { now }))
    return { now, records }
  },
  contend: async (store, { now, records }, { index, count }) => {
    const late: Late[] = []
    for (const [number, record] of records.entries()) {
      let version = 1
      // Whose turn it is to end it writes a little first, so that the others are in the middle of their writes.
      let endsAfter = number % count === index ? 3 : MOST_WRITES
      for (let outcome = ''; outcome !== 'gone' && endsAfter > 0; endsAfter--) {
        const found = await store.read(record.id)
        if (found?.kind !== 'record') break
        version = found.record.version
        await think()
        outcome = await store.update(record.id, version, changesOf(record, BODY))
      }
      const endedIt = number % count === index && (await store.revoke(record.id, { now, reason: 'logout' }))
      const update = await store.update(record.id, version + 1, changesOf(record, BODY))
      late.push({ endedIt, update, create: (await store.create(record, { now })).kind })
    }
    return late
  },
  judge: async (store, { records }, reports) => {
    for (const [number, record] of records.entries()) {
      const late = reports.map((report) => report[number]!)
      isEqual(late.filter(({ endedIt }) => endedIt).length, 1, 'calls that ended it')
      isEqual([...new Set(late.map(({ update }) => update))], ['gone'], 'what late updates are told')
      isEqual([...new Set(late.map(({ create }) => create))], ['exists'], 'what late creates are told')
      isEqual((await store.read(record.id))?.kind, 'tombstone', 'what is read')
    }
  },
})

interface Sessions {
  /** What the process created that ended the subject, before it did. */
  readonly before: readonly { readonly id: string; readonly epoch: number }[]
  readonly all: readonly string[]
  readonly ended: number | undefined
}

/** One process ends all sessions of a subject while every process creates more. */
const subjectEnd = race<{ now: number; subjects: readonly string[] }, Sessions[]>({
  rule: 'a session created while another process ends its subject is counted, dead, or younger than the end',
  isFor: ({ revokesSubjects }) => revokesSubjects,
  prepare: async (_store, now) => ({ now, subjects: Array.from({ length: 6 }, () => someSubject('ended\'"\0\r\n👩‍👩‍👧')) }),
  contend: async (store, { now, subjects }, { index, count }) => {
    const sessions: Sessions[] = []
    for (const [number, subject] of subjects.entries()) {
      const records = Array.from({ length: 6 }, () => someRecord(now, { subject }))
      let epoch = 0
      for (const record of records.slice(0, 3)) {
        await think()
        const outcome = await store.create(record, { now })
        if (outcome.kind === 'created') epoch = outcome.epoch
      }
      const isMine = number % count === index
      const ended = isMine ? await store.revokeSubject(subject, { now, reason: 'logout' }) : undefined
      for (const record of records.slice(3)) await create(store, record, { now })
      const before = isMine ? records.slice(0, 3).map(({ id }) => ({ id, epoch })) : []
      sessions.push({ before, all: idsOf(records), ended })
    }
    return sessions
  },
  judge: async (store, { now, subjects }, reports, { listsSubjects }) => {
    for (const [number, subject] of subjects.entries()) {
      const sessions = reports.map((report) => report[number]!)
      const ids = sessions.flatMap(({ all }) => all)
      const alive = await Promise.all(ids.map((id) => isAlive(store, id)))
      const living = ids.filter((_, index) => alive[index])
      const before = sessions.flatMap((one) => one.before)
      isTrue(!before.some(({ id }) => living.includes(id)), 'what was there before the end is dead')

      // One that the end overlooked would go on under the epoch of before it.
      const young = await create(store, someRecord(now, { subject }), { now })
      const { epoch } = await readRecord(store, young.id)
      isTrue(
        before.every((one) => one.epoch < epoch),
        'the end has raised the epoch',
      )
      const epochs = await Promise.all(living.map(async (id) => (await readRecord(store, id)).epoch))
      isTrue(
        epochs.every((one) => one === epoch),
        'whatever lives was created after the end',
      )

      if (!listsSubjects) continue
      const ended = sessions.find((one) => one.ended !== undefined)?.ended
      isTrue(ended !== undefined && ended >= 3 && ended <= ids.length - living.length, 'the count is of sessions that are dead')
      isEqual(idsOf(await store.list(subject)).sort(), [...living, young.id].sort(), 'the list holds exactly the living')
    }
  },
})

/** All replace the same sessions, each by one of its own: two tabs that sign in at once. */
const replacement = race<Plan, { id: string; kind: string }[]>({
  rule: 'of processes that replace one session, exactly one succeeds, and it is replaced once',
  prepare: async (store, now) => {
    const records: NewRecord[] = []
    for (let i = 0; i < 15; i++) records.push(await create(store, someRecord(now), { now }))
    return { now, records }
  },
  contend: async (store, { now, records }) => {
    const outcomes: { id: string; kind: string }[] = []
    const subject = someSubject()
    for (const old of records) {
      await think()
      const next = someRecord(now, { subject })
      const { kind } = await store.create(next, { now, replaces: { id: old.id, version: 1, reason: 'signed-in' } })
      outcomes.push({ id: next.id, kind })
    }
    return outcomes
  },
  judge: async (store, { records }, reports) => {
    for (const [number, old] of records.entries()) {
      const outcomes = reports.map((report) => report[number]!)
      const alive = await Promise.all(outcomes.map(({ id }) => isAlive(store, id)))
      const kinds = outcomes.map(({ kind }) => kind)
      isEqual([...kinds].sort(), [...Array(kinds.length - 1).fill('conflict'), 'created'], 'the outcomes')
      isEqual(
        alive,
        kinds.map((kind) => kind === 'created'),
        'which of the new ones is alive',
      )
      isEqual((await store.read(old.id))?.kind, 'tombstone', 'the old one')
    }
  },
})

export const endingRaces: Readonly<Record<string, AnyRace>> = { revocation, subjectEnd, replacement }
