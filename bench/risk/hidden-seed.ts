/**
 * The hidden seed: made of the very sources of model and simulator. Nobody can tune on it, since whatever is tuned makes another; and nobody can choose it, since it is a
 * hash. Only its result can be looked at once the sources are as they are.
 */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
/** What decides a score, and what decides the world. */
const SOURCES = [
  ...['client', 'population', 'profile', 'risk'].map((name) => `src/monitor/anomalies/${name}.ts`),
  ...['attackers', 'distributions', 'evaluate', 'people', 'random', 'simulate', 'world'].map((name) => `bench/risk/${name}.ts`),
]

export interface HiddenSeed {
  readonly seed: number
  /** SHA-256 of the sources, one after the other. */
  readonly digest: string
}

export function hiddenSeed(): HiddenSeed {
  const digest = hash('sha256', SOURCES.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\0'))
  return { seed: Number.parseInt(digest.slice(0, 8), 16), digest }
}
