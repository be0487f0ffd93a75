/** The processes of `million.ts`. argv: what to do, package folder, database file, then the number of sessions or the file of tokens. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sessions } from 'sojourn'
import type { Latency, Loaded, Measured } from './million.ts'
import { loadEntry } from './package.ts'
import { newKey, type SampleData, sampleData, subjectOf } from './sample.ts'
import { quantile } from './statistics.ts'

type DataSchema = import('@standard-schema/spec').StandardSchemaV1<unknown, SampleData>

const DAY = 86_400_000
const MOST_TOKENS = 20_000
const CROWDED_SUBJECT = 'user-with-a-thousand'
const CROWD = 1000
/** How long the readers are watched before the purge: the measure of what this machine does to a read anyway. */
const QUIET_MS_PER_READ = 0.15

const [task, packageFolder, file, argument] = process.argv.slice(2) as [string, string, string, string]
const { createSessions } = await loadEntry(packageFolder, 'core')
const { sqliteStore } = await loadEntry(packageFolder, 'sqlite')
const rssOfEmptyProcess = process.memoryUsage.rss()

if (task === 'load') await load(Number(argument))
else {
  const loaded = JSON.parse(readFileSync(argument, 'utf8')) as Loaded
  const store = sqliteStore(file)
  const sessions: Sessions<SampleData> = createSessions<DataSchema>({ store, keys: loaded.key, purgeInterval: 0 })
  if (task === 'watch') await watch(sessions, loaded.tokens)
  else await measure(sessions, loaded.tokens)
}

async function load(count: number): Promise<void> {
  const key = newKey()
  const store = sqliteStore(file)
  let isPast = false
  const clock = () => (isPast ? Date.now() - 3 * DAY : Date.now())
  const sessions: Sessions<SampleData> = createSessions<DataSchema>({ store, keys: key, clock, purgeInterval: 0 })
  const tokens: string[] = []
  const every = Math.ceil(count / MOST_TOKENS)
  const startedAt = performance.now()
  for (let i = 0; i < count; i++) {
    isPast = i % 5 === 0
    const isCrowd = i % 5 === 1 && i < 5 * CROWD
    const session = sessions.anonymous()
    Object.assign(session.data, sampleData())
    const subject = isCrowd ? CROWDED_SUBJECT : subjectOf(i)
    await session.signIn({ subject, method: 'pwd', keep: ['basket', 'locale', 'theme'] })
    const { token } = await session.commit()
    if (!isPast && !isCrowd && (i % every === 0 || i % every === 2 % every)) tokens.push(token!)
  }
  const seconds = (performance.now() - startedAt) / 1000
  await store.close()
  const loaded: Loaded = { seconds, tokens, key }
  process.send!(loaded)
}

async function measure(sessions: Sessions<SampleData>, tokens: readonly string[]): Promise<void> {
  const pick = picker(tokens)
  const reads: number[] = []
  for (let i = 0; i < 5 * tokens.length; i++) reads.push(await timedRead(sessions, pick()))
  const rss = process.memoryUsage.rss()

  await announce('quiet')
  const until = performance.now() + QUIET_MS_PER_READ * tokens.length
  const quiet = await readWhile(sessions, pick, () => performance.now() < until)

  await announce('purge')
  let purged = 0
  let isDone = false
  const purgeStartedAt = performance.now()
  const purging = (async () => {
    for (;;) {
      const count = await sessions.purge({ limit: 1000 })
      purged += count
      if (count < 1000) break
    }
    isDone = true
    return (performance.now() - purgeStartedAt) / 1000
  })()
  const duringPurge = await readWhile(sessions, pick, () => !isDone)
  const purgeSeconds = await purging

  await announce('revoke')
  const revokeStartedAt = performance.now()
  const revoked = await sessions.revokeSubject(CROWDED_SUBJECT)
  const revokeMs = performance.now() - revokeStartedAt
  const measured: Measured = {
    reads: latency(reads),
    rssMb: rss / 1e6,
    rssOfEmptyProcessMb: rssOfEmptyProcess / 1e6,
    quiet,
    purged,
    purgeSeconds,
    duringPurge,
    revoked,
    revokeMs,
  }
  process.send!(measured)
}

async function announce(phase: string): Promise<void> {
  process.send!({ phase })
  await once(process, 'message')
}

/**
 * A reader in the same process, a thousand times a second: what a read takes, and what the millisecond before it took too long. So
 * whatever blocks the event loop shows, but not what the scheduler does to a loop that never rests beside two others on two cores.
 */
async function readWhile(sessions: Sessions<SampleData>, pick: () => string, isGoingOn: () => boolean): Promise<Latency> {
  const times: number[] = []
  while (isGoingOn()) {
    const startedAt = performance.now()
    await sleep(1)
    await read(sessions, pick())
    times.push(Math.max(0, performance.now() - startedAt - 1))
  }
  return latency(times)
}

/** A reader in a process of its own, some thousand reads a second, until the bench ends. Answers each message with what it saw since the last. */
async function watch(sessions: Sessions<SampleData>, tokens: readonly string[]): Promise<void> {
  const pick = picker(tokens)
  let times: number[] = []
  process.on('message', () => {
    process.send!(latency(times))
    times = []
  })
  process.on('disconnect', () => process.exit(0))
  process.send!('ready')
  for (;;) {
    for (let i = 0; i < 5; i++) times.push(await timedRead(sessions, pick()))
    await sleep(1)
  }
}

async function timedRead(sessions: Sessions<SampleData>, token: string): Promise<number> {
  const startedAt = performance.now()
  await read(sessions, token)
  return performance.now() - startedAt
}

async function read(sessions: Sessions<SampleData>, token: string): Promise<void> {
  const session = await sessions.read(token)
  if (session.subject === undefined) throw new Error(`A live session was not found: ${session.state} ${session.stateReason}`)
}

/** Any of them, at random: what a cache holds is then as small a share as it would be on a site. */
function picker(tokens: readonly string[]): () => string {
  return () => tokens[Math.floor(Math.random() * tokens.length)]!
}

function latency(times: readonly number[]): Latency {
  const max = times.reduce((most, time) => Math.max(most, time), 0)
  return { count: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99), max }
}
