/** What a path of the pages is answered with, and from what. */
import type { Session } from '../../core/session.ts'
import type { ActContext } from './acts.ts'
import type { AccountPage, AccountPaths, Frame } from './bits.ts'
import type { AccountSettings } from './options.ts'

/** What the routes work with. */
export interface RouteContext extends ActContext {
  readonly settings: AccountSettings
  readonly paths: AccountPaths
}

/** A request to one of the paths. */
export interface RouteRequest {
  /** The URL's query, or the form that was posted. */
  readonly query: URLSearchParams
  readonly session: Session<unknown>
}

/** A page, or where to go. `isBare`: it stands alone, whoever asks; the layout says whose page it is, and this is nobody's. */
export type RouteAnswer =
  | { readonly status: number; readonly page: AccountPage; readonly isBare?: boolean }
  | { readonly location: string }

export type Route = (context: RouteContext, request: RouteRequest) => Promise<RouteAnswer>

/** A path's routes by method. */
export interface PathRoutes {
  readonly GET?: Route
  readonly POST?: Route
  /** Whether who is not signed in may ask, because a secret in the link says enough. */
  readonly isForAll?: boolean
}

export function frameOf({ service, settings, paths }: RouteContext, session: Session<unknown>): Frame {
  const { words, passwordPage, onNotMe } = settings
  return { now: service.config.clock(), words, paths, session, passwordPage, marks: onNotMe !== undefined }
}
