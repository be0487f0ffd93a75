/** Where the time of one variant goes: runs its server under V8's sampling profiler and adds the samples up by function. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stop } from './children.ts'
import { type HttpOptions, loadFor, startServer } from './http/measure.ts'
import type { Variant } from './http/variant.ts'
import { markdownTable } from './table.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 45

export async function profileVariant(variant: Variant, options: HttpOptions): Promise<string> {
  const server = await startServer(variant, options, [
    '--cpu-prof',
    `--cpu-prof-dir=${options.dataFolder}`,
    '--cpu-prof-interval=200',
  ])
  await loadFor(server, options, options.warmUpMs)
  const { cpuPerRequest } = await loadFor(server, options, 5000)
  await stop(server.child)
  const file = readdirSync(options.dataFolder).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('The server wrote no profile.')
  const profile = JSON.parse(readFileSync(join(options.dataFolder, file), 'utf8')) as Profile
  return `${variant.name}: ${cpuPerRequest.toFixed(1)} us a request under the profiler\n\n${selfTimes(profile, cpuPerRequest)}`
}

/** Self time of each function, as a share and as microseconds a request. */
function selfTimes(profile: Profile, cpuPerRequest: number): string {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
  const times = new Map<string, number>()
  let total = 0
  profile.samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = nodes.get(id)!
    if (functionName === '(idle)' || functionName === '(program)') return
    const name = `${functionName || '(anonymous)'} ${url.replace(/^.*(\/node_modules\/|\/bench\/)/, '')}:${lineNumber + 1}`
    times.set(name, (times.get(name) ?? 0) + profile.timeDeltas[i]!)
    total += profile.timeDeltas[i]!
  })
  const rows = [...times].sort((a, b) => b[1] - a[1]).slice(0, SHOWN)
  return markdownTable(
    ['self time', '%', 'us/request'],
    rows.map(([name, time]) => [name, (100 * time) / total, (cpuPerRequest * time) / total]),
  )
}
