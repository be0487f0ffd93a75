import { isEqual, isTrue } from '../assert.ts'
import { someFactor } from '../contract/factor-harness.ts'
import { someSubject } from '../contract/harness.ts'
import { type AnyFactorRace, factorRace, think } from './race.ts'

const MOST = 5
/** More than any fair share of conflicts: a writer who needs so many attempts is kept out by the store. */
const MOST_ATTEMPTS = 10_000

interface Plan {
  readonly now: number
  readonly subjects: readonly string[]
  readonly ids: readonly string[]
}

/** One factor for each of many subjects. */
const someFactors = (count: number): Parameters<typeof factorRace<Plan, unknown>>[0]['prepare'] => {
  return async (store, now) => {
    const subjects = Array.from({ length: count }, () => someSubject('racer\'"\0\r\n👩‍👩‍👧'))
    const ids: string[] = []
    for (const subject of subjects) {
      const factor = someFactor(now, { subject })
      isEqual(await store.add(factor, { most: MOST }), 'added', 'the outcome of the first factor')
      ids.push(factor.id)
    }
    return { now, subjects, ids }
  }
}

/** All add to the same people at once: ten tabs that enrol. */
const fullness = factorRace<Plan, string[]>({
  rule: 'of processes that add, no subject has more factors of a kind than it may',
  prepare: someFactors(5),
  contend: async (store, { now, subjects }) => {
    const outcomes: string[] = []
    for (const subject of subjects) {
      for (let i = 0; i < 3; i++) {
        await think()
        outcomes.push(`${subject} ${await store.add(someFactor(now, { subject }), { most: MOST })}`)
      }
    }
    return outcomes
  },
  judge: async (store, { subjects }, reports) => {
    const outcomes = reports.flat()
    for (const subject of subjects) {
      const added = outcomes.filter((outcome) => outcome === `${subject} added`).length
      isEqual([added, (await store.list(subject)).length], [MOST - 1, MOST], 'factors added, and kept')
    }
  },
})

/** All register the same authenticators, each for a person of its own. */
const handles = factorRace<Plan, { id: string; outcome: string }[]>({
  rule: 'of processes that add one handle, exactly one is told that it was added, and its factor is kept',
  prepare: someFactors(20),
  contend: async (store, { now, ids }) => {
    const outcomes: { id: string; outcome: string }[] = []
    for (const handle of ids) {
      const factor = someFactor(now, { kind: 'passkey', handle })
      await think()
      outcomes.push({ id: factor.id, outcome: await store.add(factor, { most: MOST }) })
    }
    return outcomes
  },
  judge: async (store, { ids }, reports) => {
    for (const [number, handle] of ids.entries()) {
      const outcomes = reports.map((report) => report[number]!)
      const added = outcomes.filter(({ outcome }) => outcome === 'added')
      isTrue(added.length === 1 && outcomes.every(({ outcome }) => outcome !== 'full'), 'one is added, the others are taken')
      isEqual((await store.byHandle('passkey', handle))?.id, added[0]!.id, 'whose factor is kept')
    }
  },
})

/** All use the same recovery codes. */
const removal = factorRace<Plan, boolean[]>({
  rule: 'of processes that remove one factor, exactly one is told that it did',
  prepare: someFactors(40),
  contend: async (store, { subjects, ids }) => {
    const outcomes: boolean[] = []
    for (const [number, id] of ids.entries()) {
      await think()
      outcomes.push(await store.remove(subjects[number]!, id))
    }
    return outcomes
  },
  judge: async (store, { subjects }, reports) => {
    for (const [number, subject] of subjects.entries()) {
      isEqual(reports.filter((report) => report[number]).length, 1, 'processes that removed it')
      isEqual(await store.list(subject), [], 'what is left')
    }
  },
})

/** Each adds one, many times, to a number that all share: a signature counter. */
const sums = factorRace<Plan, number>({
  rule: 'of processes that update one factor none loses an update',
  prepare: someFactors(1),
  contend: async (store, { subjects: [subject], ids: [id] }) => {
    let written = 0
    for (let attempts = 0; written < 20 && attempts < MOST_ATTEMPTS; attempts++) {
      const [factor] = await store.list(subject!)
      await think()
      const changes = { lastUsedAt: (factor!.lastUsedAt ?? 0) + 1 }
      if ((await store.update(subject!, id!, factor!.version, changes)) === 'updated') written++
    }
    return written
  },
  judge: async (store, { subjects: [subject] }, reports) => {
    const [factor] = await store.list(subject!)
    const sum = 20 * reports.length
    isEqual([factor!.lastUsedAt, factor!.version], [sum, sum + 1], 'the sum and the version')
  },
})

export const factorRaces: Readonly<Record<string, AnyFactorRace>> = {
  factorFullness: fullness,
  factorHandles: handles,
  factorRemoval: removal,
  factorSums: sums,
}
