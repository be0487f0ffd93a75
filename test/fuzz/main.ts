/**
 * `npm run fuzz`: ten million inputs for the parsers of token, cookie header, record, data, addresses and forged requests. Ends with exit code 1 on a finding,
 * printed with its seed. `npm run fuzz -- --count=1000000 --seed=42` repeats a run.
 */
import { parseArgs } from 'node:util'
import { fuzz } from './run.ts'

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } })
const count = Number(values.count ?? 10_000_000)
const seed = Number(values.seed ?? Date.now() & 0x7fffffff)
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  console.error('fuzz: expected whole numbers, as in `npm run fuzz -- --count=1000000 --seed=42`')
  process.exit(2)
}

const startedAt = performance.now()
const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
console.log(`fuzz: ${count.toLocaleString('en')} inputs, seed ${seed}`)
const { counts, finding } = fuzz(seed, count, (done) =>
  console.log(`fuzz: ${done.toLocaleString('en')} done, no finding, ${elapsed()}`),
)
for (const [name, inputs] of counts) console.log(`fuzz: ${name.padEnd(7)} ${inputs.toLocaleString('en')} inputs`)
if (finding === undefined) {
  console.log(`fuzz: no finding in ${elapsed()}`)
} else {
  console.error(`fuzz: FINDING in ${finding.target}: it ${finding.finding}`)
  console.error(`fuzz: input ${JSON.stringify(finding.input)}`)
  console.error(`fuzz: again with --seed=${finding.seed} --count=${finding.at + 1}`)
  process.exitCode = 1
}
