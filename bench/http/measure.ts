/** Measures the variants over HTTP: all servers stay up, each is loaded in turn, several rounds, so that a slow moment hits all alike. */

import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask, nextMessage, startNode, stop } from '../children.ts'
import { answerOf, subjectOf } from '../sample.ts'
import { median } from '../statistics.ts'
import { type LoadName, startLoad } from './load.ts'
import type { Mark, Ready } from './server.ts'
import { VARIANTS, type Variant } from './variants.ts'

export interface HttpOptions {
  readonly packageFolder: string
  readonly dataFolder: string
  readonly load: LoadName
  readonly rounds: number
  readonly windowMs: number
  readonly warmUpMs: number
  /** Until all connections are up, before a window opens. */
  readonly rampMs: number
  readonly variants?: readonly Variant[]
  readonly onProgress: (line: string) => void
}

export interface HttpRow {
  readonly name: string
  readonly kind: Variant['kind']
  readonly bare: Variant['bare']
  readonly requestsPerSecond: number
  /** CPU time of the server process, user and system, per request. */
  readonly cpuPerRequest: number
  /** The same above the bare server of the same round; the median of these differences. */
  readonly sessionCpu: number | undefined
  /** The lowest and highest of these differences. */
  readonly sessionCpuRange: readonly [number, number] | undefined
  readonly rssMb: number
}

interface Running {
  readonly variant: Variant
  readonly child: ChildProcess
  readonly port: number
  readonly cookieFile: string
  readonly rounds: { readonly requestsPerSecond: number; readonly cpuPerRequest: number; readonly rss: number }[]
}

const LEAST_REQUESTS = 30
const MOST_WINDOWS = 100

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url))
export async function measureHttp(options: HttpOptions): Promise<HttpRow[]> {
  const servers: Running[] = []
  try {
    for (const variant of options.variants ?? VARIANTS) servers.push(await startServer(variant, options))
    for (const server of servers) {
      options.onProgress(`http: warming up ${server.variant.name}`)
      await loadFor(server, options, options.warmUpMs)
    }
    for (let round = 1; round <= options.rounds; round++) {
      options.onProgress(`http: round ${round} of ${options.rounds}, ${servers.length} variants`)
      for (const server of servers) server.rounds.push(await loadFor(server, options, options.windowMs))
    }
    return servers.map((server) => rowOf(server, servers))
  } finally {
    await Promise.all(servers.map(({ child }) => stop(child)))
  }
}

/** Starts a variant and makes sure that it answers right, before it is loaded. */
export async function startServer(
  variant: Variant,
  { packageFolder, dataFolder }: Pick<HttpOptions, 'packageFolder' | 'dataFolder'>,
  nodeOptions: readonly string[] = [],
): Promise<Running> {
  const child = startNode(0, SERVER, [variant.name, packageFolder, dataFolder], nodeOptions)
  const { port, cookies } = await nextMessage<Ready>(child)
  await checkAnswers(variant, port, cookies)
  const cookieFile = join(dataFolder, `cookies-${port}`)
  writeFileSync(cookieFile, cookies.length === 0 ? '\n' : cookies.join('\n'))
  return { variant, child, port, cookieFile, rounds: [] }
}

async function checkAnswers({ name, kind }: Variant, port: number, cookies: readonly string[]): Promise<void> {
  const get = async (cookie: string | undefined) => {
    const response = await fetch(`http://127.0.0.1:${port}/`, cookie === undefined ? {} : { headers: { cookie } })
    return `${response.status} ${await response.text()}`
  }
  const expect = async (cookie: string | undefined, expected: string) => {
    const given = await get(cookie)
    if (given !== expected) throw new Error(`${name} answered '${given}', expected '${expected}'.`)
  }
  for (const index of [0, 1, cookies.length - 1]) {
    if (index >= 0) await expect(cookies[index], `200 ${answerOf(subjectOf(cookies.length && index), 4)}`)
  }
  if (kind === 'bare') return
  const refusal = '401 {"error":"unauthenticated"}'
  await expect(undefined, refusal)
  await expect(cookies[0]!.replace(/=.{12}/, '=AAAAAAAAAAAA'), refusal)
}

/** Loads one server for a window and gives what the server itself counted in it. */
export async function loadFor(server: Running, { load, rampMs }: Pick<HttpOptions, 'load' | 'rampMs'>, windowMs: number) {
  const { end } = startLoad(load, server.port, server.cookieFile)
  await sleep(rampMs)
  const from = await ask<Mark>(server.child, 'mark')
  let to = from
  // On a crowded machine a short window can pass before anything is served.
  for (let windows = 0; windows < MOST_WINDOWS && to.requests - from.requests < LEAST_REQUESTS; windows++) {
    await sleep(windowMs)
    to = await ask<Mark>(server.child, 'mark')
  }
  await end()
  const requests = to.requests - from.requests
  if (requests < LEAST_REQUESTS) throw new Error(`${server.variant.name} served ${requests} requests, which is too few.`)
  return {
    requestsPerSecond: (requests / (to.at - from.at)) * 1000,
    cpuPerRequest: (to.cpuMicroseconds - from.cpuMicroseconds) / requests,
    rss: to.rss,
  }
}

function rowOf({ variant, rounds }: Running, servers: readonly Running[]): HttpRow {
  const bare = servers.find((server) => server.variant.name === variant.bare)
  const above =
    variant.kind === 'bare' || !bare ? [] : rounds.map((round, i) => round.cpuPerRequest - bare.rounds[i]!.cpuPerRequest)
  return {
    name: variant.name,
    kind: variant.kind,
    bare: variant.bare,
    requestsPerSecond: median(rounds.map((round) => round.requestsPerSecond)),
    cpuPerRequest: median(rounds.map((round) => round.cpuPerRequest)),
    sessionCpu: above.length === 0 ? undefined : median(above),
    sessionCpuRange: above.length === 0 ? undefined : [Math.min(...above), Math.max(...above)],
    rssMb: median(rounds.map((round) => round.rss)) / 1e6,
  }
}
