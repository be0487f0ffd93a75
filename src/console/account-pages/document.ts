/** From a part to a whole answer: the page it stands in, headers, and the stylesheet. */
import { createHash } from 'node:crypto'
import { html, type Markup, render } from '../html.ts'
import type { PageAnswer } from '../mount.ts'
import type { AccountPage, AccountPaths } from './bits.ts'
import type { AccountSettings } from './options.ts'
import { STYLES } from './styles.ts'
import type { AccountWords } from './words.ts'

const VERSION = createHash('sha256').update(STYLES).digest('base64url').slice(0, 10)

/** Changes with what is in it, so that it may be kept for ever. */
export const stylesPath = `account.css?v=${VERSION}`

/** Nothing inline, nothing from elsewhere, no script of ours, and no frame (ASVS 5.0, 3.4.3, 3.4.6). */
const STRICT = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
/** The application's page around the part brings its own scripts and letters. */
const OF_LAYOUT = `${STRICT}; script-src 'self'; connect-src 'self'; font-src 'self'`

/** Headers of every answer. Referrers stay on the site, where the adapter finds the page to come back to after a step-up. */
export function headersOf(policy: string = STRICT): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  }
}

/** The person's own headers are checked for nothing but their names: `Content-Security-Policy` in any spelling replaces ours. */
function withHeaders(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers = headersOf(OF_LAYOUT)
  for (const name of Object.keys(given)) {
    const ours = Object.keys(headers).find((one) => one.toLowerCase() === name.toLowerCase())
    headers[ours ?? name] = given[name]!
  }
  return headers
}

/** @param subject - Nobody's is a refusal, which stands alone: a layout may say whose page it is. */
export async function documentOf(
  { title, body }: AccountPage,
  { words, layout }: Pick<AccountSettings, 'words' | 'layout'>,
  { styles }: AccountPaths,
  subject: string | undefined,
): Promise<{ readonly html: string; readonly headers: Readonly<Record<string, string>> }> {
  const part = html`<div class="sja" lang=${words.lang}>${body}</div>`
  if (layout === undefined || subject === undefined)
    return { html: `<!doctype html>${await render(alone(title, words.lang, styles, part))}`, headers: headersOf() }
  const given = await layout({ title, markup: await render(part), stylesheet: styles, lang: words.lang, subject })
  return typeof given === 'string'
    ? { html: given, headers: headersOf(OF_LAYOUT) }
    : { html: given.html, headers: withHeaders(given.headers ?? {}) }
}

function alone(title: string, lang: string, styles: string, part: Markup): Markup {
  return html`<html lang=${lang}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title}</title>
      <link rel="stylesheet" href=${styles} />
    </head>
    <body class="sja-page"><main>${part}</main></body>
  </html>`
}

/** What is answered where there is no page, or where another site's page may have sent the form. */
export function refusalPage(words: AccountWords, { home }: AccountPaths, why: 'nothing' | 'forged'): AccountPage {
  const { title, text } = words.refused[why]
  return {
    title,
    body: html`<header class="sja-head"><h1>${title}</h1><p>${text}</p></header>
      <p><a class="sja-link" href=${home}>${words.back}</a></p>`,
  }
}

/** The stylesheet is everybody's, and says nothing of anybody. */
export function stylesAnswer(method: string): PageAnswer {
  if (method !== 'GET') return { status: 405, headers: { Allow: 'GET', 'Cache-Control': 'no-store' }, body: '' }
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/css; charset=utf-8',
      'Cache-Control': 'public, max-age=31536000, immutable',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    },
    body: STYLES,
  }
}
