import type { Response } from 'express'
import { nextPath, Refusal, sendJson, sendPage, wantsJson } from '../answers.ts'
import { accountPage } from '../pages/account.ts'
import { type Device, devicesPage, unlistedDevicesPage } from '../pages/devices.ts'
import type { Shop, ShopApplication, ShopRequest, ShopSession } from '../shop.ts'
import { cannotList } from '../stores/words.ts'
import { visitOf } from '../visit.ts'
import { tell } from './basket.ts'
import { bodyField } from './body.ts'
import { signInNeeded } from './sign-in.ts'

export function serveAccount(app: ShopApplication, shop: Shop): void {
  app.get('/me', (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/me')
    if (wantsJson(req)) sendJson(res, describe(req.session))
    else sendPage(res, accountPage(visitOf(req, shop), req.session))
  })

  app.post('/stay', async (req, res) => {
    const next = nextPath(bodyField(req, 'next'))
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, next)
    await req.session.touch()
    if (wantsJson(req)) {
      sendJson(res, describe(req.session))
      return
    }
    await req.session.update((data) => tell(data, { name: 'stayed' }))
    res.redirect(303, next)
  })

  app.get('/sessions', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/sessions')
    if (!shop.store.store.capabilities.listsSubjects) {
      if (wantsJson(req)) throw new Refusal(501, cannotList(shop.store))
      sendPage(res, unlistedDevicesPage(visitOf(req, shop), thisDevice(req.session), cannotList(shop.store)))
      return
    }
    const devices = await req.session.list()
    if (!wantsJson(req)) {
      sendPage(res, devicesPage(visitOf(req, shop), devices))
      return
    }
    sendJson(
      res,
      devices.map(({ id, isCurrent, startedAt, lastSeenAt, device = null }) => ({
        id,
        current: isCurrent,
        startedAt,
        lastSeenAt,
        device,
      })),
    )
  })

  app.delete('/sessions/:id', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/sessions')
    if (!(await endOne(req.session, req.params.id))) throw new Refusal(404, 'There is no such session of yours.')
    sendJson(res, { ended: 1 })
  })

  app.delete('/sessions', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/sessions')
    if (req.query.others !== 'true') throw new Refusal(400, 'Say which: DELETE /sessions?others=true, or DELETE /sessions/:id.')
    // A store that cannot list cannot count either.
    sendJson(res, { ended: (await req.session.revokeOthers()) ?? null })
  })

  app.post('/sessions/end-others', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/sessions')
    const count = await req.session.revokeOthers()
    await req.session.update((data) =>
      tell(data, count === undefined ? { name: 'ended-others-uncounted' } : { name: 'ended-others', about: String(count) }),
    )
    res.redirect(303, '/sessions')
  })

  app.post('/sessions/end-all', async (req, res) => {
    const { subject } = req.session
    if (subject === undefined) return signInNeeded(req, res, shop, '/sessions')
    // One atomic step for all of them; signing out then only has this browser's cookie left to clear.
    await shop.sessions.revokeSubject(subject, { reason: 'revoked-by-owner', actor: subject })
    await req.session.signOut()
    res.redirect(303, '/signed-out?everywhere=yes')
  })

  app.post('/sessions/:id/end', async (req, res) => endByForm(req, res, shop, req.params.id))
}

async function endByForm(req: ShopRequest, res: Response, shop: Shop, id: string): Promise<void> {
  if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/sessions')
  const isThisOne = id === req.session.id
  const isEnded = await endOne(req.session, id)
  if (!isThisOne) await req.session.update((data) => tell(data, { name: isEnded ? 'ended-one' : 'not-found' }))
  res.redirect(303, isThisOne ? '/signed-out' : '/sessions')
}

/** This device's own session ends as a sign-out, which also clears the browser's cookie. */
async function endOne(session: ShopSession, id: string): Promise<boolean> {
  if (id !== session.id) return session.revoke(id)
  await session.signOut()
  return true
}

/** What the session knows of itself, where the store keeps no list. */
function thisDevice(
  { id = '', device, startedAt, lastSeenAt, idleDeadline, absoluteDeadline }: ShopSession,
  now = Date.now(),
): Device {
  return {
    id,
    device,
    startedAt: startedAt ?? now,
    lastSeenAt: lastSeenAt ?? now,
    idleDeadline: idleDeadline ?? now,
    absoluteDeadline: absoluteDeadline ?? now,
    isCurrent: true,
  }
}

function describe(session: ShopSession): Record<string, unknown> {
  const { subject, id, acr, startedAt, idleDeadline, absoluteDeadline } = session
  return { subject, sessionId: id, acr, startedAt, idleDeadline, absoluteDeadline }
}
