/** Group `tokens`: verifications a second, from a session's end to its refusal, and logout notifications drained. */
import { fileURLToPath } from 'node:url'
import { runNode } from '../children.ts'
import { markdownTable } from '../table.ts'
import type { DrainRow } from './drain.ts'
import type { FeedRow } from './feed.ts'
import type { VerifyRow } from './verify.ts'

export interface TokenResults {
  readonly verify: readonly VerifyRow[]
  readonly feed: readonly FeedRow[]
  readonly drain: readonly DrainRow[]
}

export interface TokenOptions {
  readonly packageFolder: string
  readonly dataFolder: string
  readonly windowMs: number
  readonly rounds: number
  readonly hasPeers: boolean
  /** Notifications to drain. */
  readonly entries: number
  readonly numbersOfServices: readonly number[]
  readonly onProgress: (line: string) => void
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export async function measureTokens(options: TokenOptions): Promise<TokenResults> {
  const { packageFolder, dataFolder, windowMs, rounds, hasPeers, entries, numbersOfServices, onProgress } = options
  onProgress('tokens: verifications')
  const verify = await runNode<VerifyRow[]>(0, file('verify.ts'), [
    packageFolder,
    String(windowMs),
    String(rounds),
    hasPeers ? 'yes' : 'no',
  ])
  onProgress('tokens: from the end of a session to its refusal')
  const feed = await runNode<FeedRow[]>(0, file('feed.ts'), [packageFolder, String(40 * rounds), numbersOfServices.join()])
  onProgress(`tokens: ${entries.toLocaleString('en-US')} logout notifications`)
  const drain = await runNode<DrainRow[]>(0, file('drain.ts'), [packageFolder, dataFolder, String(entries)])
  return { verify, feed, drain }
}

export function tokensReport({ verify, feed, drain }: TokenResults): string {
  const algorithms = [...new Set(verify.map(({ algorithm }) => algorithm))]
  const names = [...new Set(verify.map(({ name }) => name))]
  const perSecond = (name: string, algorithm: string) =>
    verify.find((row) => row.name === name && row.algorithm === algorithm)?.perSecond
  const ratio = (algorithm: string) => perSecond(names[0]!, algorithm)! / perSecond('jose', algorithm)!
  return `## Tokens

Verifications a second, one at a time, in one process. Ours checks all that a service needs (type, claims, revocation state); the peers are handed the key and check signature,
issuer, audience and times.

${markdownTable(
  ['algorithm', ...names, 'ours / jose'],
  algorithms.map((algorithm) => [algorithm, ...names.map((name) => perSecond(name, algorithm)), ratio(algorithm)]),
)}

From the call that ends a session to the first refusal at a service that follows the feed, milliseconds, over HTTP on loopback. All services are in one process, which
verifies one token for each of them after the push: with many services that is most of the time.

${markdownTable(
  ['services', 'p50', 'p99', 'max', 'refusals'],
  feed.map(({ services, p50, p99, max, count }) => [String(services), p50, p99, max, count]),
)}

Logout notifications that had queued up, delivered over HTTP to ten receivers on loopback while an eleventh hangs.

${markdownTable(
  ['outbox', 'notifications', 'seconds', 'a second', 'CPU us each', 'heap MB at most'],
  drain.map(({ outbox, entries, seconds, cpuEach, heapMb }) => [outbox, entries, seconds, entries / seconds, cpuEach, heapMb]),
)}
`
}
