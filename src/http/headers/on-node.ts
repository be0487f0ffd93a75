/**
 * Security headers on Node's response. They are added as the headers leave and not before: setting nine costs 1.2 us, handing them
 * to `writeHead` a third of it, and only then is it known whether a nonce was asked for. All ways to send headers lead through `writeHead`.
 */
import type { IncomingMessage, ServerResponse } from '../node.ts'
import { Answering, type FlatHeaders, type HeaderPolicy } from './policy.ts'

type Method = (this: Protected, ...args: unknown[]) => unknown
type Protected = ServerResponse & { [ANSWERING]?: NodeAnswering }

const ANSWERING = Symbol('sojourn.headers')

class NodeAnswering extends Answering<IncomingMessage> {
  readonly request: IncomingMessage
  readonly original: Method
  /** Whether `original` is Node's own, which takes a flat list; a middleware's may look for an object. */
  readonly isFirst: boolean

  constructor(policy: HeaderPolicy<IncomingMessage>, request: IncomingMessage, response: Protected) {
    super(policy)
    this.request = request
    this.isFirst = !Object.hasOwn(response, 'writeHead')
    this.original = response.writeHead as unknown as Method
  }

  headers(): FlatHeaders {
    const { isSecure } = this.policy
    const { encrypted } = this.request.socket as { encrypted?: boolean }
    return this.policy.headers(isSecure === undefined ? encrypted === true : isSecure(this.request) === true, this.nonce)
  }
}

/** Sees to it that these headers are on the response, whatever sends it. A second call for one response replaces the first. */
export function protectOnNode(policy: HeaderPolicy<IncomingMessage>, request: IncomingMessage, response: ServerResponse): void {
  const target: Protected = response
  const answering = target[ANSWERING]
  if (answering !== undefined) {
    answering.policy = policy
    return
  }
  target[ANSWERING] = new NodeAnswering(policy, request, target)
  target.writeHead = writeHead as unknown as ServerResponse['writeHead']
  // The deprecated other name of writeHead (DEP0063) would go around us.
  if ('writeHeader' in target) target.writeHeader = writeHead
}

export function answeringOnNode(response: object): Answering<IncomingMessage> | undefined {
  const answering = (response as Protected)[ANSWERING]
  if (answering !== undefined) answering.isSent = (response as Protected).headersSent
  return answering
}

/** Shared by all responses: no closure a request. */
function writeHead(this: Protected, status: unknown, reason?: unknown, headers?: unknown): unknown {
  const answering = this[ANSWERING]!
  const hasPhrase = typeof reason === 'string'
  let given = framed(hasPhrase ? headers : (headers ?? reason), answering.policy)
  const set = this.getHeaderNames()
  if (set.length === 0 && !Array.isArray(given)) {
    const ours = answering.headers()
    given = answering.isFirst ? flatWith(ours, answering.policy.names, given) : objectWith(ours, answering.policy.names, given)
  } else if (!this.headersSent) {
    setMissing(this, set, answering.headers(), answering.policy)
  }
  // Without an `undefined` between: `on-headers`, below compression, looks for the headers by position.
  if (hasPhrase)
    return given === undefined
      ? answering.original.call(this, status, reason)
      : answering.original.call(this, status, reason, given)
  return given === undefined ? answering.original.call(this, status) : answering.original.call(this, status, given)
}

/** What is set already stays, and what is given to `writeHead` replaces ours: the handler knows this answer better. */
function setMissing(response: Protected, set: readonly string[], ours: FlatHeaders, policy: HeaderPolicy<IncomingMessage>): void {
  let missing = ours
  for (const name of set) {
    if (name === CSP) response.setHeader(CSP_AS_SENT, policy.withFrames(response.getHeader(name) as string | string[]))
    if (policy.names.has(name)) missing = missing.filter((_, i) => missing[i - (i % 2)]!.toLowerCase() !== name)
    else if (name === 'x-powered-by') response.removeHeader(name)
  }
  for (let i = 0; i < missing.length; i += 2) response.setHeader(missing[i]!, missing[i + 1]!)
}

const CSP = 'content-security-policy'
const CSP_AS_SENT = 'Content-Security-Policy'

/** The headers a handler gives, its own policy with what ours says of frames. */
function framed(given: unknown, policy: HeaderPolicy<IncomingMessage>): unknown {
  if (Array.isArray(given)) return given.map((item, i) => (i % 2 === 1 && isCsp(given[i - 1]) ? policy.withFrames(item) : item))
  for (const name in given as Record<string, string>) {
    if (isCsp(name)) return { ...(given as object), [name]: policy.withFrames((given as Record<string, string>)[name]!) }
  }
  return given
}

function isCsp(name: unknown): boolean {
  return typeof name === 'string' && name.length === CSP.length && name.toLowerCase() === CSP
}

function flatWith(ours: FlatHeaders, names: ReadonlySet<string>, given: unknown): unknown[] {
  const all: unknown[] = without(ours, names, given).slice()
  for (const name in given as Record<string, unknown>) all.push(name, (given as Record<string, unknown>)[name])
  return all
}

function objectWith(ours: FlatHeaders, names: ReadonlySet<string>, given: unknown): Record<string, unknown> {
  const kept = without(ours, names, given)
  const all: Record<string, unknown> = {}
  for (let i = 0; i < kept.length; i += 2) all[kept[i]!] = kept[i + 1]
  return Object.assign(all, given)
}

/** Ours but those the handler gives itself, in whatever case. */
function without(ours: FlatHeaders, names: ReadonlySet<string>, given: unknown): FlatHeaders {
  let kept = ours
  for (const name in given as Record<string, unknown>) {
    const lower = name.toLowerCase()
    if (names.has(lower)) kept = kept.filter((_, i) => kept[i - (i % 2)]!.toLowerCase() !== lower)
  }
  return kept
}
