/**
 * Check-out: the one deed here that needs both factors, proved within five minutes, and an approval of exactly these books for exactly this sum. A proof that was
 * given for something else pays nothing (ASVS 5.0, 7.5.3).
 */
import { AssuranceError } from 'sojourn'
import { Refusal, sendJson, wantsJson } from '../answers.ts'
import { findBook } from '../catalogue.ts'
import { isProgram as isProgramOfItsOwn } from '../guard.ts'
import type { Shop, ShopApplication, ShopSession, VisitData } from '../shop.ts'
import { TO_PAY } from '../step-up/open.ts'
import { countOf } from '../visit.ts'
import { bookCount, price } from '../words.ts'
import { tell } from './basket.ts'
import { signInNeeded } from './sign-in.ts'

/** What is bought, and for how much in cents. Books that are not in the catalogue have no price yet and cost nothing here. */
interface Order {
  readonly items: Readonly<Record<string, number>>
  readonly total: number
}

export function serveCheckout(app: ShopApplication, shop: Shop): void {
  const { approvals } = shop.stepUp

  app.post('/checkout', async (req, res) => {
    const { session } = req
    const isProgram = wantsJson(req)
    if (session.subject === undefined && !isProgram) return signInNeeded(req, res, shop, '/basket')
    if (session.subject === undefined) session.requireAssurance(TO_PAY)
    const order = orderOf(session)
    const paid = (await pay(session, shop)) ?? (isProgramOfItsOwn(req) ? await payByLatestProof(session) : undefined)
    if (paid !== undefined) {
      if (isProgram) sendJson(res, { total: paid.total, items: paid.items })
      else res.redirect(303, '/basket')
      return
    }
    if (Object.keys(order.items).length === 0) {
      if (isProgram) session.requireAssurance(TO_PAY)
      throw new Refusal(409, 'There is nothing in the basket.')
    }
    const approval = await approvals.request(session, { ...operationOf(order), words: wordsOf(order) })
    if (isProgram) throw new ApprovalNeeded(session, order, approval)
    const query = new URLSearchParams({ acr: TO_PAY.acr, max_age: String(TO_PAY.maxAge / 1000), approval, returnTo: '/basket' })
    res.redirect(303, `/step-up?${query}`)
  })
}

/** Says what to prove, and for what. The challenge is RFC 9470's; with a proof that is recent enough, but for something else, it asks for one of now. */
export class ApprovalNeeded extends AssuranceError {
  readonly approval: string
  readonly total: number

  constructor(session: ShopSession, { total }: Order, approval: string) {
    super({ ...TO_PAY, maxAge: session.meets(TO_PAY) ? 0 : TO_PAY.maxAge, isSignedIn: true })
    this.approval = approval
    this.total = total
  }
}

/** Pays for the basket as it is, if exactly that was approved; `undefined` if not. Of two requests at once one pays. */
export async function pay(session: ShopSession, { stepUp }: Pick<Shop, 'stepUp'>): Promise<Order | undefined> {
  const order = orderOf(session)
  if (!session.meets(TO_PAY) || !(await stepUp.approvals.spend(session, operationOf(order)))) return undefined
  await session.update((data) => hand(data, order))
  return order
}

/**
 * The same for a program, which has named the deed itself: the second factor it proved with at most five minutes ago pays once, unless it was given for
 * something else. A person, and whatever runs in their browser, is shown the sum first and proves for that.
 */
async function payByLatestProof(session: ShopSession): Promise<Order | undefined> {
  const order = orderOf(session)
  if (!session.meets(TO_PAY) || Object.keys(order.items).length === 0) return undefined
  const proofAt = latestProofAt(session)
  let hasPaid = false
  await session.update((data) => {
    hasPaid = (data.usedProofAt ?? 0) < proofAt
    if (!hasPaid) return
    data.usedProofAt = proofAt
    hand(data, order)
  })
  return hasPaid ? order : undefined
}

/** A proof that was given for one thing is for nothing else. */
export function useUpLatestProof(session: ShopSession): Promise<void> {
  return session.update((data) => {
    data.usedProofAt = latestProofAt(session)
  })
}

function latestProofAt({ facts }: ShopSession): number {
  return Math.max(0, ...facts.map(({ at }) => at))
}

function hand(data: VisitData, { items, total }: Order): void {
  if (!isSame(data.basket, items))
    throw new Refusal(409, 'The basket changed while it was paid for, so nothing was. Please approve it again.')
  data.basket = {}
  tell(data, { name: 'paid', about: String(total) })
}

function orderOf({ data }: ShopSession): Order {
  const items = { ...data.basket }
  return { items, total: Object.entries(items).reduce((sum, [id, quantity]) => sum + (findBook(id)?.price ?? 0) * quantity, 0) }
}

function operationOf(order: Order): { readonly operation: string; readonly parameters: unknown } {
  return { operation: 'pay', parameters: order }
}

const MOST_NAMED = 3

/** Written from the same values that are approved. */
function wordsOf({ items, total }: Order): string {
  const titles = Object.entries(items).map(
    ([id, quantity]) => `${quantity > 1 ? `${quantity} × ` : ''}${findBook(id)?.title ?? `the unlisted book ${id}`}`,
  )
  const named = titles.slice(0, MOST_NAMED).join(', ')
  const more = titles.length > MOST_NAMED ? ` and ${titles.length - MOST_NAMED} more` : ''
  return `Pay ${price(total)} for ${bookCount(countOf(items))}: ${named}${more}`
}

function isSame(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): boolean {
  const ids = Object.keys(one)
  return ids.length === Object.keys(other).length && ids.every((id) => Object.hasOwn(other, id) && one[id] === other[id])
}
