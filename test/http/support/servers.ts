import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, request as tlsRequest } from 'node:https'
import type { AddressInfo, LookupFunction } from 'node:net'
import { onTestFinished } from 'vitest'
import { selfSignedCertificate } from './certificate.ts'

export type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

let certificate: ReturnType<typeof selfSignedCertificate> | undefined

/** A certificate for localhost, made once a test file. */
export function testCertificate(): ReturnType<typeof selfSignedCertificate> {
  certificate ??= selfSignedCertificate()
  return certificate
}

/** Starts a server on a free port; it ends with the test. Gives its origin. */
export async function serve(listener: Listener, options: { tls?: boolean } = {}): Promise<string> {
  const accept = (req: IncomingMessage, res: ServerResponse) => void listener(req, res)
  // A session's cookies may be as large as a browser sends; 64 KB of them is one of the tests.
  const server = options.tls
    ? createTlsServer({ ...testCertificate(), maxHeaderSize: 1 << 18 }, accept)
    : createServer({ maxHeaderSize: 1 << 18 }, accept)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return `${options.tls ? 'https' : 'http'}://localhost:${port}`
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  /** Each header line, in order, with lower-case names: duplicates show. */
  lines: [string, string][]
  setCookies: string[]
  body: string
}

export interface Ask {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string
  /** Address of this machine to come from: all of 127.0.0.0/8 are its own. */
  from?: string
}

/** One request over a connection of its own, nothing followed and nothing stored. */
export function ask(url: string, { method = 'GET', headers = {}, body, from }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? tlsRequest : request
    const outgoing = send(url, { method, headers, agent: false, rejectUnauthorized: false, lookup: loopback, localAddress: from })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const { statusCode, headers, rawHeaders } = incoming
        const lines = rawHeaders.flatMap((name, i): [string, string][] =>
          i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1]!]] : [],
        )
        const setCookies = lines.filter(([name]) => name === 'set-cookie').map(([, line]) => line)
        resolve({ status: statusCode!, headers, lines, setCookies, body: Buffer.concat(chunks).toString() })
      })
    })
    outgoing.end(body)
  })
}

/** Every name is this machine, so that tests can use hosts with parents and paths. */
const loopback: LookupFunction = (_name, { all }, found) => {
  if (all) found(null, [{ address: '127.0.0.1', family: 4 }])
  else found(null, '127.0.0.1', 4)
}
