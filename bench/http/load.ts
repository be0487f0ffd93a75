/**
 * Loads a server over kept-alive connections of the loopback, each with one request in flight: by wrk where it is installed, else by
 * this file as a child process of its own. How many requests were served is counted by the server.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { startNode, startProgram } from '../children.ts'
import type { Asked } from './variant.ts'

export const CONNECTIONS = 32

export type LoadName = 'wrk' | 'own'

const LONGEST_LOAD = '600s'

export function hasWrk(): boolean {
  return spawnSync('wrk', ['--version']).error === undefined
}

/** A request as the file of requests has it: the method and each header, with tabs between. */
export function requestLine({ method, headers }: Asked): string {
  return [method, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\t')
}

/** Starts loading, with the requests of a file in turn. `end` resolves when the load has stopped, and rejects if any answer was not a 200. */
export function startLoad(loadName: LoadName, port: number, requestFile: string): { readonly end: () => Promise<void> } {
  const script = fileURLToPath(new URL('load.lua', import.meta.url))
  const url = `http://127.0.0.1:${port}/`
  const child =
    loadName === 'wrk'
      ? startProgram(1, 'wrk', ['-t1', `-c${CONNECTIONS}`, `-d${LONGEST_LOAD}`, '-s', script, url, '--', requestFile], false)
      : startNode(1, import.meta.filename, [String(port), requestFile])
  const output = text(child.stdout!)
  return {
    async end() {
      const exit = once(child, 'exit')
      child.kill('SIGINT')
      await exit
      const said = await output
      if (/Non-2xx|Socket errors|Refused/.test(said)) throw new Error(`The load met answers that are not 200:\n${said}`)
    },
  }
}

if (import.meta.main) runOwnLoad(Number(process.argv[2]), process.argv[3]!)

function runOwnLoad(port: number, requestFile: string): void {
  const requests = readFileSync(requestFile, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [method, ...headers] = line.split('\t')
      if (method === 'POST') headers.push('Content-Length: 0')
      return Buffer.from([`${method} / HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...headers, '', ''].join('\r\n'))
    })
  let at = 0
  let refused = 0
  const OK = 'HTTP/1.1 200'

  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let answerLength = 0
    let received = 0
    const next = () => {
      at = (at + 1) % requests.length
      socket.write(requests[at]!)
    }
    socket.on('connect', next)
    socket.on('data', (chunk) => {
      if (received === 0 && chunk.toString('latin1', 0, OK.length) !== OK) refused++
      // Every answer of a variant is as long as its first.
      if (answerLength === 0) answerLength = lengthOf(chunk)
      received += chunk.length
      if (received < answerLength) return
      received = 0
      next()
    })
    socket.on('error', () => {
      refused++
    })
  }
  process.on('SIGINT', () => {
    if (refused > 0) console.log(`Refused: ${refused}`)
    process.exit(0)
  })
}

function lengthOf(answer: Buffer): number {
  const head = answer.indexOf('\r\n\r\n') + 4
  const length = /\r\ncontent-length: (\d+)/i.exec(answer.toString('latin1', 0, head))?.[1]
  if (head === 3 || length === undefined) throw new Error('The first answer has no Content-Length.')
  return head + Number(length)
}
