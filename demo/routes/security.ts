/** What opens a reader's account: listed, added, removed. Every change asks for a fresh proof, and is followed by the offer to end other visits. */
import { Refusal, sendJson, sendPage, wantsJson } from '../answers.ts'
import { confirmAppPage, enrolAppPage, type Listed, recoveryCodesPage, securityPage } from '../pages/security.ts'
import type { Shop, ShopApplication, ShopRequest } from '../shop.ts'
import { visitOf } from '../visit.ts'
import { tell } from './basket.ts'
import { bodyField, textField } from './body.ts'
import { signInNeeded } from './sign-in.ts'

const NOT_CONFIRMED: Readonly<Record<string, string>> = {
  wrong: 'That code was not right. They change every half a minute; try the one your app shows now.',
  expired: 'That took longer than ten minutes. Begin again.',
  full: 'You have as many apps as one reader may have. Remove one first.',
}

export function serveSecurity(app: ShopApplication, shop: Shop): void {
  const { stepUp } = shop
  // Ending a person's visits everywhere is one step in every store of this shop.
  const canEndOthers = shop.store.store.capabilities.revokesSubjects

  app.get('/security', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/security')
    const { session } = req
    const [factors, recovery, accepted] = await Promise.all([
      list(req, shop),
      stepUp.recovery.status(session),
      stepUp.passkeys.accepted(session),
    ])
    if (wantsJson(req)) {
      const shown = factors.map(({ id, kind, name, createdAt, lastUsedAt = null }) => ({ id, kind, name, createdAt, lastUsedAt }))
      sendJson(res, { factors: shown, recoveryCodesLeft: recovery.left })
      return
    }
    sendPage(
      res,
      securityPage(visitOf(req, shop), { factors, recovery, accepted, passkeyHost: new URL(shop.origin).host, canEndOthers }),
    )
  })

  // Where a browser comes back to that was sent away for a proof in the middle: it begins again.
  for (const path of ['/security/app', '/security/app/confirm', '/security/recovery-codes']) {
    app.get(path, (_req, res) => res.redirect(303, '/security'))
  }

  app.post('/security/app', async (req, res) => {
    const { subject } = req.session
    if (subject === undefined) return signInNeeded(req, res, shop, '/security')
    const enrolment = await stepUp.totp.begin(req.session, { account: subject })
    if (wantsJson(req)) sendJson(res, { uri: enrolment.uri, secret: enrolment.secret, deadline: enrolment.deadline })
    else sendPage(res, enrolAppPage(visitOf(req, shop), enrolment))
  })

  app.post('/security/app/confirm', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/security')
    const name = textField(req, 'name', 100) ?? ''
    const outcome = await stepUp.totp.confirm(req.session, bodyField(req, 'code'), { name })
    if (outcome.ok) return changed(req, res, 'app-added', { factorId: outcome.factorId })
    const problem = NOT_CONFIRMED[outcome.reason] ?? NOT_CONFIRMED.wrong ?? ''
    if (wantsJson(req)) sendJson(res, { error: problem, reason: outcome.reason }, 422)
    else sendPage(res, confirmAppPage(visitOf(req, shop), problem, name), 422)
  })

  app.post('/security/passkeys/options', async (req, res) => {
    const { subject } = req.session
    if (subject === undefined) return signInNeeded(req, res, shop, '/security')
    sendJson(res, await stepUp.passkeys.registrationOptions(req.session, { account: subject }))
  })

  app.post('/security/passkeys', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/security')
    const outcome = await stepUp.passkeys.register(req.session, bodyField(req, 'response'), { name: bodyField(req, 'name') })
    if (!outcome.ok) {
      const isFull = outcome.reason === 'full'
      sendJson(
        res,
        {
          error: isFull
            ? 'You have as many passkeys as one reader may have.'
            : 'That passkey could not be added. Please try again.',
        },
        422,
      )
      return
    }
    await req.session.update((data) => tell(data, { name: 'passkey-added' }))
    sendJson(res, { factorId: outcome.factorId, others: outcome.others }, 201)
  })

  app.post('/security/recovery-codes', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/security')
    const { codes, others } = await stepUp.recovery.generate(req.session)
    if (wantsJson(req)) sendJson(res, { codes, others }, 201)
    else sendPage(res, recoveryCodesPage(visitOf(req, shop), codes, others && canEndOthers))
  })

  app.post('/security/factors/:id/remove', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/security')
    const change = await stepUp.remove(req.session, req.params.id)
    if (change === undefined) throw new Refusal(404, 'There is no such factor of yours.')
    return changed(req, res, 'factor-removed', {})
  })

  async function changed(
    req: ShopRequest,
    res: Parameters<typeof sendJson>[0],
    name: 'app-added' | 'factor-removed',
    said: Record<string, unknown>,
  ): Promise<void> {
    if (wantsJson(req)) {
      sendJson(res, { ...said, others: true })
      return
    }
    await req.session.update((data) => tell(data, { name }))
    res.redirect(303, '/security')
  }
}

async function list({ session }: ShopRequest, { stepUp }: Shop): Promise<readonly Listed[]> {
  const [factors, passkeys] = await Promise.all([stepUp.factors(session), stepUp.passkeys.list(session)])
  return factors.map((factor) => ({ ...factor, passkey: passkeys.find(({ id }) => id === factor.id) }))
}
