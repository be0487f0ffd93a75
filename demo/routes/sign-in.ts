import type { Response } from 'express'
import type { SignedIn } from 'sojourn/stepup'
import { z } from 'zod'
import { nextPath, Refusal, sendJson, sendPage, wantsJson } from '../answers.ts'
import { signedOutPage } from '../pages/account.ts'
import { type SignInForm, signInPage, signUpPage } from '../pages/sign-in.ts'
import type { Shop, ShopApplication, ShopRequest, ShopSession } from '../shop.ts'
import { visitOf } from '../visit.ts'
import { duration } from '../words.ts'
import { tell } from './basket.ts'
import { bodyField } from './body.ts'

/** Bounds are for what a form could send by mistake; the longest password anybody has is far below. */
const credentials = z.object({
  username: z.string().min(1).max(64),
  password: z.string().min(1).max(1024),
  next: z.unknown().optional().transform(nextPath),
  remember: z.union([z.boolean(), z.literal('yes').transform(() => true)]).default(false),
})

const WRONG = 'This name and this password do not belong together.'

export function serveSignIn(app: ShopApplication, shop: Shop): void {
  const { people, stepUp } = shop
  const ways = waysIn(shop)

  app.get('/login', (req, res) => sendPage(res, signInPage(visitOf(req, shop), { next: nextPath(req.query.next), ...ways })))

  app.post('/login', async (req, res) => {
    const { username, password, next, remember } = readCredentials(req)
    // Counted before it is looked at, and for names that nobody has as well.
    const verdict = await stepUp.throttle.attempt('password', accountOf(username), req.session)
    const reader = verdict.isAllowed ? await people.check(username, password) : undefined
    if (reader === undefined) {
      const problem = verdict.isAllowed
        ? WRONG
        : `Somebody has tried this name too often. The next try counts in ${duration(verdict.retryAfter)}.`
      if (!verdict.isAllowed) res.set('Retry-After', String(Math.max(1, Math.ceil(verdict.retryAfter / 1000))))
      const status = verdict.isAllowed ? 401 : 429
      if (wantsJson(req)) sendJson(res, { error: problem }, status)
      else sendPage(res, signInPage(visitOf(req, shop), { next, username, problem, ...ways }), status)
      return
    }
    await shop.monitor.anomalies.assess({ subject: reader.name, session: req.session })
    const { pending } = await signIn(req.session, shop, reader.name, remember)
    if (wantsJson(req)) {
      const { subject, id: sessionId } = req.session
      sendJson(res, { subject, sessionId, ...(pending !== undefined && { mfa: 'due' }) })
      return
    }
    if (pending !== undefined) {
      res.redirect(303, `/step-up?${new URLSearchParams({ returnTo: next })}`)
      return
    }
    tell(req.session.data, { name: 'welcome', about: reader.name })
    res.redirect(303, next)
  })

  app.post('/login/passkey/options', (req, res) => sendJson(res, stepUp.passkeys.signInOptions(req.session)))

  app.post('/login/passkey', async (req, res) => {
    const outcome = await stepUp.passkeys.signIn(req.session, bodyField(req, 'response'), {
      keep: ['basket'],
      isPersistent: bodyField(req, 'remember') === true,
      allows: (subject) => people.has(subject),
    })
    if (!outcome.ok) {
      sendJson(res, { error: 'That passkey did not open anything here. Please try again, or use your password.' }, 401)
      return
    }
    const { subject, id: sessionId, acr } = req.session
    tell(req.session.data, { name: 'welcome', about: outcome.subject })
    sendJson(res, { subject, sessionId, acr })
  })

  app.get('/signup', (req, res) => sendPage(res, signUpPage(visitOf(req, shop), { next: nextPath(req.query.next), ...ways })))

  app.post('/signup', async (req, res) => {
    const { username, password, next } = readCredentials(req)
    const added = await people.add(username, password)
    if (!('name' in added)) {
      if (wantsJson(req)) sendJson(res, { error: Object.values(added).join(' '), problems: added }, 422)
      else sendPage(res, signUpPage(visitOf(req, shop), { next, username, problems: added, ...ways }), 422)
      return
    }
    await signIn(req.session, shop, added.name, false)
    if (wantsJson(req)) {
      sendJson(res, { subject: req.session.subject, sessionId: req.session.id }, 201)
      return
    }
    tell(req.session.data, { name: 'signed-up', about: added.name })
    res.redirect(303, next)
  })

  app.post('/logout', async (req, res) => {
    if (shop.sso !== undefined && req.session.providerLink !== undefined && !wantsJson(req)) {
      res.redirect(303, await shop.sso.party.signOut(req.session, { returnTo: '/signed-out' }))
      return
    }
    await req.session.signOut()
    if (wantsJson(req)) sendJson(res, {})
    else res.redirect(303, '/signed-out')
  })

  app.get('/signed-out', (req, res) => sendPage(res, signedOutPage(req.query.everywhere === 'yes')))
}

/** The basket is the visitor's own doing and harmless; nothing else of an anonymous visit is let into an account. */
function signIn(session: ShopSession, { stepUp }: Shop, subject: string, isPersistent: boolean): Promise<SignedIn> {
  return stepUp.signIn(session, { subject, method: 'pwd', keep: ['basket'], isPersistent })
}

export function waysIn({ origin, opaque, sso }: Shop): Pick<SignInForm, 'passkeyHost' | 'isOpaque' | 'hasProvider'> {
  return { passkeyHost: new URL(origin).host, isOpaque: opaque !== undefined, hasProvider: sso !== undefined }
}

/** The name as the readers' file has it, so that capitals and blanks give no further tries. */
function accountOf(username: string): string {
  return username.trim().toLowerCase()
}

/** Answers a visitor who has to sign in for this, and tells them why they are asked again. */
export function signInNeeded(req: ShopRequest, res: Response, shop: Shop, next: string): void {
  if (wantsJson(req)) sendJson(res, { error: 'Sign in first.' }, 401)
  else sendPage(res, signInPage(visitOf(req, shop), { next, reason: whyAgain(req.session), ...waysIn(shop) }), 401)
}

function whyAgain({ state, stateReason }: ShopSession): string | undefined {
  if (state === 'expired') {
    return stateReason === 'absolute'
      ? 'Your visit reached its longest time. That is as far as any visit goes.'
      : 'Your visit ended because nothing happened for a while.'
  }
  if (state === 'reused') return 'Your visit was ended because its key turned up twice. If you did not copy it, somebody did.'
  if (state === 'unproven') return 'This visit is bound to a device, and this one did not prove to be it.'
  if (state === 'revoked' && stateReason === 'drift')
    return 'Your visit was ended because it turned up in another browser or on another system.'
  if (state === 'revoked' && stateReason === 'provider-logout')
    return 'You signed out of Sojourn ID, so you are signed out here, too.'
  if (state === 'revoked' && stateReason === 'revoked-by-owner') return 'This device was signed out from another one.'
  return state === 'revoked' && stateReason === 'reuse' ? 'Your visit was ended to keep it safe.' : undefined
}

function readCredentials(req: ShopRequest): z.infer<typeof credentials> {
  const body = credentials.safeParse(req.body)
  if (body.success) return body.data
  throw new Refusal(400, 'A name and a password are needed, both as text.')
}
