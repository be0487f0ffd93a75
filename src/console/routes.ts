/** Which address shows which page, and which change is made where. */
import type { Change, ConsoleContext, Show } from './context.ts'
import { showAnomalies } from './pages/anomalies-page.ts'
import { retryDeliveries, showApplications } from './pages/applications-page.ts'
import { showAudit, verifyAudit } from './pages/audit-page.ts'
import { showKeys } from './pages/keys-page.ts'
import { askToEndMatching, endMatching } from './pages/matching-page.ts'
import { showOverview } from './pages/overview-page.ts'
import { askToEndAll, endAll, showPerson } from './pages/people-page.ts'
import { showPolicy } from './pages/policy-page.ts'
import { askToEnd, endSession, showSession } from './pages/session-page.ts'
import { showSessions } from './pages/sessions-page.ts'

/** What is at one address. */
export interface Route {
  /** Segments of the path; `*` stands for one that names something. */
  readonly path: string
  readonly show?: Show
  readonly change?: Change
  /** Its name in the menu, where it is there. */
  readonly name?: string
}

/** Those that there is something behind. */
export function routesOf({ audit, hub }: ConsoleContext): readonly Route[] {
  return [
    { path: '', show: showOverview, name: 'Overview' },
    { path: '/sessions', show: showSessions, name: 'Sessions' },
    { path: '/sessions/end-matching', show: askToEndMatching, change: endMatching },
    { path: '/sessions/*', show: showSession },
    { path: '/sessions/*/end', show: askToEnd, change: endSession },
    { path: '/people', show: showPerson, name: 'People' },
    { path: '/people/end', show: askToEndAll, change: endAll },
    { path: '/anomalies', show: showAnomalies, name: 'Anomalies' },
    ...(audit?.search === undefined ? [] : [{ path: '/audit', show: showAudit, name: 'Audit log' }]),
    ...(audit?.search === undefined || audit.verify === undefined ? [] : [{ path: '/audit/verify', change: verifyAudit }]),
    ...(hub === undefined ? [] : [{ path: '/applications', show: showApplications, name: 'Applications' }]),
    ...(hub?.retry === undefined ? [] : [{ path: '/applications/retry', change: retryDeliveries }]),
    { path: '/policy', show: showPolicy, name: 'Policy' },
    { path: '/keys', show: showKeys, name: 'Keys' },
  ]
}

/** The route of a path, and what its stars stand for; `undefined` where nothing is. */
export function match(
  routes: readonly Route[],
  path: string,
): { readonly route: Route; readonly named: readonly string[] } | undefined {
  const segments = (path === '/' ? '' : path).split('/')
  for (const route of routes) {
    const pattern = route.path.split('/')
    if (pattern.length !== segments.length) continue
    const isMatch = pattern.every((part, index) => part === segments[index] || (part === '*' && segments[index] !== ''))
    if (isMatch) return { route, named: segments.filter((_, index) => pattern[index] === '*').map(decoded) }
  }
  return undefined
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
