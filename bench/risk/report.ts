/** The report of a run, as Markdown: what is caught, what is missed, who is asked in vain. */
import { type AttackerClass, CLASSES } from './attackers.ts'
import { caught, type Scored, thresholdAt } from './evaluate.ts'
import type { HiddenSeed } from './hidden-seed.ts'
import type { SeedResult } from './main.ts'
import type { Timing } from './timing.ts'

const RATES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
const GOALS: Readonly<Partial<Record<AttackerClass, number>>> = { naive: 0.99, VPN: 0.9, targeted: 0.6 }
const GOAL_RATE = 0.01
const GOAL_TIME = 50

interface Findings {
  readonly date: string
  readonly people: number
  readonly hidden: HiddenSeed
  readonly results: readonly SeedResult[]
  readonly timing: Timing
}

export function report({ date, people, hidden, results, timing }: Findings): string {
  const last = results.at(-1)!
  const parts = [
    `# Risk model, ${date}`,
    `${people.toLocaleString('en')} simulated people, a year each; attacks in its second half, on people drawn one as likely as another. Every sign-in is judged before anything is learnt from it; ` +
      'only successful ones are learnt. Distributions: `bench/risk/distributions.ts`. Shares are of attempts on people with a history; of legitimate sign-ins, of people with one. ' +
      'Written by `npm run risk`.',
    seedSentence(last, hidden),
    '## Goals',
    goals(last, timing),
    '## Caught, by share of legitimate sign-ins challenged',
    ...results.map((result) => seedTable(result)),
    '## As it runs, with `share: 0.01`',
    onlineTable(results),
    '## Beside the baselines',
    baselines(last),
    exactSentence(last),
    `![by attacker](${date}-classes.svg)\n\n![by model](${date}-models.svg)`,
    `## What is challenged in vain, and what is missed, at ${percent(GOAL_RATE)}`,
    inVain(last.scored[0]!.scored),
    missed(last.scored[0]!.scored),
    '## Cost',
    cost(timing),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Points of a ROC curve. */
export function curveOf(scored: Scored, kind: AttackerClass): [number, number][] {
  const legitimate = scored.legitimate.map(({ score }) => score)
  return Array.from({ length: 60 }, (_, index) => 0.001 * 200 ** (index / 59)).map((rate) => [
    rate,
    caught(scored.attacks[kind], thresholdAt(legitimate, rate)),
  ])
}

function seedSentence({ isHidden, seed }: SeedResult, { digest }: HiddenSeed): string {
  if (!isHidden) return `Development seeds only; seed ${seed} stands for the tables below.`
  return (
    `The hidden seed, ${seed}, is the beginning of the SHA-256 of the sources of model and simulator (\`${digest.slice(0, 16)}...\`): it is another one after every change, so that ` +
    'nothing was tuned on it. The world behind it is drawn by the same distributions as the development seeds: it shows that no seed was learnt by heart, not that the world is like this.'
  )
}

function goals(result: SeedResult, timing: Timing): string {
  const { scored } = result.scored[0]!
  const threshold = thresholdOf(scored, GOAL_RATE)
  const rows = CLASSES.flatMap((kind) => {
    const goal = GOALS[kind]
    if (goal === undefined) return []
    const share = caught(scored.attacks[kind], threshold)
    // Of so many attempts, 95 times in 100 the share lies within this (normal approximation).
    const spread = 1.96 * Math.sqrt((share * (1 - share)) / Math.max(1, scored.attacks[kind].length))
    return [
      `| ${kind} caught at ${percent(GOAL_RATE)} challenged | >= ${percent(goal)} | ${percent(share)} ± ${percent(spread)} | ${share >= goal ? 'met' : '**missed**'} |`,
    ]
  })
  const [median, slowest] = timing.score
  const isQuick = median <= GOAL_TIME && timing.scoreCpu <= GOAL_TIME
  rows.push(
    `| one score, median (99th percentile) | <= ${GOAL_TIME} us | ${median.toFixed(1)} us (${slowest.toFixed(1)} us); processor time ${timing.scoreCpu.toFixed(1)} us | ${isQuick ? 'met' : '**missed**'} |`,
  )
  return ['| goal | | measured | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function seedTable({ seed, isHidden, signIns, scored }: SeedResult): string {
  const model = scored[0]!.scored
  const { unknown } = model
  const head = `Seed ${seed}${isHidden ? ' (hidden)' : ''}: ${signIns.toLocaleString('en')} entries, ${model.legitimate.length.toLocaleString('en')} legitimate sign-ins judged; without a history ${unknown.login} of those, and ${CLASSES.map((kind) => `${unknown[kind]} ${kind}`).join(', ')} attempts.`
  const rows = RATES.map(
    (rate) =>
      `| ${percent(rate)} | ${CLASSES.map((kind) => percent(caught(model.attacks[kind], thresholdOf(model, rate)))).join(' | ')} |`,
  )
  return [head, '', `| challenged | ${CLASSES.join(' | ')} |`, `| --- |${' --- |'.repeat(CLASSES.length)}`, ...rows].join('\n')
}

/** The threshold follows the sign-ins of before: what was asked for, and what came of it. */
function onlineTable(results: readonly SeedResult[]): string {
  const rows = results.map(({ seed, isHidden, online }) => {
    const shares = CLASSES.map((kind) => percent(online.caught[kind]))
    return `| ${seed}${isHidden ? ' (hidden)' : ''} | ${(online.challenged * 100).toFixed(2)} % | ${shares.join(' | ')} |`
  })
  return [`| seed | challenged | ${CLASSES.join(' | ')} |`, `| --- | --- |${' --- |'.repeat(CLASSES.length)}`, ...rows].join('\n')
}

function baselines({ scored }: SeedResult): string {
  const rows = scored.map(({ name, scored: each }) => {
    const threshold = thresholdOf(each, GOAL_RATE)
    return `| ${name} | ${CLASSES.map((kind) => percent(caught(each.attacks[kind], threshold))).join(' | ')} |`
  })
  return [
    `| at ${percent(GOAL_RATE)} challenged | ${CLASSES.join(' | ')} |`,
    `| --- |${' --- |'.repeat(CLASSES.length)}`,
    ...rows,
  ].join('\n')
}

/** It has three scores only, so that it cannot challenge 1 %. */
function exactSentence({ scored }: SeedResult): string {
  const { scored: exact } = scored.at(-1)!
  const legitimate = exact.legitimate.map(({ score }) => score)
  const at = (threshold: number) =>
    `it challenges ${percent(caught(legitimate, threshold))} and catches ${CLASSES.map((kind) => `${percent(caught(exact.attacks[kind], threshold))} ${kind}`).join(', ')}`
  return `An exact match has two thresholds only and cannot be set to 1 %. Where both are new ${at(2)}; where either is, ${at(1)}.`
}

function inVain({ legitimate }: Scored): string {
  const threshold = thresholdAt(
    legitimate.map(({ score }) => score),
    GOAL_RATE,
  )
  const counts = new Map<string, { all: number; asked: number }>()
  for (const { score, why } of legitimate) {
    const count = counts.get(why) ?? { all: 0, asked: 0 }
    count.all++
    if (score >= threshold) count.asked++
    counts.set(why, count)
  }
  const rows = [...counts]
    .sort((a, b) => b[1].asked - a[1].asked)
    .map(([why, { all, asked }]) => `| ${why} | ${all} | ${asked} | ${percent(asked / all)} |`)
  return ['| what was going on | sign-ins | challenged | share |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function missed(scored: Scored): string {
  const threshold = thresholdOf(scored, GOAL_RATE)
  const shares = CLASSES.map((kind) => `${percent(1 - caught(scored.attacks[kind], threshold))} of ${kind}`)
  return (
    `Missed: ${shares.join(', ')}. Who has the person's city, operator and current browser version looks like the person who got a new address; a \`copying\` attacker, who has seen the person's ` +
    'agent, is that in every case, and no score of these features tells them apart without asking many people in vain. For such attackers bind sessions to devices and ask for passkeys.'
  )
}

function cost({ score, scoreCpu, withOpening, learn, bytes, names }: Timing): string {
  const times = ([median, slowest]: readonly [number, number]) => `${median.toFixed(1)} us | ${slowest.toFixed(1)} us`
  return [
    '| | median | 99th percentile |',
    '| --- | --- | --- |',
    `| one score, with the rules of a sign-in | ${times(score)} |`,
    `| the same, with opening the stored person | ${times(withOpening)} |`,
    `| learning one sign-in | ${times(learn)} |`,
    '',
    `Processor time of one score, mean: ${scoreCpu.toFixed(1)} us. A stored person has ${bytes[0]} bytes in the median, ${bytes[1]} at most; the population ${names.toLocaleString('en')} names. Measured on a machine that others used at the same time: the 99th percentiles are mostly its scheduler's.`,
  ].join('\n')
}

function thresholdOf({ legitimate }: Scored, rate: number): number {
  return thresholdAt(
    legitimate.map(({ score }) => score),
    rate,
  )
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1).replace(/\.0$/, '')} %`
}
