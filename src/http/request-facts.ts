import type { SojournError } from '../core/errors.ts'
import type { Notes } from '../core/record.ts'
import type { ReadContext } from '../core/unit-of-work.ts'

/**
 * What policy may know of a request, whatever it came in as. Each framework's request gets one small class that answers these
 * from the request itself, when asked: nothing is copied for a request that nobody asks about.
 */
export interface RequestFacts {
  /** Whether this hop is TLS. */
  readonly isEncrypted: boolean
  /** Address of the other end of this hop; `undefined` where the platform hides it. */
  readonly peer: string | undefined
  /** The client's address as the application tells it, where `peer` is hidden. */
  readonly statedAddress?: string | undefined
  /** In capitals. */
  readonly method: string
  /** What the client sent, where something in front of us made `method` of it. */
  readonly sentMethod?: string | undefined
  /** Host the client asked for, without port; IPv6 in brackets. Not trusted. */
  readonly host: string | undefined
  /** The same with its port, where it said one. */
  readonly authority: string | undefined
  /** Path of the URL, without query. Not trusted. */
  readonly path: string
  /** Path and query as the client asked for them, where the adapter can tell. Not trusted. */
  readonly target?: string
  /** One header by its lower-case name, several of them joined as HTTP joins them. */
  header(name: string): string | undefined
}

/** Facts together with the request they are of, which options such as `isActivity` are asked about. */
export interface NativeFacts<Native> extends RequestFacts {
  readonly request: Native
}

/** What core is told of a request. It asks for the device and for the refusal only when a session starts. */
export interface HttpContext extends ReadContext {
  notesAtStart(subject: string | undefined): Notes | undefined
  /** Why no session may start for this request; `undefined` when one may. */
  startRefusal(): SojournError | undefined
}

/** The host of a `Host` header, without port; brackets of IPv6 kept. */
export function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':')
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon)
}

/**
 * Path and query of a request's target. Clients of proxies ask with the whole URL (RFC 9112, 3.2.2), and routers serve that like the path in
 * it; its host decides nothing.
 */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const authority = /^https?:\/\/[^/?#]*/i.exec(target)
  const path = authority === null ? '' : target.slice(authority[0].length)
  return path.startsWith('/') ? path : `/${path.startsWith('?') ? path : ''}`
}
