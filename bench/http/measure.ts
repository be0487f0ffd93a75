/** Measures the variants over HTTP: all servers stay up, each is loaded in turn, several rounds, so that a slow moment hits all alike. */

import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ask, nextMessage, startNode, stop } from '../children.ts'
import { answerOf, subjectOf } from '../sample.ts'
import { median } from '../statistics.ts'
import { type LoadName, requestLine, startLoad } from './load.ts'
import type { Mark, Question, Ready } from './server.ts'
import type { Asked, Surroundings, Variant } from './variant.ts'

export interface HttpOptions extends Surroundings {
  readonly load: LoadName
  readonly rounds: number
  readonly windowMs: number
  readonly warmUpMs: number
  /**
   * From the start of the load until a window opens: all connections are up, and what the minutes since the last window undid is
   * done again: code that was thrown away is compiled, every session was asked for and renewed where that was due.
   */
  readonly rampMs: number
  readonly variants: readonly Variant[]
  readonly onProgress: (line: string) => void
}

export interface HttpRow {
  readonly name: string
  readonly kind: Variant['kind']
  readonly bare: Variant['bare']
  readonly floor: string | undefined
  readonly peers: readonly string[]
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
  readonly requestFile: string
  readonly renewAfterMs: number | undefined
  cookiesAt: number
  readonly rounds: { readonly requestsPerSecond: number; readonly cpuPerRequest: number; readonly rss: number }[]
}

const LEAST_REQUESTS = 30
const MOST_WINDOWS = 100

const SERVER = fileURLToPath(new URL('server.ts', import.meta.url))

export async function measureHttp(options: HttpOptions): Promise<HttpRow[]> {
  const servers: Running[] = []
  try {
    for (const variant of options.variants) {
      options.onProgress(`http: starting ${variant.name}`)
      const server = await startServer(variant, options)
      servers.push(server)
      // At once: a process that has served a handful of requests and then nothing for 100 s costs 25 to 30 us more on Express, for good (V8's memory reducer).
      if (options.warmUpMs > 0) await loadFor(server, options, options.warmUpMs)
    }
    for (let round = 1; round <= options.rounds; round++) {
      options.onProgress(`http: round ${round} of ${options.rounds}, ${servers.length} variants`)
      for (const server of servers) server.rounds.push(await measureOnce(server, options))
    }
    return servers.map((server) => rowOf(server, servers))
  } finally {
    await Promise.all(servers.map(({ child }) => stop(child)))
  }
}

/** Starts a variant and makes sure that it answers right, before it is loaded. */
export async function startServer(
  variant: Variant,
  { packageFolder, dataFolder, servers }: Surroundings,
  nodeOptions: readonly string[] = [],
): Promise<Running> {
  const surroundings: Surroundings = { packageFolder, dataFolder, servers }
  const child = startNode(0, SERVER, [variant.name, JSON.stringify(surroundings)], nodeOptions)
  const ready = await nextMessage<Ready>(child).catch((cause: Error) => {
    throw new Error(`${variant.name}: ${cause.message}`, { cause })
  })
  try {
    await checkAnswers(variant, ready)
  } catch (error) {
    // Whoever goes on without this one would wait for it at the end.
    await stop(child)
    throw error
  }
  const { port, renewAfterMs } = ready
  const requestFile = join(dataFolder, `requests-${port}`)
  writeRequests(requestFile, variant, ready)
  return { variant, child, port, requestFile, renewAfterMs, cookiesAt: performance.now(), rounds: [] }
}

/** How a browser asks that is told nothing else. */
const PLAIN: Asked = { method: 'GET', headers: {} }

function writeRequests(file: string, { asked = PLAIN }: Variant, { cookies, tokens }: Pick<Ready, 'cookies' | 'tokens'>): void {
  const lines = cookies.map((cookie, index) => requestLine({ ...asked, headers: headersOf(asked, cookie, tokens[index]) }))
  writeFileSync(file, `${(lines.length === 0 ? [requestLine(asked)] : lines).join('\n')}\n`)
}

function headersOf({ headers }: Asked, cookie: string | undefined, token?: string): Record<string, string> {
  return { ...headers, ...(cookie !== undefined && { Cookie: cookie }), ...(token !== undefined && { 'X-CSRF-Token': token }) }
}

async function renewCookies(server: Running): Promise<void> {
  if (server.renewAfterMs === undefined || performance.now() - server.cookiesAt < server.renewAfterMs) return
  const cookies = await ask<readonly string[]>(server.child, 'cookies' satisfies Question)
  writeRequests(server.requestFile, server.variant, { cookies, tokens: [] })
  server.cookiesAt = performance.now()
}

async function checkAnswers({ name, kind, asked = PLAIN, proofs = [] }: Variant, ready: Ready): Promise<void> {
  const { port, cookies, tokens, spare } = ready
  const expect = async (cookie: string | undefined, expected: string, token = tokens[0]) => {
    const { status, body } = await send(port, asked.method, headersOf(asked, cookie, token))
    const given = `${status} ${body}`
    if (given !== expected) throw new Error(`${name} answered '${given}', expected '${expected}'.`)
  }
  for (const index of [0, 1, cookies.length - 1]) {
    if (index >= 0) await expect(cookies[index], `200 ${answerOf(subjectOf(cookies.length && index), 4)}`, tokens[index])
  }
  if (spare !== undefined) await send(port, 'GET', headersOf(asked, spare))
  for (const proof of proofs) {
    const { status, headers } = await send(port, asked.method, { ...headersOf(asked, spare ?? cookies[0]), ...proof.headers })
    if (status !== proof.status || (proof.has !== undefined && headers[proof.has] === undefined))
      throw new Error(`${name} answered ${status} to ${JSON.stringify(proof)}: the protection is not on.`)
  }
  // Who has no session has no token either, and is refused by other words.
  if (kind === 'bare' || tokens.length > 0) return
  const refusal = '401 {"error":"unauthenticated"}'
  await expect(undefined, refusal)
  await expect(cookies[0]!.replace(/=.{12}/, '=AAAAAAAAAAAA'), refusal)
  await expect(tampered(cookies[0]!), refusal)
}

interface Answer {
  readonly status: number | undefined
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

function send(port: number, method: string, given: Readonly<Record<string, string | undefined>>): Promise<Answer> {
  const headers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: '127.0.0.1', method, headers, agent: false }, async (response) => {
      resolve({ status: response.statusCode, headers: response.headers, body: await text(response) })
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}

/** One character in the middle of the first cookie is another. */
function tampered(cookie: string): string {
  const end = cookie.indexOf(';') === -1 ? cookie.length : cookie.indexOf(';')
  const middle = Math.floor((cookie.indexOf('=') + end) / 2)
  return cookie.slice(0, middle) + (cookie[middle] === 'A' ? 'B' : 'A') + cookie.slice(middle + 1)
}

/** A run of ten minutes does not end because one server once waited too long for the others on this machine; twice is a defect. */
async function measureOnce(server: Running, options: HttpOptions): Promise<Running['rounds'][number]> {
  try {
    return await loadFor(server, options, options.windowMs)
  } catch (error) {
    options.onProgress(`http: ${server.variant.name} is loaded once more: ${(error as Error).message}`)
    return loadFor(server, options, options.windowMs)
  }
}

/** Loads one server for a window and gives what the server itself counted in it. */
export async function loadFor(server: Running, { load, rampMs }: Pick<HttpOptions, 'load' | 'rampMs'>, windowMs: number) {
  await renewCookies(server)
  const { end } = startLoad(load, server.port, server.requestFile)
  await sleep(rampMs)
  const from = await ask<Mark>(server.child, 'mark' satisfies Question)
  let to = from
  // On a crowded machine a short window can pass before anything is served.
  for (let windows = 0; windows < MOST_WINDOWS && to.requests - from.requests < LEAST_REQUESTS; windows++) {
    await sleep(windowMs)
    to = await ask<Mark>(server.child, 'mark' satisfies Question)
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
    floor: variant.floor,
    peers: variant.peers ?? [],
    requestsPerSecond: median(rounds.map((round) => round.requestsPerSecond)),
    cpuPerRequest: median(rounds.map((round) => round.cpuPerRequest)),
    sessionCpu: above.length === 0 ? undefined : median(above),
    sessionCpuRange: above.length === 0 ? undefined : [Math.min(...above), Math.max(...above)],
    rssMb: median(rounds.map((round) => round.rss)) / 1e6,
  }
}
