import { type Book, findBook, type Shelf, shelfOf, shelves } from '../catalogue.ts'
import { cover } from '../covers.ts'
import { type Html, html } from '../html.ts'
import type { Visit } from '../visit.ts'
import { price } from '../words.ts'
import { layout, tokenField } from './layout.ts'

/** Books on the table by the door. */
const TABLE = ['b17', 'b10', 'b1', 'b32', 'b25']

export function shelvesPage(visit: Visit): Html {
  return layout(visit, {
    title: 'Books for people passing through',
    shape: 'wide',
    main: html`<section class="welcome" aria-labelledby="welcome">
<div class="welcome-words">
<p class="eyebrow">A small shop, open all hours</p>
<h1 id="welcome">Books for people who are only <em>passing through</em>.</h1>
<p class="lead">Thirty-two titles on four shelves, all of them chosen by hand and none of them real. Put something in your basket; it waits for you, and comes along when you sign in.</p>
<p class="welcome-links"><a class="button" href="#shelf-1">Browse the shelves</a>${!visit.reader && !visit.outage && html` <a href="/login">Sign in</a>`}</p>
</div>
<div class="table" aria-hidden="true">${TABLE.map((id) => html`<div class="table-book">${cover(findBook(id), id)}</div>`)}</div>
</section>
${shelves.map((shelf, index) => shelfSection(visit, shelf, index))}`,
  })
}

function shelfSection(visit: Visit, shelf: Shelf, index: number): Html {
  const id = `shelf-${index + 1}`
  return html`<section class="shelf" id="${id}" aria-labelledby="${id}-name">
<header class="shelf-head"><p class="eyebrow">Shelf ${['one', 'two', 'three', 'four'][index]}</p><h2 id="${id}-name">${shelf.name}</h2><p>${shelf.about}</p></header>
<ul class="books">${shelf.books.map((book) => bookCard(visit, book))}</ul>
</section>`
}

function bookCard(visit: Visit, book: Book): Html {
  return html`<li class="book">
<a class="book-link" href="/books/${book.id}">${cover(book, book.id)}<span class="book-title">${book.title}</span></a>
<p class="book-by">${book.author}</p>
<div class="book-foot"><span class="price">${price(book.price)}</span>${addForm(visit, book, 'small')}</div>
</li>`
}

function addForm(visit: Visit, book: Book, size: 'small' | ''): Html {
  return html`<form method="post" action="/basket/${book.id}/add">${tokenField(visit)}<button class="${size || 'main'}">${
    size === 'small' ? html`Add<span class="unseen"> ${book.title} to your basket</span>` : 'Add to your basket'
  }</button></form>`
}

export function bookPage(visit: Visit, book: Book, inBasket: number): Html {
  const shelf = shelfOf(book)
  const others = shelf?.books.filter((other) => other !== book).slice(0, 4) ?? []
  return layout(visit, {
    title: book.title,
    shape: 'wide',
    main: html`<article class="book-page">
<div class="book-stage">${cover(book, book.id)}</div>
<div class="book-words">
<p class="eyebrow">${shelf?.name}</p>
<h1>${book.title}</h1>
<p class="book-author">by ${book.author}</p>
<p class="lead">${book.blurb}</p>
<dl class="facts"><div><dt>First published</dt><dd>${book.year}</dd></div><div><dt>Pages</dt><dd>${book.pages}</dd></div><div><dt>Price</dt><dd>${price(book.price)}</dd></div></dl>
<div class="book-buy">${addForm(visit, book, '')}${inBasket > 0 && html`<p class="in-basket"><a href="/basket">${inBasket} in your basket</a></p>`}</div>
</div>
</article>
<section class="shelf beside" aria-labelledby="beside"><header class="shelf-head"><h2 id="beside">Beside it on the shelf</h2></header><ul class="books">${others.map((other) => bookCard(visit, other))}</ul></section>`,
  })
}
