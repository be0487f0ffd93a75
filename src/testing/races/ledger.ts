import { isEqual } from '../assert.ts'
import { HOUR, someId } from '../contract/harness.ts'
import { type AnyRace, race, think } from './race.ts'

interface Plan {
  readonly now: number
  readonly keys: readonly string[]
}

const someKeys = (now: number): Plan => ({
  now,
  keys: Array.from({ length: 50 }, () => `race:'"\0\r\n👩‍👩‍👧:${someId()}`),
})

/** Each key must have been won by exactly one process. */
const judgeOnce = async (_store: unknown, { keys }: Plan, reports: readonly (readonly boolean[])[]) => {
  const winners = keys.map((_, number) => reports.filter((report) => report[number]).length)
  isEqual(
    winners,
    keys.map(() => 1),
    'how many processes got each',
  )
}

const claims = race<Plan, boolean[]>({
  rule: 'a claim is true in exactly one process',
  prepare: async (_store, now) => someKeys(now),
  contend: async (store, { now, keys }) => {
    const answers: boolean[] = []
    for (const key of keys) {
      await think()
      answers.push(await store.ledger.claim(key, { now, deadline: now + HOUR }))
    }
    return answers
  },
  judge: judgeOnce,
})

const takes = race<Plan, boolean[]>({
  rule: 'a value is given to exactly one process',
  prepare: async (store, now) => {
    const plan = someKeys(now)
    for (const key of plan.keys) await store.ledger.put(key, Uint8Array.of(0, 13, 10), { now, deadline: now + HOUR })
    return plan
  },
  contend: async (store, { now, keys }) => {
    const answers: boolean[] = []
    for (const key of keys) {
      await think()
      answers.push((await store.ledger.take(key, { now })) !== undefined)
    }
    return answers
  },
  judge: judgeOnce,
})

const counts = race<Plan, number[]>({
  rule: 'processes that count together skip no number and give none twice',
  prepare: async (_store, now) => someKeys(now),
  contend: async (store, { now, keys: [key] }) => {
    const numbers: number[] = []
    for (let i = 0; i < 40; i++) {
      await think()
      numbers.push(await store.ledger.count(key!, { now, window: HOUR }))
    }
    return numbers
  },
  judge: async (_store, _plan, reports) => {
    const numbers = reports.flat().sort((a, b) => a - b)
    isEqual(
      numbers,
      numbers.map((_, index) => index + 1),
      'the numbers',
    )
  },
})

export const ledgerRaces: Readonly<Record<string, AnyRace>> = { claims, takes, counts }
