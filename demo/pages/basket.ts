import { findBook } from '../catalogue.ts'
import { cover } from '../covers.ts'
import { type Html, html } from '../html.ts'
import { MOST_OF_ONE } from '../shop.ts'
import { countOf, type Visit } from '../visit.ts'
import { bookCount, price } from '../words.ts'
import { layout, tokenField } from './layout.ts'

export function basketPage(visit: Visit, basket: Readonly<Record<string, number>>): Html {
  const items = Object.entries(basket)
  return layout(visit, { title: 'Your basket', main: items.length === 0 ? emptyBasket() : fullBasket(visit, items, basket) })
}

function emptyBasket(): Html {
  return html`<section class="empty">
<svg class="empty-picture" viewBox="0 0 200 140" aria-hidden="true"><path class="line" d="M28 62h144l-16 62H44z"/><path class="line" d="M44 62c6-44 106-44 112 0"/><path class="line thin" d="M36 84h128M42 106h116M70 62l6 62M100 62v62M130 62l-6 62"/><path class="fill" d="M150 26c8-2 14 0 18 5-7 1-13 0-18-5z"/><path class="fill" d="M40 34c-7-3-13-2-18 3 7 2 13 1 18-3z"/></svg>
<h1>Nothing in it yet</h1>
<p class="lead">An empty basket is light to carry. The shelves are just behind you.</p>
<p><a class="button" href="/">Browse the shelves</a></p>
<p class="aside">A basket lasts as long as a visit does: until you sign out, or for a while after you last looked in.</p>
</section>`
}

function fullBasket(visit: Visit, items: readonly (readonly [string, number])[], basket: Readonly<Record<string, number>>): Html {
  const total = items.reduce((sum, [id, quantity]) => sum + (findBook(id)?.price ?? 0) * quantity, 0)
  return html`<header class="page-head"><h1>Your basket</h1><p>${bookCount(countOf(basket))}${visit.reader ? `, carried by ${visit.reader.name}` : ', kept for this browser alone'}</p></header>
<ul class="lines">${items.map(([id, quantity]) => line(visit, id, quantity))}</ul>
<section class="sum" aria-labelledby="sum"><h2 id="sum">Altogether <span>${price(total)}</span></h2>
${
  visit.reader
    ? html`<div class="deeds sum-deeds"><form method="post" action="/checkout">${tokenField(visit)}<button class="main">Pay ${price(total)}</button></form><form method="post" action="/reserve">${tokenField(visit)}<button>Set them aside for me</button></form></div><p class="aside">Nothing is really paid and nothing is sent. Paying asks you to prove again who you are; set aside, they would wait at the counter until Saturday.</p>`
    : html`<p><a class="button" href="/login?next=/basket">Sign in to have them set aside</a></p><p class="aside">Your basket comes with you when you sign in.</p>`
}
</section>`
}

function line(visit: Visit, id: string, quantity: number): Html {
  const book = findBook(id)
  const title = book?.title ?? `Unlisted book ${id}`
  return html`<li class="line">
<div class="line-cover">${cover(book, id)}</div>
<div class="line-words"><h2>${book ? html`<a href="/books/${id}">${title}</a>` : title}</h2><p class="book-by">${book ? book.author : 'Not in our catalogue; we will ask around.'}</p><p class="price">${book ? html`${price(book.price)}${quantity > 1 && html` <span class="times">× ${quantity} = ${price(book.price * quantity)}</span>`}` : 'Price on request'}</p></div>
<div class="line-deeds">
<form method="post" action="/basket/${id}">${tokenField(visit)}<label><span class="unseen">How many of ${title}</span><input name="quantity" type="number" inputmode="numeric" min="0" max="${MOST_OF_ONE}" required value="${quantity}"></label><button class="small">Change<span class="unseen"> how many of ${title}</span></button></form>
<form method="post" action="/basket/${id}">${tokenField(visit)}<input type="hidden" name="quantity" value="0"><button class="quiet">Put back<span class="unseen"> ${title}</span></button></form>
</div>
</li>`
}
