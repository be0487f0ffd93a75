import { type Exploration, explore } from './explore.ts'
import { type Bounds, protocol } from './protocol.ts'

/** Two tabs that only read; each test says what else may happen. */
const LEAST: Bounds = {
  operations: ['use'],
  tabs: 2,
  rotations: 2,
  proofs: 1,
  writes: 0,
  hasThief: false,
  isSlow: false,
  isPatient: true,
  mayOvertake: false,
}

/** Explores everything within bounds and says how much that was. */
export function exploreWithin(what: string, bounds: Partial<Bounds>): Exploration {
  const exploration = explore(protocol({ ...LEAST, ...bounds }))
  const { states, transitions } = exploration
  console.log(`model: ${states.toLocaleString('en')} states, ${transitions.toLocaleString('en')} transitions: ${what}`)
  return exploration
}

export const HOLDS = { violation: undefined, isExhausted: true } as const

/** Long enough on a machine that does something else beside. */
export const PATIENCE = 180_000
