import { type Html, html } from '../html.ts'
import { layout } from './layout.ts'

/**
 * A page for what went wrong. It says nothing personal: the session may be what failed.
 *
 * @param again - The page to try once more, where that may help and does nothing twice.
 */
export function troublePage(status: number, message: string, again?: string): Html {
  const heading = HEADINGS[status] ?? (status < 500 ? 'That did not work' : 'Something broke')
  return layout(undefined, {
    title: heading,
    shape: 'narrow',
    isReaderUnknown: status === 503,
    main: html`<section class="empty"><p class="status" aria-hidden="true">${status}</p><h1>${heading}</h1><p class="lead">${message}</p>${again === undefined ? html`<p><a class="button" href="/">Back to the shelves</a></p>` : html`<p><a class="button" href="${again}">Try again</a></p><p class="aside"><a href="/">Back to the shelves</a></p>`}</section>`,
  })
}

const HEADINGS: Readonly<Record<number, string>> = {
  401: 'Please sign in again',
  403: 'Not from over there',
  404: 'Not on any shelf',
  413: 'Too much to carry',
  501: 'Not in this shop',
  503: 'The ledger is out of reach',
}
