import { type AssetName, assetPath } from '../assets.ts'
import { type Html, html, type Renderable } from '../html.ts'
import type { Visit, VisitingReader } from '../visit.ts'
import { duration } from '../words.ts'
import { noticeText } from './notices.ts'

export interface Page {
  readonly title: string
  readonly main: Renderable
  /** For the outer shape of a page: `wide` for shelves, `narrow` for forms. Default `plain`. */
  readonly shape?: 'wide' | 'plain' | 'narrow'
  /** Who has a session and cannot be looked up is not asked to sign in: they may be signed in already. */
  readonly isReaderUnknown?: boolean
  /** Further scripts of this page, in order. */
  readonly scripts?: readonly AssetName[]
}

/** What a page with a password field loads with `--opaque`. */
export const OPAQUE_SCRIPTS: readonly AssetName[] = ['opaque.js']

/** What pages with passkeys load. */
export const PASSKEY_SCRIPTS: readonly AssetName[] = ['simplewebauthn.js', 'passkeys.js']

/** The warning appears when this much is left: two minutes, or less where a whole visit is short. */
const WARN_BEFORE = 120_000

/** A whole document. Without a visit it says nothing personal: for refusals, and for pages that anybody's cache may keep. */
export function layout(
  visit: Visit | undefined,
  { title, main, shape = 'plain', isReaderUnknown = visit?.outage !== undefined, scripts = [] }: Page,
): Html {
  const reader = visit?.reader
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#f7efe0" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#1a1411" media="(prefers-color-scheme: dark)">
<title>${title} · Sojourn Books</title>
<link rel="icon" href="${assetPath('mark.svg')}" type="image/svg+xml">
<link rel="preload" href="/assets/fonts/fraunces.woff2" as="font" type="font/woff2" crossorigin>
<link rel="preload" href="/assets/fonts/literata.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="${assetPath('shop.css')}">
<script src="${assetPath('shop.js')}" type="module"${visit && html` nonce="${visit.nonce}"`}></script>
${scripts.map((name) => html`<script src="${assetPath(name)}" ${name === 'simplewebauthn.js' ? 'defer' : 'type=module'}${visit && html` nonce="${visit.nonce}"`}></script>`)}
</head>
<body${visit && html` data-personal`}>
<a class="skip" href="#main">Skip to the books</a>
<header class="masthead">
<div class="masthead-inner">
<a class="wordmark" href="/"${current(visit, '/')}><svg class="wordmark-mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M16 9.500C12.600 6.900 8.700 6.300 5 7.200v17c3.700-.9 7.600-.3 11 2.300 3.400-2.600 7.300-3.200 11-2.300v-17c-3.700-.9-7.600-.3-11 2.300z" fill="none" stroke="currentColor" stroke-width="1.800" stroke-linejoin="round"/><path d="M16 9.500v17" stroke="currentColor" stroke-width="1.800"/></svg><span>Sojourn <em>Books</em></span></a>
<nav aria-label="Shop"${reader && html` class="signed-in"`}>
<ul>
<li><a href="/basket"${current(visit, '/basket')}>Basket${visit && visit.basketCount > 0 && html` <span class="count">${visit.basketCount}<span class="unseen"> in it</span></span>`}</a></li>
${reader ? readerLinks(visit, reader) : visit?.isPending ? html`<li><a href="/step-up"${current(visit, '/step-up')}>Finish signing in</a></li>` : !isReaderUnknown && html`<li><a href="/login"${current(visit, '/login')}>Sign in</a></li>`}
</ul>
</nav>
</div>
</header>
${visit?.outage && outageNotice(visit.outage)}
${visit && notices(visit)}
<main id="main" class="${shape}" tabindex="-1">
${main}
</main>
<footer class="colophon">
<div class="colophon-inner">
${reader && timeLeft(reader, visit)}
<p>Sojourn Books is a demonstration of <strong>Sojourn</strong>, session management for TypeScript. Its books are invented and nothing is for sale.${visit && html` Visits are kept in ${visit.keptIn}.`}</p>
<p><a href="/about">How this shop remembers you</a> · <a href="/protection">What protects this visit</a>${reader && html` · <a href="/security">Security</a>`}</p>
</div>
</footer>
${reader && warning(reader, visit)}
</body>
</html>
`
}

/** The first thing in every form that changes something. */
export function tokenField(visit: Visit | undefined): Renderable {
  return visit?.csrfToken !== undefined && html`<input type="hidden" name="csrf_token" value="${visit.csrfToken}">`
}

function current(visit: Visit | undefined, path: string): Renderable {
  return visit?.path === path && html` aria-current="page"`
}

function readerLinks(visit: Visit | undefined, reader: VisitingReader): Html {
  return html`<li><a href="/sessions"${current(visit, '/sessions')}>Your devices</a></li>
<li><a class="reader" href="/me"${current(visit, '/me')}><span class="initial" aria-hidden="true">${reader.name.slice(0, 1).toUpperCase()}</span><span class="reader-name">${reader.name}</span></a></li>
<li><form method="post" action="/logout">${tokenField(visit)}<button class="quiet">Sign out</button></form></li>`
}

function notices({ notices: told, basketCount }: Visit): Renderable {
  return (
    told.length > 0 &&
    html`<div class="notices" role="status">${told.map((notice) => {
      const { text, link, isTrouble } = noticeText(notice, basketCount)
      return html`<p class="notice${isTrouble && ' trouble'}">${text}${link && html` <a href="${link.href}">${link.words}</a>`}</p>`
    })}</div>`
  )
}

function outageNotice(outage: NonNullable<Visit['outage']>): Html {
  const words =
    outage === 'read-only'
      ? 'Our ledger is out of reach. This is what it said a few seconds ago; for the moment nothing can be changed.'
      : 'Our ledger is out of reach, so we do not know who you are. You are not signed out: look around meanwhile.'
  return html`<div class="notices" role="status"><p class="notice trouble">${words}</p></div>`
}

/** Right when the page was made; the script keeps it right. */
function timeLeft(reader: VisitingReader, visit: Visit | undefined): Html {
  return html`<div class="time-left">
<p>Signed in as <strong>${reader.name}</strong>. ${
    reader.isFinal
      ? html`This visit ends in <strong data-time-left>${duration(reader.timeLeft)}</strong>, whatever you do.`
      : html`If you do nothing, this visit ends in <strong data-time-left>${duration(reader.timeLeft)}</strong>.`
  }</p>
${!reader.isFinal && stayForm(visit)}
</div>`
}

function warning(reader: VisitingReader, visit: Visit | undefined): Html {
  const warnBefore = Math.min(WARN_BEFORE, reader.idleTimeout / 3)
  return html`<aside class="warning" aria-label="Time left" data-session="${reader.sessionId}" data-left="${reader.timeLeft}" data-warn="${warnBefore}"${reader.isFinal && html` data-final`} hidden>
<p><span role="status" data-warning-words></span> <span class="warning-clock" aria-hidden="true" data-clock></span></p>
${reader.isFinal ? html`<a class="button small" href="/basket">Look at your basket</a>` : stayForm(visit)}
</aside>`
}

function stayForm(visit: Visit | undefined): Html {
  return html`<form method="post" action="/stay" data-stay>${tokenField(visit)}<input type="hidden" name="next" value="${visit?.path ?? '/'}"><button class="small">Stay signed in</button></form>`
}
