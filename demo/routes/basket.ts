/** The basket lives in session data, signed in or not. Every write goes through `session.update`, so that parallel ones all stay. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { nextPath, Refusal, sendJson, sendPage, wantsJson } from '../answers.ts'
import { findBook, ITEM_ID } from '../catalogue.ts'
import { basketPage } from '../pages/basket.ts'
import {
  MOST_OF_ONE,
  MOST_TITLES,
  type Notice,
  type Shop,
  type ShopApplication,
  type ShopSession,
  type VisitData,
} from '../shop.ts'
import { countOf, visitOf } from '../visit.ts'
import { signInNeeded } from './sign-in.ts'

const LONGEST_DELAY = 3000

const quantity = z.number().int().min(0).max(MOST_OF_ONE)
const putBody = z.object({ quantity, delayMs: z.number().int().min(0).max(LONGEST_DELAY).default(0) })
const formBody = z.object({
  quantity: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(quantity),
})

export function serveBasket(app: ShopApplication, shop: Shop): void {
  app.get('/basket', (req, res) => {
    const { basket } = req.session.data
    if (wantsJson(req)) sendJson(res, { items: basket })
    else sendPage(res, basketPage(visitOf(req, shop), basket))
  })

  app.put('/basket/:item', async (req, res) => {
    const item = itemFrom(req.params.item)
    const body = putBody.safeParse(req.body)
    if (!body.success) {
      throw new Refusal(400, `Send {"quantity": 0 to ${MOST_OF_ONE}}, and perhaps "delayMs": 0 to ${LONGEST_DELAY}, as JSON.`)
    }
    refuseIfFull(req.session.data.basket, item, body.data.quantity)
    // The gap in which a race happens: whoever wrote back what was read above would lose what others put in meanwhile, and would
    // bring back a session that was signed out.
    if (body.data.delayMs > 0) await pause(body.data.delayMs)
    await put(req.session, item, body.data.quantity)
    sendJson(res, { items: req.session.data.basket })
  })

  app.post('/basket/:item', async (req, res) => {
    const item = itemFrom(req.params.item)
    const body = formBody.safeParse(req.body)
    if (!body.success) throw new Refusal(400, `How many? A number from 0 to ${MOST_OF_ONE}.`)
    await put(req.session, item, body.data.quantity, { name: body.data.quantity === 0 ? 'removed' : 'changed', about: item })
    res.redirect(303, '/basket')
  })

  app.post('/basket/:item/add', async (req, res) => {
    const item = itemFrom(req.params.item)
    await req.session.update((data) => {
      const before = own(data.basket, item)
      const isFull = before >= MOST_OF_ONE || (before === 0 && Object.keys(data.basket).length >= MOST_TITLES)
      if (!isFull) data.basket[item] = before + 1
      tell(data, { name: isFull ? 'full' : 'added', about: item })
    })
    res.redirect(303, findBook(item) ? nextPath(`/books/${item}`) : '/basket')
  })

  app.post('/reserve', async (req, res) => {
    if (req.session.subject === undefined) return signInNeeded(req, res, shop, '/basket')
    await req.session.update((data) => {
      const count = countOf(data.basket)
      data.basket = {}
      if (count > 0) tell(data, { name: 'reserved', about: String(count) })
    })
    res.redirect(303, '/basket')
  })
}

/** Replaces rather than piles up: a person who reloads nothing in between wants the last word. */
export function tell(data: VisitData, notice: Notice): void {
  data.notices = [notice]
}

async function put(session: ShopSession, item: string, wanted: number, notice?: Notice): Promise<void> {
  await session.update((data) => {
    refuseIfFull(data.basket, item, wanted)
    if (wanted === 0) delete data.basket[item]
    else data.basket[item] = wanted
    if (notice !== undefined) tell(data, notice)
  })
}

function refuseIfFull(basket: Readonly<Record<string, number>>, item: string, wanted: number): void {
  const isNew = wanted > 0 && own(basket, item) === 0
  if (isNew && Object.keys(basket).length >= MOST_TITLES) {
    throw new Refusal(409, `The basket holds ${MOST_TITLES} titles and is full.`)
  }
}

function itemFrom(given: string): string {
  if (!ITEM_ID.test(given)) throw new Refusal(404, 'There is no such book here: ids are letters, digits and hyphens.')
  return given
}

/** `constructor` is a fine id, and every object inherits something of that name. */
function own(basket: Readonly<Record<string, number>>, item: string): number {
  return Object.hasOwn(basket, item) ? (basket[item] ?? 0) : 0
}
