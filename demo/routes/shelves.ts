import { Refusal, sendPage } from '../answers.ts'
import { findBook } from '../catalogue.ts'
import { bookPage, shelvesPage } from '../pages/shelves.ts'
import type { Shop, ShopApplication } from '../shop.ts'
import { visitOf } from '../visit.ts'

export function serveShelves(app: ShopApplication, shop: Shop): void {
  app.get('/', (req, res) => sendPage(res, shelvesPage(visitOf(req, shop))))

  app.get('/books/:book', (req, res) => {
    const book = findBook(req.params.book)
    if (book === undefined) throw new Refusal(404, 'There is no such book here. Perhaps nobody has written it yet.')
    sendPage(res, bookPage(visitOf(req, shop), book, req.session.data.basket[book.id] ?? 0))
  })
}
