/** A child process that serves one variant and tells how many requests it served at what cost. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Surroundings } from './variant.ts'
import { variantNamed } from './variants.ts'

export interface Ready {
  readonly port: number
  readonly cookies: readonly string[]
  readonly tokens: readonly string[]
  readonly spare: string | undefined
  /** After so long, ask for other cookies. */
  readonly renewAfterMs: number | undefined
}

/** Totals since the start; two of them bound a window. */
export interface Mark {
  readonly requests: number
  readonly cpuMicroseconds: number
  readonly at: number
  readonly rss: number
}

/** Questions of the bench. */
export type Question = 'mark' | 'cookies'

const [name, surroundings] = process.argv.slice(2) as [string, string]
const variant = variantNamed(name)
if (variant === undefined) throw new Error(`No variant '${name}'.`)

const { listener, cookies, tokens = [], spare, renewal } = await variant.prepare(JSON.parse(surroundings) as Surroundings)
let requests = 0
const server = createServer((req, res) => {
  requests++
  listener(req, res)
})

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const ready: Ready = { port, cookies, tokens, spare, renewAfterMs: renewal?.afterMs }
  process.send!(ready)
})

process.on('message', async (question: Question) => {
  if (question === 'cookies') {
    process.send!(await renewal!.cookies())
    return
  }
  const { user, system } = process.cpuUsage()
  const mark: Mark = { requests, cpuMicroseconds: user + system, at: performance.now(), rss: process.memoryUsage.rss() }
  process.send!(mark)
})
// An orderly end, so that --cpu-prof writes its file.
process.on('disconnect', () => process.exit(0))
