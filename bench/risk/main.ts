/**
 * `npm run risk`: judges the risk model on simulated years, and writes bench/results/risk/<date>.md with ROC plots. `npm run risk -- --csv <file>` runs it on the public data
 * set instead; `--people <n>` makes a smaller world; `--no-hidden` leaves the hidden seed alone, as while tuning.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CLASSES } from './attackers.ts'
import { ExactMatch, LinearFreeman } from './baselines.ts'
import { onDataSet } from './data-set-run.ts'
import { DAY } from './distributions.ts'
import { evaluate, ModelScorer, type Scored, type Scorer } from './evaluate.ts'
import { hiddenSeed } from './hidden-seed.ts'
import { type Online, online } from './online.ts'
import { type Curve, rocPlot } from './plot.ts'
import { curveOf, report } from './report.ts'
import { START, simulate } from './simulate.ts'
import { timing } from './timing.ts'

/** Looked at as often as one likes. */
const DEVELOPMENT_SEEDS = [1, 2, 3]
const { values } = parseArgs({
  options: {
    csv: { type: 'string' },
    people: { type: 'string', default: '4000' },
    'no-hidden': { type: 'boolean', default: false },
  },
})
const folder = join(import.meta.dirname, '..', 'results', 'risk')

export interface SeedResult {
  readonly seed: number
  readonly isHidden: boolean
  readonly signIns: number
  /** As it runs, with the policy's share. */
  readonly online: Online
  readonly scored: readonly { readonly name: string; readonly scored: Scored }[]
}

if (values.csv !== undefined) console.log(await onDataSet(values.csv))
else onSimulator(Number(values.people))

function onSimulator(people: number): void {
  const hidden = hiddenSeed()
  const seeds = values['no-hidden'] ? DEVELOPMENT_SEEDS : [...DEVELOPMENT_SEEDS, hidden.seed]
  const results = seeds.map((seed) => {
    const entries = simulate(seed, { people })
    const warmUp = START + 182 * DAY
    const isHidden = !DEVELOPMENT_SEEDS.includes(seed)
    const scored = scorers().map((scorer) => ({ name: scorer.name, scored: evaluate(entries, scorer, warmUp) }))
    console.log(`seed ${isHidden ? `${seed} (hidden)` : seed}: ${entries.length} entries`)
    return { seed, isHidden, signIns: entries.length, scored, online: online(entries, 0.01, warmUp) } satisfies SeedResult
  })
  const date = new Date().toISOString().slice(0, 10)
  const text = report({ date, people, hidden, results, timing: timing(simulate(1, { people: 1000 })) })
  mkdirSync(folder, { recursive: true })
  const last = results.at(-1)!
  const model = last.scored[0]!.scored
  const classes: Curve[] = CLASSES.map((name) => ({ name, points: curveOf(model, name) }))
  const models: Curve[] = last.scored.map(({ name, scored }) => ({ name, points: curveOf(scored, 'targeted') }))
  const which = last.isHidden ? 'hidden seed' : `seed ${last.seed}`
  writeFileSync(join(folder, `${date}-classes.svg`), rocPlot(`Sojourn, by attacker, ${which}`, classes))
  writeFileSync(join(folder, `${date}-models.svg`), rocPlot(`Targeted attackers, by model, ${which}`, models))
  writeFileSync(join(folder, `${date}.md`), text)
  console.log(text)
}

function scorers(): Scorer[] {
  return [
    new ModelScorer('Sojourn', START),
    new ModelScorer('Sojourn without round trips', START, { usesOperator: true, usesRoundTrip: false }),
    new LinearFreeman('Freeman, linear weights', true),
    new LinearFreeman('Freeman without ASN', false),
    new ExactMatch(),
  ]
}
