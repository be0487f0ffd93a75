/** What a variant is: a request handler in front of the same answer as all others, and the cookies of the sessions it holds. */
import { createServer, get, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerOf, type SampleData, SESSIONS, sampleData, subjectOf } from '../sample.ts'
import type { Engine, StoreServers } from '../servers.ts'

/** A server to load. */
export interface Prepared {
  readonly listener: RequestListener
  /** `Cookie` headers of live sessions; the n-th belongs to `subjectOf(n)`. None for a bare server. */
  readonly cookies: readonly string[]
  /** For sessions that a browser would have got a new cookie for meanwhile: the load never takes one. */
  readonly renewal?: Renewal
}

export interface Renewal {
  readonly afterMs: number
  readonly cookies: () => Promise<readonly string[]>
}

/** Handed to a variant's process. */
export interface Surroundings {
  /** Folder of the compiled package. */
  readonly packageFolder: string
  /** Folder for database files. */
  readonly dataFolder: string
  readonly servers: StoreServers
}

/** `local`: the sessions are in the process or in its file. `distributed`: in a server, in the cookie, or copied from a server. */
export const GROUPS = ['local', 'distributed'] as const
export type Group = (typeof GROUPS)[number]

export interface Variant {
  readonly name: string
  /** What its session cost is counted above. */
  readonly bare: 'node:http' | 'express' | 'fastify' | 'koa'
  /** A floor is written by hand for this bench and has no more than the look-up. */
  readonly kind: 'bare' | 'floor' | 'sojourn' | 'peer'
  readonly groups: readonly Group[]
  /** Servers that must run. */
  readonly engines?: readonly Engine[]
  /** It needs what `bench/peers` installs. */
  readonly needsPeers?: boolean
  /** Name of the floor that does the same. */
  readonly floor?: string
  /** Names of the peers that do the same; the cheapest of them is what counts. */
  readonly peers?: readonly string[]
  readonly prepare: (surroundings: Surroundings) => Promise<Prepared>
}

export const ITEMS = sampleData().basket.length
export const indices = Array.from({ length: SESSIONS }, (_, index) => index)

/** A session as libraries keep it that have no place of their own for the subject. */
export type PeerData = SampleData & { user?: string }

export const peerData = (index: number): PeerData => ({ user: subjectOf(index), ...sampleData() })

/** Status and body that every variant answers with. */
export function answerFor(subject: string | undefined, items = ITEMS): { readonly status: 200 | 401; readonly body: string } {
  return subject === undefined
    ? { status: 401, body: '{"error":"unauthenticated"}' }
    : { status: 200, body: answerOf(subject, items) }
}

export function answer(res: ServerResponse, subject: string | undefined, items?: number): void {
  const { status, body } = answerFor(subject, items)
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length })
  res.end(body)
}

const SIGN_IN = '/sign-in/'

/** The route by which a peer's sessions are begun. */
export const SIGN_IN_ROUTE = `${SIGN_IN}:index`

/** The person who signs in with this request, if it is one to do so. */
export function signingIn(url: string | undefined): number | undefined {
  return url?.startsWith(SIGN_IN) ? Number(url.slice(SIGN_IN.length)) : undefined
}

/** Signs everybody in through the peer's own door: its cookies are then what a browser would hold. */
export async function signInAll(listener: RequestListener): Promise<string[]> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const cookies: string[] = []
  for (const index of indices) cookies.push(await cookieOf(`http://127.0.0.1:${port}${SIGN_IN}${index}`))
  server.closeAllConnections()
  server.close()
  return cookies
}

function cookieOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      const pairs = (response.headers['set-cookie'] ?? []).map((line) => line.slice(0, line.indexOf(';')))
      response.resume()
      response.once('end', () => {
        if (response.statusCode === 200 && pairs.length > 0) resolve(pairs.join('; '))
        else reject(new Error(`Signing in was answered with ${response.statusCode} and ${pairs.length} cookies.`))
      })
    }).once('error', reject)
  })
}
