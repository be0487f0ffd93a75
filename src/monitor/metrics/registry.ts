/** Counts and durations by labels, in bounded memory: whoever can choose a label's value could otherwise make as many series as they like. */

/** Values of one series' labels, in the order of the family's. */
export type LabelValues = readonly string[]

/** One family as an exposition shows it. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  series(): Iterable<Series>
}

export interface Series {
  readonly values: LabelValues
  /** Of a counter or gauge. */
  readonly value?: number
  /** Of a histogram: how many were at most each bound, all of them, and their sum. */
  readonly buckets?: readonly number[]
  readonly bounds?: readonly number[]
  readonly count?: number
  readonly sum?: number
}

const MOST_SERIES = 1000
const OTHER = 'other'

/** Finds a series by its labels; the thousandth and all that follow are one. */
class SeriesMap<State> {
  readonly #states = new Map<string, { readonly values: LabelValues; readonly state: State }>()
  readonly #make: () => State

  constructor(make: () => State) {
    this.#make = make
  }

  of(values: LabelValues): State {
    const key = values.join('\u0000')
    const found = this.#states.get(key)
    if (found !== undefined) return found.state
    if (this.#states.size >= MOST_SERIES && values.some((value) => value !== OTHER)) return this.of(values.map(() => OTHER))
    const state = this.#make()
    this.#states.set(key, { values, state })
    return state
  }

  [Symbol.iterator]() {
    return this.#states.values()
  }
}

export class Counter implements Family {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #series = new SeriesMap(() => ({ value: 0 }))

  constructor(name: string, help: string, labels: readonly string[]) {
    this.name = name
    this.help = help
    this.labels = labels
  }

  add(values: LabelValues): void {
    this.#series.of(values).value++
  }

  *series(): Iterable<Series> {
    for (const { values, state } of this.#series) yield { values, value: state.value }
  }
}

export class Histogram implements Family {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly #bounds: readonly number[]
  readonly #series: SeriesMap<{ counts: number[]; sum: number }>

  constructor(name: string, help: string, labels: readonly string[], bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.labels = labels
    this.#bounds = bounds
    this.#series = new SeriesMap(() => ({ counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }))
  }

  observe(value: number, values: LabelValues): void {
    const state = this.#series.of(values)
    let bucket = 0
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++
    state.counts[bucket]!++
    state.sum += value
  }

  *series(): Iterable<Series> {
    for (const { values, state } of this.#series) {
      let count = 0
      const cumulative = state.counts.map((each) => {
        count += each
        return count
      })
      yield { values, bounds: this.#bounds, buckets: cumulative.slice(0, -1), count, sum: state.sum }
    }
  }
}

/** A number that is asked for when it is shown. */
export function observed(type: 'counter' | 'gauge', name: string, help: string, read: () => number): Family {
  return { type, name, help, labels: [], series: () => [{ values: [], value: read() }] }
}
