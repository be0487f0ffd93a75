import express, { type NextFunction, type Request, type Response } from 'express'
import { type AssuranceError, isSojournError } from 'sojourn'
import { assuranceErrors, sessionMiddleware } from 'sojourn/express'
import { Refusal, sendJson, sendPage, wantsJson } from './answers.ts'
import { serveAssets } from './assets.ts'
import { isProgram } from './guard.ts'
import { sendSecurityHeaders } from './headers.ts'
import { onOutage } from './outages.ts'
import { aboutPage } from './pages/about.ts'
import { troublePage } from './pages/trouble.ts'
import { PasswordsBusyError } from './passwords.ts'
import { guardsOf } from './protection/guards.ts'
import { serveAccount } from './routes/account.ts'
import { serveBasket } from './routes/basket.ts'
import { ApprovalNeeded, serveCheckout } from './routes/checkout.ts'
import { serveOpaque } from './routes/opaque.ts'
import { isWatching, serveProtection } from './routes/protection.ts'
import { serveSecurity } from './routes/security.ts'
import { serveShelves } from './routes/shelves.ts'
import { serveSignIn } from './routes/sign-in.ts'
import { serveSso } from './routes/sso.ts'
import { serveStepUp } from './routes/step-up.ts'
import type { Shop, ShopApplication } from './shop.ts'
import { TO_PAY } from './step-up/open.ts'

const LARGEST_BODY = '16kb'

/** The shop as an Express application. The order matters: what is the same for everybody comes before the session. */
export function createApp(shop: Shop): express.Express {
  const server = express()
  server.disable('x-powered-by')
  server.set('query parser', 'simple')
  server.use(sendSecurityHeaders(shop))
  serveAssets(server)
  server.get('/about', (_req, res) => sendPage(res.set('Cache-Control', 'public, max-age=300'), aboutPage(shop)))
  server.get('/healthz', async (_req, res) => {
    res.set('Cache-Control', 'no-store')
    const { choice, maxStaleness, check } = shop.store
    const ok = await check().then(
      () => true,
      () => false,
    )
    res.status(ok ? 200 : 503).json({ ok, store: choice.kind, ...(maxStaleness > 0 && { nearCache: { maxStaleness } }) })
  })

  const guards = guardsOf(shop)
  if (guards.binding !== undefined) server.use(guards.binding.node)
  if (shop.sso !== undefined) server.use(shop.sso.party.node)
  server.use(express.json({ limit: LARGEST_BODY }))
  server.use(express.urlencoded({ extended: false, limit: LARGEST_BODY, parameterLimit: 20 }))
  // Without `--tls` the shop listens in plain text, on the loopback interface alone. A site that others can reach leaves the option out.
  server.use(
    sessionMiddleware(shop.sessions, {
      dangerouslyAllowHttp: !shop.isTls,
      onOutage,
      isActivity: (req) => !isWatching(req),
      guards: guards.inOrder,
      csrf: { isProgram: (req) => isProgram(req as Request) },
      onError: (error, req, res) => answerError(error, req as Request, res as Response),
    }),
  )

  const app: ShopApplication = server
  app.use((req, _res, next) => {
    // Nobody yet, and no stranger either: what they put into a basket now would be lost with the sign-in.
    if (req.session.state === 'pending' && !isForAnybody(req))
      req.session.requireAssurance(req.path === '/checkout' ? TO_PAY : { acr: 'aal2' })
    next()
  })
  const { console: consolePages, account } = shop.monitor
  app.use(async (req, res, next) => {
    if (!(await consolePages.node(req, res, req.session)) && !(await account.node(req, res, req.session))) next()
  })
  serveShelves(app, shop)
  serveBasket(app, shop)
  serveOpaque(app, shop)
  serveSignIn(app, shop)
  if (shop.sso !== undefined) serveSso(app, shop, shop.sso)
  serveStepUp(app, shop)
  serveAccount(app, shop)
  serveSecurity(app, shop)
  serveCheckout(app, shop)
  serveProtection(app, shop, guards)

  server.use(() => {
    throw new Refusal(404, 'There is nothing under this address.')
  })
  // Who has not proved enough is sent to /step-up, or told by RFC 9470's challenge what is missing.
  app.use(assuranceErrors())
  server.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) next(error)
    else answerError(error, req, res)
  })
  return server
}

function answerError(error: unknown, req: Request, res: Response): void {
  const { status, message } = tellable(error)
  // What nobody foresaw goes to whoever runs the shop; the visitor is told nothing of it.
  if (status === 500) console.error(error)
  res.set('Cache-Control', 'no-store')
  if (status === 503) res.set('Retry-After', '1')
  if (isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT')) res.set((error as AssuranceError).headers)
  if (wantsJson(req)) sendJson(res, { error: message, ...detailsOf(error) }, status)
  else sendPage(res, troublePage(status, message, status === 503 && req.method === 'GET' ? req.path : undefined), status)
}

/** What may be said about an error. Sojourn's own messages are for developers, the body parser's may repeat what was sent. */
function tellable(error: unknown): { status: number; message: string } {
  if (error instanceof Refusal) return error
  if (error instanceof PasswordsBusyError) return { status: 503, message: `${error.message} Please try again in a moment.` }
  const status = statusOf(error)
  if (isSojournError(error, 'ERR_STORE_UNSUPPORTED'))
    return { status, message: 'The place where this shop keeps visits cannot do that. It can sign you out everywhere.' }
  if (isSojournError(error, 'ERR_CSRF_REFUSED'))
    return { status, message: 'This request did not come from a page of this shop, so the shop did nothing.' }
  if (isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT'))
    return { status, message: 'This needs a proof of who you are that is stronger or more recent than what we have.' }
  if (isSojournError(error, 'ERR_ROTATION_PENDING'))
    return { status, message: 'That was a little fast. Please try again in half a minute.' }
  if (isSojournError(error, 'ERR_SESSION_ENDED'))
    return { status, message: 'Your visit ended meanwhile, so nothing was changed.' }
  if (status === 503) {
    return { status, message: 'We cannot look up your visit at the moment. You are not signed out; please try again shortly.' }
  }
  if (status === 413) return { status, message: 'That was more than the shop can take in.' }
  if (status === 415) return { status, message: 'The shop cannot read this kind of text.' }
  if (status < 500) return { status, message: 'The shop could not make sense of this request.' }
  return { status: 500, message: 'Something broke on our side. It has been noted.' }
}

/** For programs: what to prove, in milliseconds of age, and what for. */
function detailsOf(error: unknown): Record<string, unknown> {
  if (!isSojournError(error, 'ERR_ASSURANCE_INSUFFICIENT')) return {}
  const { acr, maxAge } = error as AssuranceError
  return { acr, maxAge, ...(error instanceof ApprovalNeeded && { approval: error.approval, total: error.total }) }
}

/** The shelves, and the ways in and out. */
function isForAnybody({ method, path }: Request): boolean {
  const isRead = method === 'GET' || method === 'HEAD'
  if (path.startsWith('/login') || path.startsWith('/signup') || path.startsWith('/sso/') || path === '/logout') return true
  return isRead && (path === '/' || path.startsWith('/books/') || path === '/signed-out')
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : undefined
  return typeof status === 'number' && status >= 400 && status <= 599 ? status : 500
}
