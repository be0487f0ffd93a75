/** What a run found, as markdown. */
import { cheapest, goalsTable, protectionsGoalTable } from './goals.ts'
import type { HttpRow } from './http/measure.ts'
import type { Group } from './http/variant.ts'
import type { MicroRow } from './micro.ts'
import type { Latency, MillionResult } from './million.ts'
import { type Cell, markdownTable } from './table.ts'
import { type TokenResults, tokensReport } from './tokens/measure.ts'

export interface Results {
  readonly date: string
  readonly size: 'full' | 'quick' | 'smoke'
  readonly node: string
  readonly cpu: string
  readonly loadGenerator: string
  readonly pinning: string
  /** Work of others on this machine shows here; ratios within one run stay meaningful. */
  readonly loadAverageAtStart: number
  readonly loadAverageAtEnd: number
  readonly seconds: number
  /** Each group is measured by itself, with its own bare servers. */
  readonly http: readonly { readonly group: Group; readonly rows: readonly HttpRow[] }[]
  readonly micro: readonly MicroRow[] | undefined
  readonly million: MillionResult | undefined
  readonly tokens: TokenResults | undefined
}

export function reportOf(results: Results): string {
  const { http, micro, million, tokens } = results
  return [
    `# Sojourn bench, ${results.date}, Node ${results.node}${results.size === 'full' ? '' : ` (${results.size} run: rough)`}`,
    `${results.cpu}; ${results.pinning}; load by ${results.loadGenerator}; load average ${results.loadAverageAtStart.toFixed(2)} ` +
      `at the start, ${results.loadAverageAtEnd.toFixed(2)} at the end; took ${results.seconds.toFixed(0)} s.`,
    ...http.map(httpSection),
    micro && microSection(micro),
    million && millionSection(million),
    tokens && tokensReport(tokens),
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
}

function httpSection({ group, rows }: Results['http'][number]): string {
  const table = markdownTable(
    [
      `${group}: over HTTP, 32 connections`,
      'req/s',
      'CPU us/req',
      group === 'protections' ? 'added CPU us' : 'session CPU us',
      'lowest to highest',
      'of the floor',
      'best peer costs',
      'RSS MB',
    ],
    rows.map((row): Cell[] => {
      const { sessionCpu, sessionCpuRange } = row
      const range = sessionCpuRange?.map((value) => value.toFixed(1)).join(' to ')
      const ofFloor = times(sessionCpu, row.floor === undefined ? undefined : cheapest(rows, [row.floor])?.sessionCpu)
      const peer = times(cheapest(rows, row.peers)?.sessionCpu, sessionCpu)
      return [row.name, row.requestsPerSecond, row.cpuPerRequest, sessionCpu, range, ofFloor, peer, row.rssMb]
    }),
  )
  const explanation = group === 'protections' ? PROTECTIONS_EXPLANATION : EXPLANATION
  return [table, explanation, goalsTable(rows), protectionsGoalTable(rows)].filter((part) => part !== undefined).join('\n\n')
}

const EXPLANATION = `Session CPU: CPU time of the server process a request, above the bare server of the same framework in the same round; median of the
rounds. What the store's own server and the load take is not in it, but both share a core, which limits the requests a second. Best peer costs: session CPU of the
cheapest peer that does the same, over this row's; every peer reads the whole session, as the rows named "data read" do. The load goes through 1,000 sessions in
turn, whose records we remember; through 10,000 where the name says so, which are more than that.`

const PROTECTIONS_EXPLANATION = `Added CPU: CPU time of the server process a request, above the same session without any of it, asked in the same way, in the same
round; median of the rounds. The requests have the headers that Chromium sends to a page of its own site. With a token: it is asked for besides the headers, as the peers
ask for theirs. Best peer costs: added CPU of the peer that does the same, over this row's; helmet sets other headers than ours.`

function times(above: number | undefined, below: number | undefined): string | undefined {
  return above === undefined || below === undefined ? undefined : `${(above / below).toFixed(1)} x`
}

function microSection(rows: readonly MicroRow[]): string {
  return markdownTable(
    ['in process, without HTTP', 'CPU us/op'],
    rows.map(({ name, cpuPerOperation }) => [name, cpuPerOperation]),
  )
}

function millionSection(result: MillionResult): string {
  const rows: Cell[][] = [
    ['sessions', result.sessions],
    ['signing them in, s', result.loadSeconds],
    ['signing one in, us', (1e6 * result.loadSeconds) / result.sessions],
    ['bytes on disk a session, about 300 of them data', result.bytesPerSession],
    ['file, MB', result.fileMb],
    ['read p50, us', 1000 * result.reads.p50],
    ['read p99, us', 1000 * result.reads.p99],
    ['RSS after the reads, MB', result.rssMb],
    ['of it an empty process with the package, MB', result.rssOfEmptyProcessMb],
    ['purged', result.purged],
    ['purge, s', result.purgeSeconds],
    ...waits('read in the same process', result.quiet, result.duringPurge),
    ...waits('read in another process', result.otherProcessQuiet, result.otherProcessDuringPurge),
    ['sessions of one subject revoked at once', result.revoked],
    ['revoking them, ms', result.revokeMs],
  ]
  return markdownTable([`${result.sessions.toLocaleString('en-US')} sessions in SQLite`, ''], rows)
}

function waits(name: string, quiet: Latency, purging: Latency): Cell[][] {
  return [
    [`${name}, quiet: p99 ms`, quiet.p99],
    [`${name}, quiet: longest ms`, quiet.max],
    [`${name}, during the purge: p99 ms`, purging.p99],
    [`${name}, during the purge: longest ms`, purging.max],
  ]
}
