import type { CreateOptions, CreateOutcome } from '../../core/store.ts'
import { isEqual, isTrue } from '../assert.ts'
import { idsOf, isAlive, someRecord, someSubject } from '../contract/harness.ts'
import { type AnyRace, race, think } from './race.ts'

const MAX = 5
const EACH = 8

interface Plan {
  readonly now: number
  readonly subject: string
}

interface Report {
  readonly ids: readonly string[]
  readonly outcomes: readonly CreateOutcome[]
  /** The longest list that was seen in between. */
  readonly longest: number
}

/** Every process creates sessions of one subject, and looks after each how many there are. */
const limited = (
  onExceeded: NonNullable<CreateOptions['limit']>['onExceeded'],
  rule: string,
  isFair: (outcomes: readonly CreateOutcome[]) => void,
) =>
  race<Plan, Report>({
    rule,
    isFor: ({ limitsSubjects }) => limitsSubjects,
    prepare: async (_store, now) => ({ now, subject: someSubject('limited\'"\0\r\n👩‍👩‍👧') }),
    contend: async (store, { now, subject }, { index }) => {
      const records = Array.from({ length: EACH }, (_, number) =>
        someRecord(now, { subject, startedAt: now + 100 * number + index }),
      )
      const outcomes: CreateOutcome[] = []
      let longest = 0
      for (const record of records) {
        await think()
        outcomes.push(await store.create(record, { now, limit: { max: MAX, onExceeded } }))
        if (store.capabilities.listsSubjects) longest = Math.max(longest, (await store.list(subject)).length)
      }
      return { ids: idsOf(records), outcomes, longest }
    },
    judge: async (store, _plan, reports) => {
      const ids = reports.flatMap((report) => report.ids)
      const alive = await Promise.all(ids.map((id) => isAlive(store, id)))
      isTrue(
        reports.every(({ longest }) => longest <= MAX),
        'no list was ever longer than the limit',
      )
      isEqual(alive.filter(Boolean).length, MAX, 'living sessions')
      isFair(reports.flatMap(({ outcomes }) => outcomes))
    },
  })

const rejecting = limited('reject', 'processes that create at once never exceed a limit that rejects', (outcomes) =>
  isEqual(outcomes.filter(({ kind }) => kind === 'created').length, MAX, 'creates that succeeded'),
)

const evicting = limited(
  'evict-oldest',
  'processes that create at once never exceed a limit that evicts, and evict each session once',
  (outcomes) => {
    const evicted = outcomes.flatMap((outcome) => (outcome.kind === 'created' ? outcome.evicted : []))
    isEqual(outcomes.filter(({ kind }) => kind !== 'created').length, 0, 'creates that were refused')
    isEqual(
      [evicted.length, new Set(evicted).size],
      [outcomes.length - MAX, outcomes.length - MAX],
      'sessions evicted, each once',
    )
  },
)

export const limitRaces: Readonly<Record<string, AnyRace>> = { rejecting, evicting }
