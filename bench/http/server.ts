/** A child process that serves one variant and tells how many requests it served at what cost. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { VARIANTS } from './variants.ts'

export interface Ready {
  readonly port: number
  readonly cookies: readonly string[]
}

/** Totals since the start; two of them bound a window. */
export interface Mark {
  readonly requests: number
  readonly cpuMicroseconds: number
  readonly at: number
  readonly rss: number
}

const [name, packageFolder, dataFolder] = process.argv.slice(2)
const variant = VARIANTS.find((candidate) => candidate.name === name)
if (variant === undefined || packageFolder === undefined || dataFolder === undefined) throw new Error(`No variant '${name}'.`)

const { listener, cookies } = await variant.prepare({ packageFolder, dataFolder })
let requests = 0
const server = createServer((req, res) => {
  requests++
  listener(req, res)
})

server.listen(0, '127.0.0.1', () => {
  const ready: Ready = { port: (server.address() as AddressInfo).port, cookies }
  process.send!(ready)
})

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  const mark: Mark = { requests, cpuMicroseconds: user + system, at: performance.now(), rss: process.memoryUsage.rss() }
  process.send!(mark)
})
// An orderly end, so that --cpu-prof writes its file.
process.on('disconnect', () => process.exit(0))
