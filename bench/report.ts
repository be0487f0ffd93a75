/** What a run found, as markdown. */
import type { HttpRow } from './http/measure.ts'
import type { MicroRow } from './micro.ts'
import type { Latency, MillionResult } from './million.ts'
import { type Cell, markdownTable } from './table.ts'

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
  readonly http: readonly HttpRow[] | undefined
  readonly micro: readonly MicroRow[] | undefined
  readonly million: MillionResult | undefined
}

export function reportOf(results: Results): string {
  const { http, micro, million } = results
  return [
    `# Sojourn bench, ${results.date}, Node ${results.node}${results.size === 'full' ? '' : ` (${results.size} run: rough)`}`,
    `${results.cpu}; ${results.pinning}; load by ${results.loadGenerator}; load average ${results.loadAverageAtStart.toFixed(2)} ` +
      `at the start, ${results.loadAverageAtEnd.toFixed(2)} at the end; took ${results.seconds.toFixed(0)} s.`,
    http && httpSection(http),
    micro && microSection(micro),
    million && millionSection(million),
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
}

function httpSection(rows: readonly HttpRow[]): string {
  const peer = rows.find(({ kind }) => kind === 'peer')?.sessionCpu
  const table = markdownTable(
    [
      'over HTTP, 32 connections',
      'req/s',
      'CPU us/req',
      'session CPU us',
      'lowest to highest',
      'express-session costs',
      'RSS MB',
    ],
    rows.map((row): Cell[] => {
      const { sessionCpu, sessionCpuRange } = row
      const ratio =
        peer !== undefined && sessionCpu !== undefined && row.kind !== 'peer' ? `${(peer / sessionCpu).toFixed(1)} x` : undefined
      const range = sessionCpuRange?.map((value) => value.toFixed(1)).join(' to ')
      return [row.name, row.requestsPerSecond, row.cpuPerRequest, sessionCpu, range, ratio, row.rssMb]
    }),
  )
  return `${table}\n\nSession CPU: CPU time of the server process a request, above the bare server of the same round; median of the rounds.`
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
