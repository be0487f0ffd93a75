/**
 * Very many sessions in one SQLite file. Loaded through the package's own door, one `signIn` with its own transaction each, so that
 * every row is what a site would have. A fifth of them ended three days ago. Then, in fresh processes: reads, a purge of the ended
 * ones while two readers measure what they wait, and the end of one subject's thousand sessions.
 */
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nextMessage, runNode, startNode, stop } from './children.ts'

export interface MillionOptions {
  readonly packageFolder: string
  readonly dataFolder: string
  readonly sessions: number
  readonly onProgress: (line: string) => void
}

export interface Loaded {
  readonly seconds: number
  /** Tokens of some of the live sessions, spread evenly. */
  readonly tokens: readonly string[]
  readonly key: string
}

/** How long reads took, in milliseconds. */
export interface Latency {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface Measured {
  readonly reads: Latency
  readonly rssMb: number
  readonly rssOfEmptyProcessMb: number
  readonly quiet: Latency
  readonly purged: number
  readonly purgeSeconds: number
  readonly duringPurge: Latency
  readonly revoked: number | undefined
  readonly revokeMs: number
}

export interface MillionResult extends Measured {
  readonly sessions: number
  readonly loadSeconds: number
  readonly bytesPerSession: number
  readonly fileMb: number
  readonly otherProcessQuiet: Latency
  readonly otherProcessDuringPurge: Latency
}

const CHILD = fileURLToPath(new URL('million-child.ts', import.meta.url))

export async function measureMillion({
  packageFolder,
  dataFolder,
  sessions,
  onProgress,
}: MillionOptions): Promise<MillionResult> {
  onProgress(`sqlite: signing ${sessions.toLocaleString('en-US')} people in, one transaction each`)
  const file = join(dataFolder, 'million.db')
  const loaded = await runNode<Loaded>(0, CHILD, ['load', packageFolder, file, String(sessions)])
  const { size } = statSync(file)
  const tokenFile = join(dataFolder, 'million.json')
  writeFileSync(tokenFile, JSON.stringify(loaded))
  onProgress(`sqlite: loaded in ${loaded.seconds.toFixed(0)} s; reading, then purging under two readers`)

  const reader = startNode(1, CHILD, ['watch', packageFolder, file, tokenFile])
  await nextMessage(reader)
  const worker = startNode(0, CHILD, ['measure', packageFolder, file, tokenFile])
  // The worker says when a phase begins; the reader in the other process then answers with what it saw in the one before.
  const phases: Latency[] = []
  let measured: Measured | undefined
  while (measured === undefined) {
    const message = await nextMessage<{ phase: string } | Measured>(worker)
    const seen = nextMessage<Latency>(reader)
    reader.send('next')
    phases.push(await seen)
    if ('reads' in message) measured = message
    else worker.send('go')
  }
  await Promise.all([stop(reader), stop(worker)])
  return {
    ...measured,
    sessions,
    loadSeconds: loaded.seconds,
    bytesPerSession: size / sessions,
    fileMb: size / 1e6,
    otherProcessQuiet: phases[1]!,
    otherProcessDuringPurge: phases[2]!,
  }
}
