import type { SignInOptions } from 'sojourn'
import { nextPath, sendPage } from '../answers.ts'
import { signInPage } from '../pages/sign-in.ts'
import type { Shop, ShopApplication, VisitData } from '../shop.ts'
import type { ShopSso } from '../sso/open.ts'
import { AFTER_LOGOUT, CALLBACK } from '../sso/paths.ts'
import { visitOf } from '../visit.ts'
import { tell } from './basket.ts'
import { bodyField } from './body.ts'
import { waysIn } from './sign-in.ts'

const FAILED = 'Sojourn ID and the shop did not agree on who you are, or the sign-in took too long. Please try again.'

/** Entering with Sojourn ID. What the provider says by itself, that somebody signed out, comes to `sso.party.node`. */
export function serveSso(app: ShopApplication, shop: Shop, { party }: ShopSso): void {
  app.post('/sso/start', async (req, res) => {
    res.redirect(303, await party.start(req.session, { returnTo: nextPath(bodyField(req, 'next')) }))
  })

  app.get(CALLBACK, async (req, res) => {
    const outcome = await party.finish(req.session, {
      keep: ['basket'],
      // Who has a second factor here proves it, too: the provider's word would else go round it.
      signIn: (how) => shop.stepUp.signIn(req.session, how as SignInOptions<VisitData>),
    })
    if (!outcome.ok) {
      sendPage(res, signInPage(visitOf(req, shop), { next: '/', problem: FAILED, ...waysIn(shop) }), 400)
      return
    }
    if (req.session.pending !== undefined) {
      res.redirect(303, `/step-up?${new URLSearchParams({ returnTo: outcome.returnTo })}`)
      return
    }
    tell(req.session.data, { name: 'welcome', about: outcome.subject })
    res.redirect(303, outcome.returnTo)
  })

  app.get(AFTER_LOGOUT, async (req, res) => {
    await party.finishSignOut(req.session)
    res.redirect(303, '/signed-out')
  })
}
