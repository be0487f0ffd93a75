/**
 * `npm run bench`: what a session costs, in one run, on one machine. `npm run bench -- --help` lists the options.
 * docs: README, "Measured"; recorded runs: bench/results/.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { checkVariants } from './check.ts'
import { pinning, preferChildren, runNode, stayOn } from './children.ts'
import { hasWrk, type LoadName } from './http/load.ts'
import { type HttpOptions, measureHttp } from './http/measure.ts'
import { GROUPS, type Group, type Variant } from './http/variant.ts'
import { VARIANTS, variantNamed } from './http/variants.ts'
import type { MicroRow } from './micro.ts'
import { measureMillion } from './million.ts'
import { buildPackage } from './package.ts'
import { installPeers } from './peers/install.ts'
import { profileVariant } from './profile.ts'
import { type Results, reportOf } from './report.ts'
import { startServers } from './servers.ts'
import { measureTokens, type TokenOptions } from './tokens/measure.ts'

const HELP = `npm run bench -- [options]

  --quick            shorter windows and a tenth of the sessions; under a minute
  --smoke            a few hundred requests, to see that everything answers right; the times mean nothing
  --check            only starts every variant and looks whether it answers right, the peers included; measures nothing
  --group <name>     only \`local\` (memory, SQLite), \`distributed\` (Redis, PostgreSQL, memcached, cookies; about eleven minutes),
                     \`protections\` (trait checks, csrf, headers; about eight minutes) or \`tokens\` (access tokens, feed, logout hub)
  --no-http          leave out the servers
  --no-micro         leave out the operations without HTTP
  --no-million       leave out the million sessions
  --no-peers         leave out the variants that need the packages of bench/peers; nothing is installed then
  --only <text>      only the HTTP variants whose name contains this, or one of these: 'redis|postgres'; their bare servers stay
  --rounds <n>       rounds of each HTTP variant; default 5, or 2 with --quick
  --load wrk|own     the load generator; default wrk where it is installed
  --priority         measured processes before those of others (nice -20; needs root)
  --profile <name>   where the time of one HTTP variant goes, by function; measures nothing else
  --record           keep the result in bench/results/
  --date <date>      the date a recorded result gets; default today
`

const SIZES = {
  full: { rounds: 5, windowMs: 1500, warmUpMs: 1200, rampMs: 1500, batch: 20_000, batches: 7, sessions: 1_000_000 },
  quick: { rounds: 2, windowMs: 600, warmUpMs: 700, rampMs: 200, batch: 10_000, batches: 3, sessions: 50_000 },
  smoke: { rounds: 1, windowMs: 50, warmUpMs: 0, rampMs: 0, batch: 50, batches: 1, sessions: 1000 },
} as const

const { values: args } = parseArgs({
  options: {
    help: { type: 'boolean' },
    quick: { type: 'boolean' },
    smoke: { type: 'boolean' },
    check: { type: 'boolean' },
    group: { type: 'string' },
    'no-peers': { type: 'boolean' },
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

  const isOnlyLooked = args.smoke || args.check
  // Enough to see that each gets its own answer.
  if (isOnlyLooked) process.env.SOJOURN_BENCH_SESSIONS = '20'
  if (args.priority) preferChildren()
  stayOn(1)
  const isTokens = args.group === 'tokens'
  const groups = isTokens ? [] : args.group === undefined ? GROUPS : [groupNamed(args.group)]
  const chosen = args.profile !== undefined ? [variantToProfile(args.profile)] : isTokens ? [] : chosenVariants(groups)
  const isMeasuringTokens = isTokens || args.group === undefined
  if (!args['no-peers'] && (isTokens || (!args['no-http'] && chosen.some(({ needsPeers }) => needsPeers))))
    await installPeers(onProgress).catch(giveUp)
  onProgress('compiling the package')
  const { folder: packageFolder, remove } = buildPackage()
  const dataFolder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'))
  // Fifty processes load much the same files; where times count each starts as an application would.
  if (isOnlyLooked) process.env.NODE_COMPILE_CACHE = join(dataFolder, 'compiled')
  // Also when the run is broken off.
  process.once('exit', () => {
    rmSync(dataFolder, { recursive: true, force: true })
    remove()
  })
  const rounds = Number(args.rounds ?? size.rounds)

  if (args.profile !== undefined) return console.log(await withServers(chosen, (http) => profileVariant(chosen[0]!, http)))
  if (args.check) return withServers(chosen, (http) => checkVariants(chosen, http))

  const results: Results = {
    date: args.date,
    size: sizeName,
    node: process.versions.node,
    cpu: `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores`,
    loadGenerator: load,
    pinning: args.priority ? `${pinning}, all at nice -20` : pinning,
    loadAverageAtStart: loadAtStart,
    http: args['no-http'] ? [] : await measureGroups(),
    micro: args['no-micro'] || groups.every((group) => group === 'protections') ? undefined : await measureMicro(),
    tokens: isMeasuringTokens ? await measureTokens(tokenOptions()) : undefined,
    million:
      args['no-million'] || !groups.includes('local')
        ? undefined
        : await measureMillion({ packageFolder, dataFolder, sessions: size.sessions, onProgress }),
    loadAverageAtEnd: loadavg()[0]!,
    seconds: (performance.now() - startedAt) / 1000,
  }
  const report = reportOf(results)
  console.log(report)
  if (args.record) record(results, report)

  async function measureGroups(): Promise<Results['http']> {
    const measured: { group: Group; rows: Results['http'][number]['rows'] }[] = []
    for (const group of groups) {
      const variants = chosen.filter((variant) => variant.groups.includes(group))
      const pace = group === 'protections' && !args.smoke ? inSmallSteps : () => ({})
      if (variants.length > 0)
        measured.push({ group, rows: await withServers(variants, (http) => measureHttp({ ...http, ...pace(http) })) })
    }
    return measured
  }

  function tokenOptions(): TokenOptions {
    const { windowMs } = size
    const [entries, numbersOfServices] =
      sizeName === 'full' ? [100_000, [1, 10, 100]] : sizeName === 'quick' ? [5000, [1, 10]] : [100, [1, 2]]
    return { packageFolder, dataFolder, windowMs, rounds, hasPeers: !args['no-peers'], entries, numbersOfServices, onProgress }
  }

  async function withServers<T>(variants: readonly Variant[], use: (http: HttpOptions) => Promise<T>): Promise<T> {
    const engines = new Set(variants.flatMap((variant) => variant.engines ?? []))
    if (engines.size > 0) onProgress(`starting ${[...engines].join(', ')}`)
    const { servers, stop } = await startServers(engines)
    try {
      return await use({ packageFolder, dataFolder, servers, load, ...size, rounds, variants, onProgress })
    } finally {
      await stop()
    }
  }

  async function measureMicro(): Promise<MicroRow[]> {
    onProgress('micro: operations without HTTP')
    const { batch, batches } = size
    const file = fileURLToPath(new URL('micro.ts', import.meta.url))
    return runNode(0, file, [packageFolder, dataFolder, String(batch), String(batches), groups.join()])
  }
}

/** Differences of a microsecond between servers show only where both are measured within seconds, and often. */
function inSmallSteps({ rounds, windowMs, rampMs }: HttpOptions): Pick<HttpOptions, 'rounds' | 'windowMs' | 'rampMs'> {
  return { rounds: 4 * rounds, windowMs: windowMs / 3, rampMs: rampMs / 4 }
}

/** Says why, without a stack: it is nothing that the bench's own code could tell more about. */
function giveUp(error: Error): never {
  console.error(error.message)
  process.exit(1)
}

function groupNamed(name: string): Group {
  const group = GROUPS.find((candidate) => candidate === name)
  if (group !== undefined) return group
  throw new Error(`--group is '${name}'; expected ${[...GROUPS, 'tokens'].join(' or ')}.`)
}

function chosenVariants(groups: readonly Group[]): Variant[] {
  const texts = args.only?.split('|')
  const wanted = VARIANTS.filter(
    ({ name, kind, needsPeers, ...variant }) =>
      kind !== 'bare' &&
      groups.some((group) => variant.groups.includes(group)) &&
      !(args['no-peers'] && needsPeers) &&
      (texts === undefined || texts.some((text) => name.includes(text))),
  )
  if (wanted.length === 0) throw new Error(`--only is '${args.only}', which no variant's name contains.`)
  return VARIANTS.filter((variant) => wanted.some((each) => each === variant || each.bare === variant.name))
}

function variantToProfile(name: string): Variant {
  const variant = variantNamed(name)
  if (variant !== undefined) return variant
  throw new Error(`--profile is '${name}'; expected one of:\n  ${VARIANTS.map((candidate) => candidate.name).join('\n  ')}`)
}

function record(results: Results, report: string): void {
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  const name = join(folder, [results.date, ...(args.group ? [args.group] : []), 'node', results.node].join('-'))
  writeFileSync(`${name}.md`, `${report}\n`)
  writeFileSync(`${name}.json`, `${JSON.stringify(results, undefined, 2)}\n`)
  console.error(`Recorded in ${name}.md and .json`)
}
