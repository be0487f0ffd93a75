/** What was set out to be reached, beside what a run shows. */
import type { HttpRow } from './http/measure.ts'
import { protectionName, TOGETHER } from './http/protections.ts'
import type { StoreName } from './http/sojourn.ts'
import { ANY_REDIS, PEER, READINGS, type Reading, type SojournOn, sojournName } from './http/variants.ts'
import { type Cell, markdownTable } from './table.ts'

/** One goal, for every way in which a row of ours is read. */
interface Goal {
  readonly text: string
  readonly row: (reading: Reading) => string
  /** At most so many microseconds of CPU above the bare server. */
  readonly most?: number
  /** The cheapest of these costs at least so many times as much; without a number only the ratio is shown. */
  readonly times?: { readonly peers: readonly string[]; readonly least: number | undefined }
}

const row = (on: SojournOn, store: StoreName) => (reading: Reading) => sojournName(on, store, reading)

const within = (most: number, on: SojournOn, store: StoreName): Goal => ({
  text: `${store} within ${most} us above bare ${on}`,
  row: row(on, store),
  most,
})

const cheaper = (
  least: number | undefined,
  peers: readonly string[],
  on: SojournOn,
  store: StoreName,
  title = peers[0],
): Goal => ({
  text: `${title} costs ${least === undefined ? 'as much as' : `at least ${least} times`} ${store} on ${on}`,
  row: row(on, store),
  times: { peers, least },
})

const GOALS: readonly Goal[] = [
  within(4, 'node:http', 'memory'),
  within(8, 'node:http', 'sqlite'),
  cheaper(5, [PEER.expressMemory], 'express', 'memory'),
  within(12, 'node:http', 'redis, ioredis'),
  within(12, 'node:http', 'redis, node-redis'),
  within(8, 'node:http', 'cookie'),
  within(4, 'node:http', 'near cache, redis'),
  cheaper(4, ANY_REDIS, 'node:http', 'redis, ioredis', 'the best peer on Redis, whatever its framework,'),
  cheaper(4, ANY_REDIS, 'node:http', 'redis, node-redis', 'the best peer on Redis, whatever its framework,'),
  cheaper(
    4,
    ANY_REDIS.filter((name) => name.startsWith('express')),
    'express',
    'redis, node-redis',
    'the best Redis peer on express',
  ),
  cheaper(
    4,
    ANY_REDIS.filter((name) => name.startsWith('fastify')),
    'fastify',
    'redis, node-redis',
    'the best Redis peer on fastify',
  ),
  cheaper(10, [PEER.ironNode], 'node:http', 'cookie'),
  cheaper(10, [PEER.ironExpress], 'express', 'cookie'),
  cheaper(10, [PEER.betterAuthSqlite], 'node:http', 'sqlite'),
  cheaper(10, [PEER.betterAuthCookie], 'node:http', 'cookie'),
  cheaper(undefined, [PEER.fastifySecure], 'fastify', 'cookie'),
]

/** Nearer than this nobody is ahead: medians of two runs differ as much. */
const LEVEL = 1.25

/** The goals that these rows can speak of; nothing when there are none. */
export function goalsTable(rows: readonly HttpRow[]): string | undefined {
  const readings = Object.keys(READINGS) as Reading[]
  const found = GOALS.map((goal): Cell[] => [goal.text, ...readings.map((reading) => shown(goal, rows, reading))])
  const spoken = found.filter(([, ...cells]) => cells.some((cell) => cell !== undefined))
  return spoken.length === 0
    ? undefined
    : markdownTable(['goal', 'subject read', 'data read', '10,000 sessions, subject read'], spoken)
}

/** Trait checks, the defence against forged requests and headers: goal, microseconds of CPU together. */
const PROTECTIONS_MOST = 3

/** The goal of the group `protections`; nothing when it was not measured. */
export function protectionsGoalTable(rows: readonly HttpRow[]): string | undefined {
  const cells = (['GET', 'POST'] as const).map((method) => {
    const cpu = rows.find(({ name }) => name === protectionName('node:http', method, TOGETHER))?.sessionCpu
    return cpu === undefined ? undefined : `${cpu.toFixed(1)} us: ${cpu <= PROTECTIONS_MOST ? 'met' : 'missed'}`
  })
  if (cells.every((cell) => cell === undefined)) return undefined
  return markdownTable(['goal', 'GET', 'POST'], [[`${TOGETHER} within ${PROTECTIONS_MOST} us on node:http`, ...cells]])
}

function shown({ row, most, times }: Goal, rows: readonly HttpRow[], reading: Reading): string | undefined {
  const cpu = rows.find(({ name }) => name === row(reading))?.sessionCpu
  if (cpu === undefined) return undefined
  if (most !== undefined) return `${cpu.toFixed(1)} us: ${cpu <= most ? 'met' : 'missed'}`
  const best = times && cheapest(rows, times.peers)
  if (best?.sessionCpu === undefined) return undefined
  const ratio = best.sessionCpu / cpu
  if (times?.least !== undefined) return `${ratio.toFixed(1)} x: ${ratio >= times.least ? 'met' : 'missed'}`
  return `${ratio.toFixed(2)} x: ${ratio > LEVEL ? 'we cost less' : ratio < 1 / LEVEL ? 'it costs less' : 'level'}`
}

/** The row of lowest session cost among those of these names that were measured. */
export function cheapest(rows: readonly HttpRow[], names: readonly string[]): HttpRow | undefined {
  return rows
    .filter(({ name, sessionCpu }) => names.includes(name) && sessionCpu !== undefined)
    .sort((a, b) => a.sessionCpu! - b.sessionCpu!)[0]
}
