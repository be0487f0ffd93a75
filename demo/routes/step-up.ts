/** The page that asks for one more proof, and what it posts to. A visit that is only half signed in reaches these and nothing else. */
import type { Response } from 'express'
import type { Acr } from 'sojourn'
import type { Refusal as Refused } from 'sojourn/stepup'
import { nextPath, sendJson, sendPage, wantsJson } from '../answers.ts'
import { type Ask, stepUpPage } from '../pages/step-up.ts'
import type { Shop, ShopApplication, ShopRequest } from '../shop.ts'
import { visitOf } from '../visit.ts'
import { duration } from '../words.ts'
import { tell } from './basket.ts'
import { bodyField, textField } from './body.ts'
import { pay, useUpLatestProof } from './checkout.ts'
import { signInNeeded } from './sign-in.ts'

const WRONG = 'That was not right, or it was used before. Nothing has changed; try the next one.'

type Outcome = { readonly ok: true } | Pick<Refused, 'ok' | 'reason' | 'retryAfter'>

export function serveStepUp(app: ShopApplication, shop: Shop): void {
  const { stepUp } = shop

  app.get('/step-up', async (req, res) => {
    const { session, query } = req
    if (session.subject === undefined) return signInNeeded(req, res, shop, nextPath(query.returnTo))
    const ask = askFrom((name) => query[name])
    const isEnough =
      ask.approval === undefined && session.meets({ acr: ask.acr, ...(ask.maxAge !== undefined && { maxAge: ask.maxAge }) })
    if (isEnough) res.redirect(303, ask.next)
    else await show(req, res, shop, { ask })
  })

  app.post('/mfa/totp', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/')
    await prove(req, res, shop, () => stepUp.totp.verify(req.session, bodyField(req, 'code')))
  })

  app.post('/mfa/recovery', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/')
    await prove(req, res, shop, async () => {
      const outcome = await stepUp.recovery.use(req.session, bodyField(req, 'code'))
      if (outcome.ok) tell(req.session.data, { name: 'code-spent', about: String(outcome.left) })
      return outcome
    })
  })

  app.post('/mfa/password', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/')
    // Alone it proves what the sign-in did, so it is no way on from there.
    if (req.session.pending === undefined && textField(req, 'password')) await prove(req, res, shop, async () => ({ ok: true }))
    else await refuse(req, res, shop, { ok: false, reason: 'wrong', retryAfter: undefined })
  })

  app.post('/mfa/passkey/options', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/')
    const options = await stepUp.passkeys.stepUpOptions(req.session)
    if (options === undefined) sendJson(res, { error: 'You have no passkey here.' }, 404)
    else sendJson(res, options)
  })

  app.post('/mfa/passkey', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/')
    await prove(req, res, shop, async () => {
      const outcome = await stepUp.passkeys.stepUp(req.session, bodyField(req, 'response'))
      return outcome.ok ? outcome : { ok: false, reason: 'wrong', retryAfter: undefined }
    })
  })
}

/** One proof, with the password before it where one was sent: what is wrong there must not spend a code. */
async function prove(req: ShopRequest, res: Response, shop: Shop, proof: () => Promise<Outcome>): Promise<void> {
  const { session } = req
  const wasPending = session.pending !== undefined
  const password = textField(req, 'password')
  if (password !== undefined && password !== '') {
    const outcome = await checkPassword(req, shop, password)
    if (!outcome.ok) return refuse(req, res, shop, outcome)
  }
  const outcome = await proof()
  if (!outcome.ok) return refuse(req, res, shop, outcome)
  if (password) await session.elevate({ method: 'pwd' })
  await goOn(req, res, shop, wasPending)
}

async function checkPassword({ session }: ShopRequest, { stepUp, people, opaque }: Shop, password: string): Promise<Outcome> {
  if (opaque !== undefined) return { ok: false, reason: 'wrong', retryAfter: undefined }
  const { subject = '' } = session
  const verdict = await stepUp.throttle.attempt('password', subject, session)
  if (!verdict.isAllowed) return { ok: false, reason: 'throttled', retryAfter: verdict.retryAfter }
  if ((await people.check(subject, password)) === undefined) return { ok: false, reason: 'wrong', retryAfter: undefined }
  await stepUp.throttle.succeeded('password', subject, session)
  return { ok: true }
}

/** After a proof: what it was for is done, or can be. */
async function goOn(req: ShopRequest, res: Response, shop: Shop, wasPending: boolean): Promise<void> {
  const { session } = req
  const { next, approval } = askFrom((name) => bodyField(req, name))
  const isApproved = approval !== undefined && (await shop.stepUp.approvals.grant(session, approval))
  if (isApproved) await useUpLatestProof(session)
  if (wasPending && session.data.notices.length === 0) tell(session.data, { name: 'welcome', about: session.subject ?? '' })
  if (wantsJson(req)) {
    const { acr, subject, id: sessionId } = session
    sendJson(res, { acr, subject, sessionId, ...(approval !== undefined && { approved: isApproved }) })
    return
  }
  const hasPaid = isApproved && (await pay(session, shop)) !== undefined
  if (!hasPaid && !wasPending && session.data.notices.length === 0) tell(session.data, { name: 'proved' })
  res.redirect(303, next)
}

/** The same shape whatever was wrong; only a wait that is not over is told apart, or nobody could wait for it. */
async function refuse(req: ShopRequest, res: Response, shop: Shop, outcome: Outcome & { readonly ok: false }): Promise<void> {
  const isThrottled = outcome.reason === 'throttled'
  const status = isThrottled ? 429 : 401
  const seconds = isThrottled ? Math.max(1, Math.ceil((outcome.retryAfter ?? 0) / 1000)) : null
  const problem = seconds === null ? WRONG : `Too many tries. The next one counts in ${duration(seconds * 1000)}.`
  if (seconds !== null) res.set('Retry-After', String(seconds))
  if (wantsJson(req)) sendJson(res, { error: problem, retryAfter: seconds }, status)
  else await show(req, res, shop, { ask: askFrom((name) => bodyField(req, name)), problem, status })
}

interface Shown {
  readonly ask: Ask
  readonly problem?: string
  readonly status?: number
}

async function show(
  req: ShopRequest,
  res: Response,
  { stepUp, ...shop }: Shop,
  { ask, problem, status = 200 }: Shown,
): Promise<void> {
  const { session } = req
  const [ways, waiting] = await Promise.all([stepUp.ways(session), stepUp.approvals.describe(session, ask.approval)])
  const now = Date.now()
  const hasPassword = session.facts.some(
    ({ method, at }) => method === 'pwd' && now - at <= (ask.maxAge ?? Number.POSITIVE_INFINITY),
  )
  const page = stepUpPage(visitOf(req, { stepUp, ...shop }), {
    ask: { ...ask, approval: waiting?.id },
    name: session.subject ?? '',
    // Recovery codes stand in for another factor; by themselves they are none.
    ways: ways.every((kind) => kind === 'recovery') ? [] : ways,
    needsPassword: session.pending === undefined && !hasPassword,
    words: waiting?.words,
    problem:
      problem ??
      (ask.approval !== undefined && waiting === undefined
        ? 'That approval has run out. Go back to your basket and begin it again.'
        : undefined),
    passkeyHost: new URL(shop.origin).host,
    isOpaque: shop.opaque !== undefined,
  })
  sendPage(res, page, status)
}

/** What the address or the form says. All of it is the visitor's word: what is really needed is checked where it is needed. */
function askFrom(fieldOf: (name: string) => unknown): Ask {
  const acr = fieldOf('acr')
  const seconds = fieldOf('max_age')
  const approval = fieldOf('approval')
  return {
    next: nextPath(fieldOf('returnTo')),
    acr: acr === 'aal1' || acr === 'aal3' ? acr : ('aal2' satisfies Acr),
    maxAge: typeof seconds === 'string' && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1000 : undefined,
    approval: typeof approval === 'string' && /^[\w-]{22}$/.test(approval) ? approval : undefined,
  }
}
