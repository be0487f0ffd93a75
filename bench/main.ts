/**
 * `npm run bench`: what a session costs, in one run, on one machine. `npm run bench -- --help` lists the options.
 * docs: README, "Measured"; recorded runs: bench/results/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pinning, preferChildren, runNode } from './children.ts'
import { hasWrk, type LoadName } from './http/load.ts'
import { type HttpOptions, measureHttp } from './http/measure.ts'
import { VARIANTS } from './http/variants.ts'
import type { MicroRow } from './micro.ts'
import { measureMillion } from './million.ts'
import { buildPackage } from './package.ts'
import { profileVariant } from './profile.ts'
import { type Results, reportOf } from './report.ts'

const HELP = `npm run bench -- [options]

  --quick            shorter windows and a tenth of the sessions; under a minute
  --smoke            a few hundred requests, to see that everything answers right; the times mean nothing
  --no-http          leave out the servers
  --no-micro         leave out the operations without HTTP
  --no-million       leave out the million sessions
  --only <text>      only the HTTP variants whose name contains this; the bare servers stay
  --rounds <n>       rounds of each HTTP variant; default 5, or 2 with --quick
  --load wrk|own     the load generator; default wrk where it is installed
  --priority         measured processes before those of others (nice -20; needs root)
  --profile <name>   where the time of one HTTP variant goes, by function; measures nothing else
  --record           keep the result in bench/results/
  --date <date>      the date a recorded result gets; default today
`

const SIZES = {
  full: { rounds: 5, windowMs: 1700, warmUpMs: 1500, rampMs: 300, batch: 20_000, batches: 7, sessions: 1_000_000 },
  quick: { rounds: 2, windowMs: 600, warmUpMs: 700, rampMs: 200, batch: 10_000, batches: 3, sessions: 50_000 },
  smoke: { rounds: 1, windowMs: 50, warmUpMs: 50, rampMs: 0, batch: 50, batches: 1, sessions: 1000 },
} as const

const { values: args } = parseArgs({
  options: {
    help: { type: 'boolean' },
    quick: { type: 'boolean' },
    smoke: { type: 'boolean' },
    'no-http': { type: 'boolean' },
    'no-micro': { type: 'boolean' },
    'no-million': { type: 'boolean' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    load: { type: 'string' },
    priority: { type: 'boolean' },
    profile: { type: 'string' },
    record: { type: 'boolean' },
    date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
  },
})

if (args.help) console.log(HELP)
else await main()

async function main(): Promise<void> {
  const startedAt = performance.now()
  const onProgress = (line: string) =>
    console.error(`[${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s] ${line}`)
  const sizeName = args.smoke ? 'smoke' : args.quick ? 'quick' : 'full'
  const size = SIZES[sizeName]
  const load: LoadName = args.load === 'own' || args.smoke || !hasWrk() ? 'own' : 'wrk'
  const loadAtStart = loadavg()[0]!

  if (args.priority) preferChildren()
  onProgress('compiling the package')
  const { folder: packageFolder, remove } = buildPackage()
  const dataFolder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
  // Also when the run is broken off.
  process.once('exit', () => {
    rmSync(dataFolder, { recursive: true, force: true })
    remove()
  })
  const variants = VARIANTS.filter(({ name, kind }) => kind === 'bare' || args.only === undefined || name.includes(args.only))
  const rounds = Number(args.rounds ?? size.rounds)
  const http: HttpOptions = { packageFolder, dataFolder, load, ...size, rounds, variants, onProgress }
  if (args.profile !== undefined) return console.log(await profileVariant(variantNamed(args.profile), http))

  const results: Results = {
    date: args.date,
    size: sizeName,
    node: process.versions.node,
    cpu: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    loadGenerator: load,
    pinning: args.priority ? `${pinning}, both at nice -20` : pinning,
    loadAverageAtStart: loadAtStart,
    http: args['no-http'] ? undefined : await measureHttp(http),
    micro: args['no-micro'] ? undefined : await measureMicro(packageFolder, dataFolder, size),
    million: args['no-million']
      ? undefined
      : await measureMillion({ packageFolder, dataFolder, sessions: size.sessions, onProgress }),
    loadAverageAtEnd: loadavg()[0]!,
    seconds: (performance.now() - startedAt) / 1000,
  }
  const report = reportOf(results)
  console.log(report)
  if (args.record) record(results, report)

  async function measureMicro(...[folder, data, { batch, batches }]: [string, string, typeof size]): Promise<MicroRow[]> {
    onProgress('micro: operations without HTTP')
    return runNode(0, fileURLToPath(new URL('micro.ts', import.meta.url)), [folder, data, String(batch), String(batches)])
  }
}

function variantNamed(name: string) {
  const variant = VARIANTS.find((candidate) => candidate.name === name)
  if (variant !== undefined) return variant
  throw new Error(`--profile is '${name}'; expected one of:\n  ${VARIANTS.map((candidate) => candidate.name).join('\n  ')}`)
}

function record(results: Results, report: string): void {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const name = join(folder, `${results.date}-node-${results.node}`)
  writeFileSync(`${name}.md`, `${report}\n`)
  writeFileSync(`${name}.json`, `${JSON.stringify(results, undefined, 2)}\n`)
  console.error(`Recorded in ${name}.md and .json`)
}
