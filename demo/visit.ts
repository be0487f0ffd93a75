/** What every page knows of the visit it belongs to. */
import { cspNonce } from 'sojourn/headers'
import type { Notice, Shop, ShopRequest } from './shop.ts'
import { keptIn } from './stores/words.ts'

export interface Visit {
  readonly path: string
  readonly now: number
  readonly basketCount: number
  readonly notices: readonly Notice[]
  /** What is known of the visit while the store is away: `nothing`, or what was so a few seconds ago. */
  readonly outage: 'nothing-known' | 'read-only' | undefined
  /** Whether somebody has given their password and not yet what else is due. */
  readonly isPending: boolean
  /** Where visits are kept, for the end of a sentence. */
  readonly keptIn: string
  /** For the forms of a browser that does not say where its requests begin; the others need none, and get no cookie for it. */
  readonly csrfToken: string | undefined
  /** Of this answer alone: scripts of the page carry it. */
  readonly nonce: string
  /** `undefined` for a visitor who has not signed in. */
  readonly reader: VisitingReader | undefined
}

export interface VisitingReader {
  readonly name: string
  readonly sessionId: string
  /** Milliseconds until the visit ends unless the reader does something. */
  readonly timeLeft: number
  /** Whether it ends then whatever the reader does. */
  readonly isFinal: boolean
  readonly idleTimeout: number
}

const NOTHING = { basket: {}, notices: [] } as const

/** Looks at the session, which makes the answer personal. Notices are told once. */
export function visitOf(req: ShopRequest, shop: Shop): Visit {
  const { session } = req
  const now = Date.now()
  // Who has the password alone is shown nothing of the account.
  const isPending = session.pending !== undefined || session.state === 'pending'
  const { basket, notices } = isPending ? NOTHING : session.data
  const outage = session.isReadonly ? 'read-only' : session.state === 'unavailable' ? 'nothing-known' : undefined
  if (notices.length > 0 && outage === undefined) session.data.notices = []
  return {
    path: req.path,
    now,
    basketCount: countOf(basket),
    notices,
    outage,
    isPending,
    keptIn: keptIn(shop.store),
    csrfToken: req.get('Sec-Fetch-Site') === undefined && outage === undefined ? session.csrfToken() : undefined,
    nonce: cspNonce(req.res!),
    reader: isPending ? undefined : readerOf(req, shop, now),
  }
}

export function countOf(basket: Readonly<Record<string, number>>): number {
  return Object.values(basket).reduce((sum, quantity) => sum + quantity, 0)
}

function readerOf({ session }: ShopRequest, shop: Shop, now: number): VisitingReader | undefined {
  const { subject, id, idleDeadline, absoluteDeadline } = session
  if (subject === undefined || id === undefined || idleDeadline === undefined || absoluteDeadline === undefined) return undefined
  return {
    name: subject,
    sessionId: id,
    timeLeft: Math.min(idleDeadline, absoluteDeadline) - now,
    isFinal: absoluteDeadline <= idleDeadline,
    idleTimeout: shop.policy.idleTimeout,
  }
}
