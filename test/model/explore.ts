/** Breadth-first search over every reachable state: the first violation found is a shortest one, and comes with its history. */

/** One step from a state: what happened, and either where it led or which rule it broke. */
export interface Step<State> {
  readonly label: string
  readonly next: State
  readonly violation?: string | undefined
}

/** What there is to search. `keyOf` must tell apart what behaves differently, and nothing else. */
export interface Space<State> {
  readonly initial: State
  readonly keyOf: (state: State) => string
  readonly stepsFrom: (state: State) => readonly Step<State>[]
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  /** Whether every reachable state was visited. */
  readonly isExhausted: boolean
  /** The first broken rule and the shortest history that breaks it. */
  readonly violation: { readonly rule: string; readonly history: readonly string[] } | undefined
}

/** Visits every reachable state, or stops at the first violation, or at `mostStates`. */
export function explore<State>(space: Space<State>, mostStates = 3_000_000): Exploration {
  const seen = new Set<string>([space.keyOf(space.initial)])
  const parents: number[] = [-1]
  const labels: string[] = ['start']
  let layer: { state: State; index: number }[] = [{ state: space.initial, index: 0 }]
  let transitions = 0
  const historyOf = (index: number): string[] => (index <= 0 ? [] : [...historyOf(parents[index]!), labels[index]!])

  while (layer.length > 0) {
    const following: typeof layer = []
    for (const { state, index } of layer) {
      for (const { label, next, violation } of space.stepsFrom(state)) {
        transitions++
        if (violation !== undefined) {
          const history = [...historyOf(index), label]
          return { states: seen.size, transitions, isExhausted: false, violation: { rule: violation, history } }
        }
        const key = space.keyOf(next)
        if (seen.has(key)) continue
        seen.add(key)
        parents.push(index)
        labels.push(label)
        following.push({ state: next, index: parents.length - 1 })
        if (seen.size >= mostStates) return { states: seen.size, transitions, isExhausted: false, violation: undefined }
      }
    }
    layer = following
  }
  return { states: seen.size, transitions, isExhausted: true, violation: undefined }
}
