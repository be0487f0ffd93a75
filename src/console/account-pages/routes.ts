/**
 * Which path answers what. Whoever is not wholly signed in is nobody here: the adapter is told by `AssuranceError` and sends them to sign in. Changes are POSTs, after a
 * page that says what will end, and need a recent proof (ASVS 5.0, 7.5.2); so does that page, so that the person comes back to the question and not to a lost form.
 */
import type { Session } from '../../core/session.ts'
import { isSessionId } from '../../core/token.ts'
import { disown, endOne } from './acts.ts'
import { confirmManyPage, confirmNotMePage, confirmOnePage, securedPage, unmarkedPage, type Which } from './asking-pages.ts'
import type { AccountPage, AccountPaths, View } from './bits.ts'
import { homePage, type Told } from './home-page.ts'
import { askNotice, doNotice, showNoticed } from './notice.ts'
import { activityOf, isInLog, overviewOf } from './overview.ts'
import { frameOf, type PathRoutes, type RouteAnswer, type RouteContext, type RouteRequest } from './route.ts'

/** Routes by path, then method. */
export function routesOf(
  { home, end, notMe, secured, notice, noticed }: AccountPaths,
  hasNotices: boolean,
): ReadonlyMap<string, PathRoutes> {
  return new Map<string, PathRoutes>([
    [home, { GET: showHome }],
    [end, { GET: askToEnd, POST: doEnd }],
    [notMe, { GET: askNotMe, POST: doNotMe }],
    [secured, { GET: showSecured }],
    ...(hasNotices
      ? [
          [notice, { GET: askNotice, POST: doNotice, isForAll: true }] as const,
          [noticed, { GET: showNoticed, isForAll: true }] as const,
        ]
      : []),
  ])
}

const TOLD: readonly Told[] = ['one', 'others', 'gone', 'here']

async function showHome(context: RouteContext, { session, query }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance()
  const view = await viewOf(context, session)
  const { audit } = context.settings
  const lines = await activityOf(audit, session, view.overview)
  return page(
    homePage(
      view,
      lines,
      audit !== undefined,
      TOLD.find((told) => told === query.get('done')),
    ),
  )
}

async function askToEnd(context: RouteContext, { session, query }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance()
  const which = whichOf(query)
  const id = query.get('id')
  if (which === undefined && id === session.id) {
    const view = await viewOf(context, session)
    const here = view.overview.devices.find(({ isCurrent }) => isCurrent)
    // It may have ended while this request was on its way.
    return here === undefined ? { location: context.paths.home } : page(confirmOnePage(view, here))
  }
  session.requireAssurance(context.settings.requirement)
  const view = await viewOf(context, session)
  const { overview, paths } = view
  if (which === 'others' ? !overview.canEndOthers : which === 'all' && !overview.canEndAll) return { location: paths.home }
  if (which !== undefined) return page(confirmManyPage(view, which))
  const device = view.overview.devices.find((one) => one.id === id)
  return device === undefined ? told(context, 'gone') : page(confirmOnePage(view, device))
}

async function doEnd({ service, settings, paths }: RouteContext, { session, query: form }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance()
  const which = whichOf(form)
  const id = form.get('id') ?? ''
  if (which === undefined && id === session.id) {
    await session.signOut()
    return { location: settings.signedOutPage }
  }
  session.requireAssurance(settings.requirement)
  const { revokesSubjects, carries } = service.config.store.capabilities
  // The page does not offer what the store cannot do; whoever asks all the same is shown the page.
  if (which === undefined ? carries !== undefined : !revokesSubjects) return { location: paths.home }
  if (which !== undefined) {
    await session.revokeOthers()
    if (which === 'others') return told({ paths }, 'others')
    await session.signOut()
    return { location: settings.signedOutPage }
  }
  return told({ paths }, await endOne(session, id))
}

async function askNotMe(context: RouteContext, { session, query }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance(context.settings.requirement)
  const id = idOf(query)
  if (id === session.id) return told(context, 'here')
  const view = await viewOf(context, session)
  return page(
    confirmNotMePage(
      view,
      id,
      view.overview.devices.find((one) => one.id === id),
    ),
  )
}

async function doNotMe(context: RouteContext, { session, query: form }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance(context.settings.requirement)
  const id = idOf(form)
  const outcome = await disown(context, session, id, (asked) => isInLog(context.settings.audit, session.subject!, asked))
  if (outcome === 'here') return told(context, 'here')
  if (outcome !== 'unmarked') return { location: context.paths.secured }
  return { status: 503, page: unmarkedPage(await viewOf(context, session), id) }
}

async function showSecured(context: RouteContext, { session }: RouteRequest): Promise<RouteAnswer> {
  session.requireAssurance()
  return page(securedPage(await viewOf(context, session)))
}

async function viewOf(context: RouteContext, session: Session<unknown>): Promise<View> {
  return { ...frameOf(context, session), overview: await overviewOf(context.service, session, context.settings.place) }
}

function whichOf(given: URLSearchParams): Which | undefined {
  const which = given.get('which')
  return which === 'others' || which === 'all' ? which : undefined
}

/** An id that none can be is treated as no id: the person said all the same that something was not them. */
function idOf(given: URLSearchParams): string | undefined {
  const id = given.get('id')
  return id !== null && isSessionId(id) ? id : undefined
}

function page(shown: AccountPage): RouteAnswer {
  return { status: 200, page: shown }
}

function told({ paths }: Pick<RouteContext, 'paths'>, what: Told): RouteAnswer {
  return { location: `${paths.home}?done=${what}` }
}
