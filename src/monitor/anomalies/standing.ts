/** How suspicious a sign-in is among everybody's: the population's scores, as a histogram that ages with it. */
import type { Population } from './population.ts'

const STEP = 0.5
const LOWEST = -20
const HIGHEST = 35
/** With fewer, a share says nothing. */
const FEWEST = 500

export function noteScore(population: Population, logRatio: number): void {
  population.add(`s:${stepOf(logRatio)}`)
  population.add('s')
}

/** Share of sign-ins that were at least as suspicious; `undefined` while too few are known. Within a step, the higher share is said. */
export function shareAbove(population: Population, logRatio: number): number | undefined {
  const all = population.count('s')
  if (all < FEWEST) return undefined
  let above = 0
  for (let step = stepOf(logRatio); step <= stepOf(HIGHEST); step++) above += population.count(`s:${step}`)
  return Math.min(1, above / all)
}

function stepOf(logRatio: number): number {
  return Math.round(Math.max(LOWEST, Math.min(HIGHEST, logRatio)) / STEP)
}
