/**
 * The person's own page: where they are signed in, what happened lately, and a way to end any of it, or to say that it was not them. Rendered on the server, without script; it shows and
 * ends sessions of the one person who asks (ASVS 5.0, 7.4.3, 7.5.2).
 */
import process from 'node:process'
import type { CsrfRule } from '../core/errors.ts'
import { serviceOf } from '../core/service.ts'
import type { Sessions } from '../core/sessions.ts'
import type { AccountPaths } from './account-pages/bits.ts'
import { documentOf, headersOf, refusalPage, stylesAnswer, stylesPath } from './account-pages/document.ts'
import { type AccountPagesOptions, accountSettings } from './account-pages/options.ts'
import type { RouteAnswer, RouteContext } from './account-pages/route.ts'
import { routesOf } from './account-pages/routes.ts'
import { checkRendererInstalled } from './html.ts'
import { type Mounted, mount, type PageAnswer, type PageRequest } from './mount.ts'
import { originCheck } from './origin.ts'

export type { ActivityEntry } from './account-pages/activity.ts'
export type { NotMe } from './account-pages/acts.ts'
export type { AccountNotice, NoticeFound, NoticeOutcome } from './account-pages/notice.ts'
export type { AccountDocument, AccountLayout, AccountPagesOptions, AccountPart } from './account-pages/options.ts'
export type { AccountAudit, ListedSession } from './account-pages/overview.ts'
export { type AccountWords, accountWords } from './account-pages/words.ts'

/** Pages of a person's own account. */
export interface AccountPages<Data> extends Mounted<Data> {
  /** Where they are. */
  readonly path: string
}

/**
 * Makes the pages on which a person sees where they are signed in, and ends it.
 *
 * Mount them inside your session middleware, in front of your own routes. Ending anything but the session in use needs a recent proof: give the adapter a `stepUpPage` (`sojourn/stepup`
 * does) or a `signInPage`, or the person meets a bare 401. With a store that cannot list sessions the page shows the one in use, and ends the others where the store can.
 *
 * @param sessions - The service, from `createSessions`.
 * @param options - See `AccountPagesOptions`; all of them have a default.
 * @returns `node` and `web`, which answer requests at `path` and below it, and nothing else.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option that is not usable, or a package that is not installed.
 * @see ASVS 5.0, 7.4.3, 7.5.2; OWASP Session Management Cheat Sheet
 * @example
 * const account = accountPages(sessions, { words: { product: 'Shop' }, passwordPage: '/password', onNotMe: ({ subject }) => people.askForNewPassword(subject) })
 * app.use(async (req, res, next) => { if (!(await account.node(req, res, req.session))) next() })
 */
export function accountPages<Data>(sessions: Sessions<Data>, options: AccountPagesOptions = {}): AccountPages<Data> {
  const service = serviceOf(sessions)
  const settings = accountSettings(options)
  checkRendererInstalled()
  if (settings.isLowered) service.events.emit({ type: 'safety.lowered', option: 'accountPages.requirement' })
  const { path } = settings
  const paths: AccountPaths = {
    home: path,
    end: `${path}/end`,
    notMe: `${path}/not-me`,
    secured: `${path}/next-steps`,
    notice: `${path}/notice`,
    noticed: `${path}/notice/next-steps`,
    styles: `${path}/${stylesPath}`,
  }
  const routes = routesOf(paths, settings.notice !== undefined)
  const judge = originCheck(sessions)
  const context: RouteContext = {
    sessions,
    service,
    settings,
    paths,
    onNotMe: settings.onNotMe,
    warn: (error) => process.emitWarning(error),
  }

  async function answer(request: PageRequest): Promise<PageAnswer> {
    const { method, session, query } = request
    const asked = request.path === '/' ? path : path + request.path
    if (asked === `${path}/account.css`) return stylesAnswer(method)
    const route = routes.get(asked)
    if (route === undefined) return refused(404, 'nothing')
    if (method === 'GET' && route.GET !== undefined) return dressed(await route.GET(context, { session, query }), session.subject)
    if (method !== 'POST' || route.POST === undefined) return refused(405, 'nothing', { Allow: Object.keys(route).join(', ') })
    // Whoever is nobody has no page of these that they could come from: they are sent to sign in, not told off.
    if (route.isForAll !== true) session.requireAssurance()
    const form = (await request.form()) ?? new URLSearchParams()
    const rule = judge(request.facts, form, session)
    // Nobody can have a link's secret put into a form who does not know it, and who knows it needs nobody's browser.
    const isExcused = route.isForAll === true && (rule === 'token-missing' || rule === 'token-wrong')
    if (rule !== undefined && !isExcused) return forged(rule)
    return dressed(await route.POST(context, { session, query: form }), session.subject)
  }

  function forged(rule: CsrfRule): Promise<PageAnswer> {
    service.events.emit({ type: 'csrf.refused', rule, isReportOnly: false })
    return refused(403, 'forged')
  }

  async function refused(
    status: number,
    why: 'nothing' | 'forged',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<PageAnswer> {
    const body = await documentOf(refusalPage(settings.words, paths, why), settings, paths, undefined)
    return { status, headers: { ...body.headers, ...headers }, body: body.html }
  }

  async function dressed(given: RouteAnswer, subject: string | undefined): Promise<PageAnswer> {
    if ('location' in given) return { status: 303, headers: { ...headersOf(), Location: given.location }, body: '' }
    const { html, headers } = await documentOf(given.page, settings, paths, given.isBare ? undefined : subject)
    return { status: given.status, headers, body: html }
  }

  return { path, ...mount<Data>(path, answer) }
}
