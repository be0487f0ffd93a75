import { findBook } from '../catalogue.ts'
import { type Html, html } from '../html.ts'
import type { Notice } from '../shop.ts'
import { bookCount, price } from '../words.ts'

interface NoticeText {
  readonly text: Html | string
  readonly link?: { readonly href: string; readonly words: string }
  readonly isTrouble?: boolean
}

const BASKET = { href: '/basket', words: 'See your basket' }

/** The words of a message. It is kept by name, so that nothing but these words can be told. */
export function noticeText({ name, about = '' }: Notice, basketCount: number): NoticeText {
  const withBasket = basketCount > 0 ? ' Your basket came with you.' : ''
  switch (name) {
    case 'added':
      return { text: html`${titleOf(about)} is in your basket.`, link: BASKET }
    case 'changed':
      return { text: html`You changed how many of ${titleOf(about)} you want.` }
    case 'removed':
      return { text: html`${titleOf(about)} is back on the shelf.` }
    case 'full':
      return { text: 'The basket holds no more of that.', link: BASKET, isTrouble: true }
    case 'welcome':
      return { text: html`Welcome back, ${about}.${withBasket}` }
    case 'signed-up':
      return { text: html`Good to have you here, ${about}.${withBasket}` }
    case 'ended-one':
      return { text: 'That device is signed out. Whatever it still does comes to nothing.' }
    case 'ended-others':
      return {
        text:
          about === '0'
            ? 'No other device was signed in.'
            : `Signed out of ${about} other ${about === '1' ? 'device' : 'devices'}.`,
      }
    case 'ended-others-uncounted':
      return { text: 'Every other device is signed out. How many there were, nobody counted.' }
    case 'not-found':
      return { text: 'That device was signed out already.', isTrouble: true }
    case 'reserved':
      return { text: `We have set aside ${bookCount(Number(about))} for you at the counter.` }
    case 'stayed':
      return { text: 'Take your time. You stay signed in.' }
    case 'app-added':
      return { text: 'Your authenticator app is added. From now on signing in asks for its code.' }
    case 'passkey-added':
      return { text: 'Your passkey is added. You can sign in with it alone.' }
    case 'factor-removed':
      return { text: 'It is removed, and opens nothing here any more.' }
    case 'code-spent':
      return {
        text: `That recovery code is spent; ${about} ${about === '1' ? 'is' : 'are'} left. If you have lost your app or passkey, remove it and add another.`,
        link: { href: '/security', words: 'See your security' },
      }
    case 'proved':
      return { text: 'Thank you. Now do again what you were about to do.' }
    case 'paid':
      return { text: `Approved and done: ${price(Number(about))}. Nothing was really paid; the books are invented.` }
  }
}

function titleOf(id: string): Html {
  return html`<cite>${findBook(id)?.title ?? `The unlisted book ${id}`}</cite>`
}
