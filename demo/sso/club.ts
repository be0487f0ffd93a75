/** The Reading Club: a second application beside the shop, with sessions of its own, that people enter with Sojourn ID alone. */
import express, { type NextFunction, type Request, type Response } from 'express'
import { createSessions, isSojournError, type Sessions } from 'sojourn'
import { type SessionApplication, sessionMiddleware } from 'sojourn/express'
import { securityHeaders } from 'sojourn/headers'
import { type RelyingPartyOptions, relyingParty } from 'sojourn/oidc'
import { memoryStore } from 'sojourn/stores/memory'
import { clubPage, clubStyles, failedPage } from './club-pages.ts'
import { AFTER_LOGOUT, CALLBACK } from './paths.ts'

export interface Club {
  readonly app: express.Express
  close(): Promise<void>
}

export interface ClubOptions extends RelyingPartyOptions {
  /** Where the shop is. */
  readonly shop: string
  readonly keys: string
}

export function createClub({ shop, keys, ...options }: ClubOptions): Club {
  const store = memoryStore()
  const sessions = createSessions({ store, keys })
  const sso = relyingParty(sessions, options)
  const server = express()
  server.disable('x-powered-by')
  server.use(securityHeaders({ hsts: false, directives: { 'form-action': ["'self'", options.issuer] } }))
  server.get('/styles.css', (_req, res) => void res.type('css').send(clubStyles))
  server.use(sso.node)
  // Cookies know no ports: on one machine each application needs a name of its own for its cookie.
  server.use(sessionMiddleware(sessions, { cookie: { name: '__Host-club' }, dangerouslyAllowHttp: true, guards: [sso] }))
  const app: SessionApplication<Sessions> = server

  app.get('/', (req, res) => void res.type('html').send(clubPage({ member: req.session.subject, shop })))
  app.post('/sign-in', async (req, res) => res.redirect(303, await sso.start(req.session, { returnTo: '/' })))
  app.get(CALLBACK, async (req, res) => {
    const outcome = await sso.finish(req.session)
    if (outcome.ok) res.redirect(303, outcome.returnTo)
    else res.status(400).type('html').send(failedPage())
  })
  app.post('/sign-out', async (req, res) => res.redirect(303, await sso.signOut(req.session, { returnTo: '/' })))
  app.get(AFTER_LOGOUT, async (req, res) => {
    await sso.finishSignOut(req.session)
    res.redirect(303, '/')
  })
  server.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (res.headersSent) return next(error)
    const status = isSojournError(error) ? error.status : 500
    if (status === 500) console.error(error)
    res.status(status).type('html').send(failedPage())
  })
  return { app: server, close: () => store.close() }
}
