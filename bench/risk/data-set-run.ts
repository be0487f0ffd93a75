/** The same model over the public data set: who of the taken-over accounts would have been asked, and how many others. */
import { caught, ModelScorer, thresholdAt } from './evaluate.ts'
import { readDataSet } from './rba-data-set.ts'

const RATES = [0.005, 0.01, 0.02, 0.05, 0.1]

/** What comes from an address of attackers, and succeeds without being a takeover, is neither learnt nor counted. */
export async function onDataSet(path: string): Promise<string> {
  const scores = { legitimate: [] as number[], attack: [] as number[], takeover: [] as number[] }
  let scorer: ModelScorer | undefined
  let [read, skipped] = [0, 0]
  for await (const { at, subject, client, isSuccess, isAttackAddress, isTakeover } of readDataSet(path, () => skipped++)) {
    read++
    scorer ??= new ModelScorer('Sojourn', at)
    const kind = isTakeover ? 'takeover' : isAttackAddress ? 'attack' : 'legitimate'
    if (kind !== 'legitimate' || isSuccess) {
      const score = scorer.score(subject, client, at)
      if (score !== undefined) scores[kind].push(score)
    }
    if (isSuccess && kind === 'legitimate') scorer.learn(subject, client, at)
  }
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const rows = RATES.map((rate) => {
    const threshold = thresholdAt(scores.legitimate, rate)
    return `| ${percent(rate)} | ${percent(caught(scores.attack, threshold))} | ${percent(caught(scores.takeover, threshold))} |`
  })
  return [
    `${read} sign-ins read, ${skipped} lines left out; with a history: ${scores.legitimate.length} legitimate, ${scores.attack.length} from addresses of attackers, ${scores.takeover.length} takeovers.`,
    '',
    '| challenged | from addresses of attackers | takeovers |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n')
}
