import type { IncomingMessage } from 'node:http'
import { sendJson, sendPage, wantsJson } from '../answers.ts'
import { headersAsSent } from '../headers.ts'
import { protectionPage } from '../pages/protection.ts'
import { protectionsOf } from '../protection/collect.ts'
import type { ShopGuards } from '../protection/guards.ts'
import type { Shop, ShopApplication } from '../shop.ts'
import { visitOf } from '../visit.ts'

/** Whoever looks at this page keeps nothing alive by it: its script asks every two seconds. */
export function isWatching({ url }: Pick<IncomingMessage, 'url'>): boolean {
  return url === '/protection?live'
}

export function serveProtection(app: ShopApplication, shop: Shop, guards: ShopGuards): void {
  const headers = headersAsSent(shop)
  app.get('/protection', async (req, res) => {
    const protections = protectionsOf(req, { shop, guards, headers: await headers })
    if (wantsJson(req)) sendJson(res, { protections })
    else sendPage(res, protectionPage(visitOf(req, shop), protections))
  })
}
