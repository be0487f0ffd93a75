/** What a variant is: a request handler in front of the same answer as all others, and the cookies of the sessions it holds. */
import { createServer, get, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { answerOf, type SampleData, SESSIONS, sampleData, subjectOf } from '../sample.ts'
import type { Engine, StoreServers } from '../servers.ts'

/** A server to load. */
export interface Prepared {
  readonly listener: RequestListener
  /** `Cookie` headers of live sessions; the n-th belongs to `subjectOf(n)`. None for a bare server. */
  readonly cookies: readonly string[]
  /** What the n-th browser sends as `x-csrf-token`. */
  readonly tokens?: readonly string[]
  /** `Cookie` header of a session that is never loaded: a proof may end it. */
  readonly spare?: string
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

/**
 * `local`: the sessions are in the process or in its file. `distributed`: in a server, in the cookie, or copied from a server.
 * `protections`: what stands around a session, above the same session without.
 */
export const GROUPS = ['local', 'distributed', 'protections'] as const
export type Group = (typeof GROUPS)[number]

/** What each request of the load is, beside its cookie. */
export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
}

/** Shows that a protection is on, so that no row measures one that does nothing. */
export interface Proof {
  /** In place of the load's; `undefined` leaves one out. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly status: number
  /** A header that the answer must have. */
  readonly has?: string
}

export interface Variant {
  readonly name: string
  /** Name of the variant above which its cost is counted. */
  readonly bare: string
  /** Default: GET with no header but the cookie. */
  readonly asked?: Asked
  readonly proofs?: readonly Proof[]
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

/** Answers with the token that a browser sends as `x-csrf-token`. */
export const TOKEN_ROUTE = '/csrf-token'

const SIGN_IN = '/sign-in/'

/** The route by which a peer's sessions are begun. */
export const SIGN_IN_ROUTE = `${SIGN_IN}:index`

/** The person who signs in with this request, if it is one to do so. */
export function signingIn(url: string | undefined): number | undefined {
  return url?.startsWith(SIGN_IN) ? Number(url.slice(SIGN_IN.length)) : undefined
}

/** Signs everybody in through the peer's own door: its cookies are then what a browser would hold. */
export async function signInAll(listener: RequestListener): Promise<string[]> {
  return asking(listener, async (url) => {
    const cookies: string[] = []
    for (const index of indices) {
      const { pairs } = await visit(`${url}${SIGN_IN}${index}`)
      if (pairs.length === 0) throw new Error('Signing in was answered without a cookie.')
      cookies.push(pairs.join('; '))
    }
    return cookies
  })
}

/** Asks for everybody's token; what cookie comes with it is kept, as a browser does. */
export async function tokensFor(
  listener: RequestListener,
  given: readonly string[],
): Promise<{ cookies: string[]; tokens: string[] }> {
  return asking(listener, async (url) => {
    const [cookies, tokens]: [string[], string[]] = [[], []]
    for (const cookie of given) {
      const { pairs, body } = await visit(`${url}${TOKEN_ROUTE}`, cookie)
      cookies.push([cookie, ...pairs].join('; '))
      tokens.push(body)
    }
    return { cookies, tokens }
  })
}

async function asking<T>(listener: RequestListener, ask: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const result = await ask(`http://127.0.0.1:${port}`)
  server.closeAllConnections()
  server.close()
  return result
}

function visit(url: string, cookie?: string): Promise<{ readonly pairs: string[]; readonly body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: cookie === undefined ? {} : { cookie } }, async (response) => {
      const pairs = (response.headers['set-cookie'] ?? []).map((line) => line.slice(0, line.indexOf(';')))
      const body = await text(response)
      if (response.statusCode === 200) resolve({ pairs, body })
      else reject(new Error(`${url} was answered with ${response.statusCode}.`))
    }).once('error', reject)
  })
}
