/** Sign-up and sign-in by OPAQUE: what a browser's script sends in place of a password. */
import { Refusal, sendJson } from '../answers.ts'
import type { Shop, ShopApplication } from '../shop.ts'
import { duration } from '../words.ts'
import { tell } from './basket.ts'
import { bodyField, textField } from './body.ts'

const WRONG = 'This name and this password do not belong together.'
const AGAIN = 'That took too long. Please try again.'

export function serveOpaque(app: ShopApplication, { opaque, people, stepUp }: Shop): void {
  if (opaque === undefined) return

  // In front of the routes for forms: here nothing takes a password.
  for (const path of ['/login', '/signup', '/mfa/password']) {
    app.post(path, () => {
      throw new Refusal(
        400,
        'This shop was opened with --opaque: it takes no password, in no form. Its pages prove yours without sending it.',
      )
    })
  }

  app.post('/login/opaque/start', async (req, res) => {
    const outcome = await opaque.startLogin(req.session, {
      // Spelt as the readers' file has it before it gets there: names that nobody has would be told by their spellings.
      account: (textField(req, 'username') ?? '').trim().toLowerCase(),
      startLoginRequest: bodyField(req, 'startLoginRequest'),
    })
    if (outcome.ok) {
      sendJson(res, { ticket: outcome.ticket, loginResponse: outcome.loginResponse })
      return
    }
    if (outcome.reason !== 'throttled') throw new Refusal(401, WRONG)
    const wait = Math.max(1000, outcome.retryAfter ?? 0)
    res.set('Retry-After', String(Math.ceil(wait / 1000)))
    sendJson(res, { error: `Somebody has tried this name too often. The next try counts in ${duration(wait)}.` }, 429)
  })

  app.post('/login/opaque/finish', async (req, res) => {
    const outcome = await opaque.finishLogin(req.session, req.body)
    if (!outcome.ok) throw new Refusal(401, outcome.reason === 'expired' ? AGAIN : WRONG)
    const isPersistent = bodyField(req, 'remember') === true
    const { subject, method } = outcome
    const { pending } = await stepUp.signIn(req.session, { subject, method, keep: ['basket'], isPersistent })
    if (pending === undefined) tell(req.session.data, { name: 'welcome', about: subject })
    sendJson(res, { subject, sessionId: req.session.id, ...(pending !== undefined && { mfa: 'due' }) })
  })

  app.post('/signup/opaque/start', async (req, res) => {
    const problem = people.problemOf(textField(req, 'username') ?? '')
    if (problem !== undefined) throw new Refusal(422, problem)
    const outcome = await opaque.startRegistration(req.session, req.body)
    if (!outcome.ok) throw new Refusal(400, 'That was no message of OPAQUE.')
    sendJson(res, { ticket: outcome.ticket, registrationResponse: outcome.registrationResponse })
  })

  app.post('/signup/opaque/finish', async (req, res) => {
    const name = (textField(req, 'username') ?? '').trim().toLowerCase()
    const problem = people.problemOf(name)
    if (problem !== undefined) throw new Refusal(422, problem)
    const outcome = await opaque.finishRegistration(req.session, req.body)
    if (!outcome.ok) throw new Refusal(400, AGAIN)
    if (!people.register(name, outcome.registration)) throw new Refusal(422, people.problemOf(name) ?? AGAIN)
    await stepUp.signIn(req.session, { subject: name, method: 'pwd', keep: ['basket'] })
    tell(req.session.data, { name: 'signed-up', about: name })
    sendJson(res, { subject: name, sessionId: req.session.id }, 201)
  })
}
