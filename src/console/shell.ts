/** What is around every page: its head, the way to the others, and the headers that keep it to itself. */
import { named } from './bits.ts'
import { html, type Markup, type Renderable, render } from './html.ts'
import type { PageAnswer } from './mount.ts'

/** A page in parts. */
export interface Page {
  readonly title: string
  /** Address below the mounting path of the page in the menu that it belongs to; the first one's is empty. */
  readonly section: string
  readonly body: Renderable
  readonly status?: number
}

/** What is around pages of one console. */
export interface Frame {
  readonly base: string
  readonly product: string
  readonly sections: readonly { readonly path: string; readonly name: string }[]
  readonly styles: string
  readonly script: string
}

/** Nothing but our own files may load, run, be sent to, or show this page in a frame (CSP3; ASVS 5.0, 3.4.3). */
export const CONTENT_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_POLICY,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // The step-up page brings back to where a form was sent from; nobody else learns the address.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Answers with a page in its frame. */
export async function pageAnswer(
  frame: Frame,
  { title, section, body, status = 200 }: Page,
  who: string | undefined,
): Promise<PageAnswer> {
  const markup = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="robots" content="noindex" />
      <title>${`${title} · ${frame.product} sessions`}</title>
      <link rel="stylesheet" href=${frame.styles} />
      <script type="module" src=${frame.script}></script>
    </head>
    <body data-base=${frame.base}>
      <a class="skip" href="#main">Skip to the page</a>
      ${top(frame, section, who)}
      <main id="main" tabindex="-1">${body}</main>
      <div class="toasts" role="status" aria-live="polite"></div>
      <footer class="foot">Times are relative to when the page was made; point at one for the instant in UTC.</footer>
    </body>
  </html>`
  return {
    status,
    headers: { ...PAGE_HEADERS, 'Content-Type': 'text/html; charset=utf-8' },
    body: `<!doctype html>${await render(markup)}`,
  }
}

function top({ base, product, sections }: Frame, current: string, who: string | undefined): Markup {
  return html`<header class="top">
    <div class="top-in">
      <a class="brand" href=${base}>
        <svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="12" /><path d="M16 9v7l5 3" /></svg>
        <span>Sessions <bdi>${product}</bdi></span>
      </a>
      <nav class="nav" aria-label="Console">
        <ul>
          ${sections.map(({ path, name }) => html`<li><a href=${base + path} aria-current=${path === current ? 'page' : undefined}>${name}</a></li>`)}
        </ul>
      </nav>
      <div class="who">
        ${who !== undefined && html`<span>You are ${named(who)}</span>`}
        <span class="live" data-live-state="" hidden></span>
      </div>
    </div>
  </header>`
}

/** Where nothing is, and for who may not know that something is. */
export const NOTHING_HERE: PageAnswer = {
  status: 404,
  headers: { ...PAGE_HEADERS, 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'Not found\n',
}

/** After a change: the browser asks for a page, and a reload sends nothing again. */
export const seeOther = (location: string): PageAnswer => ({
  status: 303,
  headers: { ...PAGE_HEADERS, Location: location },
  body: '',
})
