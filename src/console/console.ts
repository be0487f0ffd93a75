/**
 * The operators' console: who is signed in, what happened, what is refused and why, and the way to end any of it. Pages are made on the server, work without script, and load nothing from
 * elsewhere.
 */
import type { Requirement } from '../core/assurance.ts'
import { serviceOf } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import { type Allows, isLetIn, requirementOf } from './access.ts'
import { assetsOf } from './assets.ts'
import type { ConsoleAudit } from './audit.ts'
import type { ConsoleContext, Visit } from './context.ts'
import { checkRendererInstalled, html } from './html.ts'
import { invalidConsole } from './invalid.ts'
import { liveStreams } from './live.ts'
import { checkedPath, type Mounted, mount, type PageAnswer, type PageRequest } from './mount.ts'
import type { ConsoleHub, ConsoleTokens } from './neighbours.ts'
import { originCheck } from './origin.ts'
import { match, type Route, routesOf } from './routes.ts'
import { SCRIPT } from './script.ts'
import { watchEvents } from './seen.ts'
import { type Frame, NOTHING_HERE, PAGE_HEADERS, type Page, pageAnswer, seeOther } from './shell.ts'
import { STYLES } from './styles.ts'

export {
  type AccountAudit,
  type AccountDocument,
  type AccountLayout,
  type AccountNotice,
  type AccountPages,
  type AccountPagesOptions,
  type AccountPart,
  type AccountWords,
  type ActivityEntry,
  accountPages,
  accountWords,
  type ListedSession,
  type NoticeFound,
  type NoticeOutcome,
  type NotMe,
} from './account-pages.ts'
export type { ConsoleAudit, ConsoleDeed, EntryQuery, ShownEntry, ShownFinding } from './audit.ts'
export type { Mounted } from './mount.ts'
export type { ConsoleHub, ConsoleTokens, ShownDelivery } from './neighbours.ts'

/** Options of `createConsole`. */
export interface ConsoleOptions<Data = Record<string, unknown>> {
  /**
   * Whether a signed-in session is an operator's; only `true` is. Asked at every request, so somebody who is no operator any more is out at once. Required: whoever passes sees everybody's
   * sessions and can end them.
   */
  readonly allows: (session: Session<Data>) => boolean | Promise<boolean>
  /** Where it is mounted. Default `/console`. */
  readonly path?: string
  /** Name of the application, for the head of each page. Default none. */
  readonly product?: string
  /**
   * What operators must have proved, at every request. Default `{ acr: 'aal2' }`. Give a `maxAge` for re-authentication at a console that is left open. With less than `aal2` a stolen password is a stolen
   * console; a `safety.lowered` event says so.
   */
  readonly requirement?: Requirement
  /**
   * The audit log, from `auditLog` of `sojourn/monitor/audit`. Each change is written there first, with who made it, and is not made when that fails; pages show what happened from it. Default none: what operators
   * did is then in events alone.
   */
  readonly audit?: ConsoleAudit
  /** From `createTokens` of `sojourn/tokens`, to show the keys that sign. Default none. */
  readonly tokens?: ConsoleTokens
  /** From `createHub` of `sojourn/oidc`, to show which applications know that a session ended. Default none. */
  readonly hub?: ConsoleHub
}

/** The mounted console. */
export interface Console<Data = Record<string, unknown>> extends Mounted<Data> {
  /** Stops listening to events and ends live pages. Call it when the server stops. */
  close(): void
}

const OPTIONS = ['allows', 'path', 'product', 'requirement', 'audit', 'tokens', 'hub']

/**
 * Makes the operators' console. Mount it inside the session middleware, before your own routes: it answers what is below its path and leaves the rest alone.
 *
 * Who is not signed in is sent to prove who they are; who is signed in and no operator finds nothing there. An operator whose proof became too old is asked again, in the middle of a change too.
 *
 * @param sessions - What `createSessions` gave.
 * @param options - See `ConsoleOptions`; `allows` is required.
 * @returns `node` and `web`, to be called with the request's session; and `close`.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: an option is missing or of the wrong kind, or a package that renders pages is not installed.
 * @see ASVS 5.0, 7.4.5; NIST SP 800-63B-4, 2.2
 * @example
 * const operators = createConsole(sessions, { allows: ({ subject }) => subject === 'root-librarian' })
 * app.use(async (req, res, next) => { if (!(await operators.node(req, res, req.session))) next() })
 */
export function createConsole<Data>(sessions: Sessions<Data>, options: ConsoleOptions<Data>): Console<Data> {
  const service = serviceOf(sessions)
  const { allows, path = '/console', product = '', audit, tokens, hub } = checked(options)
  const base = checkedPath(path)
  const { requirement, isLowered } = requirementOf(options.requirement)
  checkRendererInstalled()
  const { events, config } = service
  const { clock } = config
  if (isLowered) events.emit({ type: 'safety.lowered', option: 'console.requirement' })

  const seen = watchEvents(events, clock())
  const context: ConsoleContext = {
    base,
    sessions: sessions as Sessions<unknown>,
    service,
    requirement,
    seen,
    audit,
    tokens,
    hub,
  }
  const isAllowed = allows as Allows<unknown>
  const live = liveStreams(context, isAllowed)
  const judge = originCheck(sessions)
  const routes = routesOf(context)
  const assets = assetsOf({ 'console.css': STYLES, 'console.js': SCRIPT })
  const frame: Frame = {
    base,
    product,
    sections: routes.flatMap(({ path: at, name }) => (name === undefined ? [] : [{ path: at, name }])),
    styles: base + assets.address('console.css'),
    script: base + assets.address('console.js'),
  }

  async function answer(request: PageRequest): Promise<PageAnswer> {
    const { path: at, method, session } = request
    const file = method === 'GET' ? assets.answer(at) : undefined
    if (file !== undefined) return file
    if (!(await isLetIn(session, isAllowed, requirement))) return NOTHING_HERE
    if (at === '/live') return method === 'GET' ? live.open(session, request.signal) : notAllowed('GET')
    const found = match(routes, at)
    if (found === undefined) return show(nothingHere(base), session)
    const { route, named } = found
    return method === 'POST'
      ? change(route, named, request)
      : method === 'GET'
        ? look(route, named, request)
        : notAllowed(methodsOf(route))
  }

  async function look(route: Route, named: readonly string[], request: PageRequest): Promise<PageAnswer> {
    if (route.show === undefined) return notAllowed(methodsOf(route))
    return finish(await route.show(visitOf(request, named, new URLSearchParams())), request.session)
  }

  async function change(route: Route, named: readonly string[], request: PageRequest): Promise<PageAnswer> {
    if (route.change === undefined) return notAllowed(methodsOf(route))
    const { facts, session } = request
    const form = await request.form()
    const rule = judge(facts, form, session)
    if (rule !== undefined) {
      events.emit({ type: 'csrf.refused', sessionId: session.id, subject: session.subject, rule, isReportOnly: false })
      return show(refusedPage(base), session)
    }
    return finish(await route.change(visitOf(request, named, form!)), session)
  }

  function visitOf({ session, query }: PageRequest, named: readonly string[], form: URLSearchParams): Visit {
    return { context, session, actor: session.subject!, now: clock(), query, form, named }
  }

  const finish = (result: Page | { readonly location: string }, session: Session<unknown>) =>
    'location' in result ? seeOther(base + result.location) : show(result, session)
  const show = (page: Page, session: Session<unknown>) => pageAnswer(frame, page, session.subject)

  return {
    ...mount<Data>(base, answer),
    close() {
      live.close()
      seen.close()
    },
  }
}

function checked<Data>(options: ConsoleOptions<Data>): ConsoleOptions<Data> {
  if (typeof options !== 'object' || options === null) throw invalidConsole('the options are no object', 'one with `allows`')
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined)
    throw invalidConsole(`there is an option ${JSON.stringify(unknown).slice(0, 60)}`, `only ${OPTIONS.join(', ')}`)
  const { allows, product, audit, tokens, hub } = options
  if (typeof allows !== 'function')
    throw invalidConsole('allows is no function', 'one that says of a session whether it is an operator’s')
  if (product !== undefined && typeof product !== 'string')
    throw invalidConsole('product is no string', 'the name of your application')
  if (audit !== undefined && typeof audit?.record !== 'function')
    throw invalidConsole('audit is no audit log', 'what auditLog gives')
  if (tokens !== undefined && typeof tokens?.signingKeys !== 'function')
    throw invalidConsole('tokens is not what it should be', 'what createTokens gives')
  if (hub !== undefined && typeof hub?.deliveries !== 'function')
    throw invalidConsole('hub is not what it should be', 'what createHub gives')
  return options
}

const methodsOf = ({ show, change }: Route): string => [show && 'GET, HEAD', change && 'POST'].filter(Boolean).join(', ')

const notAllowed = (allow: string): PageAnswer => ({
  status: 405,
  headers: { ...PAGE_HEADERS, Allow: allow, 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'Method not allowed\n',
})

const nothingHere = (base: string): Page => ({
  title: 'Nothing here',
  section: 'none',
  status: 404,
  body: html`<div class="head"><h1>There is nothing here</h1><p>The address is of no page of the console.</p></div><div class="bar"><a class="button" href=${base}>To the overview</a></div>`,
})

const refusedPage = (base: string): Page => ({
  title: 'Not done',
  section: 'none',
  status: 403,
  body: html`<div class="head"><h1>Nothing was changed</h1><p>The request did not come from a page of this console, or from one of before you signed in. Open the page again, and try again.</p></div><div class="bar"><a class="button" href=${base}>To the overview</a></div>`,
})
