/** The pages of Sojourn ID: few, plain, and unlike the shop's, so that nobody mistakes whom they give a password to. */
import { Html, html, type Renderable } from '../html.ts'
import { LONGEST_PASSWORD } from '../people.ts'
import { duration } from '../words.ts'

interface SignInWords {
  /** Where the visitor goes on to. */
  readonly app: string
  readonly uid: string
  readonly name?: string
  readonly isWrong?: boolean
  /** Milliseconds until the next try counts. */
  readonly wait?: number
}

interface Place {
  readonly name: string
  readonly origin: string
}

export function signInPage({ app, uid, name = '', isWrong = false, wait }: SignInWords): string {
  return page(
    `Sign in to ${app}`,
    html`<h1>Sign in</h1>
<p>and go on to <strong>${app}</strong>. You do this once; every application that knows Sojourn ID then knows you.</p>
${wait !== undefined && html`<p class="trouble" role="alert">Somebody has tried this name too often. Try again in ${duration(wait)}.</p>`}
${isWrong && html`<p class="trouble" role="alert">This name and this password do not belong together.</p>`}
<form method="post" action="/sign-in/${uid}">
<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" value="${name}"${name === '' && html` autofocus`}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="${LONGEST_PASSWORD}"${name !== '' && html` autofocus`}>
<button>Sign in</button>
</form>`,
  )
}

/** The form is oidc-provider's own markup. */
export function leavingPage(form: string): string {
  return page(
    'Sign out',
    html`<h1>Sign out everywhere?</h1>
<p>Every application you reached with Sojourn ID signs you out, too.</p>
${Html.madeByLibrary(form)}
<button form="op.logoutForm" name="logout" value="yes">Sign out everywhere</button>
<button class="quiet" form="op.logoutForm">Stay signed in here</button>
<script src="/leave.js" defer></script>`,
  )
}

export function goodbyePage(places: readonly Place[]): string {
  return page('Sojourn ID', html`<h1>Sojourn ID</h1><p>One sign-in for these:</p>${list(places)}`)
}

/** Says nothing of what went wrong: it may repeat what was sent. */
export function failedPage(places: readonly Place[]): string {
  return page(
    'That did not work',
    html`<h1>That did not work</h1><p>This sign-in is over, or began in another browser. Begin again:</p>${list(places)}`,
  )
}

function list(places: readonly Place[]): Renderable {
  return html`<ul>${places.map(({ name, origin }) => html`<li><a href="${origin}/">${name}</a></li>`)}</ul>`
}

function page(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Sojourn ID</title>
<link rel="stylesheet" href="/styles.css">
</head>
<body>
<main>
<p class="mark"><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="9" cy="12" r="5"/><path d="M14 12h8M19 12v4"/></svg>Sojourn ID</p>
${main}
</main>
</body>
</html>
`.toString()
}

/** One light and one dark face; sizes follow the reader's own. */
export const providerStyles = `
:root { color-scheme: light dark; --ground: #eef2f4; --card: #fff; --ink: #14232b; --soft: #51646e; --edge: #7d8f99; --accent: #0b5c70; --on-accent: #fff; --trouble: #9b1c1c; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0e171b; --card: #16232a; --ink: #e6eef1; --soft: #a3b5bd; --edge: #6b7f89; --accent: #6fc6da; --on-accent: #06222a; --trouble: #ff9d92; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(26rem, 100%); padding: clamp(1.25rem, 5vw, 2.25rem); background: var(--card); border-radius: 1rem; box-shadow: 0 1px 2px rgb(0 0 0 / .08), 0 12px 32px rgb(0 0 0 / .12); }
.mark { display: flex; align-items: center; gap: .5rem; margin: 0 0 1.5rem; font-weight: 600; color: var(--accent); }
.mark svg { width: 1.5rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.2; }
p { margin: 0 0 1rem; color: var(--soft); }
p strong { color: var(--ink); }
.trouble { color: var(--trouble); font-weight: 600; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--edge); border-radius: .5rem; }
button { display: block; width: 100%; min-height: 2.75rem; margin-top: 1.25rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: .5rem; cursor: pointer; }
button.quiet { margin-top: .75rem; color: var(--accent); background: transparent; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`
