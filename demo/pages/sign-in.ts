import { type Html, html, type Renderable } from '../html.ts'
import { LONGEST_PASSWORD, SHORTEST_PASSWORD, type SignUpProblems } from '../people.ts'
import type { Visit } from '../visit.ts'
import { layout, OPAQUE_SCRIPTS, PASSKEY_SCRIPTS, tokenField } from './layout.ts'

export interface SignInForm {
  readonly next: string
  readonly username?: string
  /** Why the form is shown: what went wrong, or what ended the visit of before. */
  readonly problem?: string
  readonly reason?: string | undefined
  /** Host that passkeys are made for. */
  readonly passkeyHost: string
  /** Whether the password stays in the browser. */
  readonly isOpaque: boolean
  /** Whether there is Sojourn ID to enter with. */
  readonly hasProvider: boolean
}

export function signInPage(
  visit: Visit,
  { next, username = '', problem, reason, passkeyHost, isOpaque, hasProvider }: SignInForm,
): Html {
  const title = problem ? 'That did not work' : 'Sign in'
  return layout(visit, {
    title,
    shape: 'narrow',
    scripts: isOpaque ? [...PASSKEY_SCRIPTS, ...OPAQUE_SCRIPTS] : PASSKEY_SCRIPTS,
    main: html`<header class="page-head"><h1>${reason ? 'Please sign in again' : 'Come in'}</h1><p>${reason ?? 'Sign in, and your basket comes along.'}</p></header>
${summary(problem)}
${visit.reader && html`<p class="notice">You are signed in as <strong>${visit.reader.name}</strong>. Signing in as somebody else ends that visit.</p>`}
<form class="card" method="post" action="/login" data-passkey="sign-in" data-host="${passkeyHost}" data-next="${next}"${isOpaque && html` data-opaque="sign-in"`}>${tokenField(visit)}
<input type="hidden" name="next" value="${next}">
${isOpaque && opaqueWords()}<fieldset class="bare"${isOpaque && html` disabled`}>
<div class="field"><label for="username">Your name here</label><input id="username" name="username" autocomplete="username webauthn" autocapitalize="none" spellcheck="false" required maxlength="64" value="${username}"${!username && html` autofocus`}></div>
<div class="field"><label for="password">Password</label><input id="password"${!isOpaque && html` name="password"`} type="password" autocomplete="current-password" required maxlength="${LONGEST_PASSWORD}"${username && html` autofocus`}></div>
<label class="check"><input type="checkbox" name="remember" value="yes"> <span>Stay signed in when I close this browser <small>for twelve hours at most; not on a shared one</small></span></label>
<button class="main">Sign in</button>
</fieldset>
<button type="button" data-passkey-button hidden>Use a passkey</button>
<p class="hint" role="status" data-passkey-words hidden></p>
</form>
${hasProvider && html`<form class="other-way" method="post" action="/sso/start">${tokenField(visit)}<input type="hidden" name="next" value="${next}"><button>Sign in with Sojourn ID</button><p class="hint">One sign-in for the shop and the Reading Club.</p></form>`}
<p class="aside">New in town? <a href="/signup${next === '/' ? '' : `?next=${next}`}">Become a reader</a>.</p>`,
  })
}

export interface SignUpForm {
  readonly next: string
  readonly username?: string
  readonly problems?: SignUpProblems
  readonly isOpaque: boolean
}

export function signUpPage(visit: Visit, { next, username = '', problems = {}, isOpaque }: SignUpForm): Html {
  const hasProblems = problems.username !== undefined || problems.password !== undefined
  return layout(visit, {
    title: hasProblems ? 'Please look again' : 'Become a reader',
    shape: 'narrow',
    scripts: isOpaque ? OPAQUE_SCRIPTS : [],
    main: html`<header class="page-head"><h1>Become a reader</h1><p>A name and a password. We ask for nothing else.</p></header>
${summary(hasProblems && 'Please look at what is marked below.')}
<form class="card" method="post" action="/signup" data-next="${next}"${isOpaque && html` data-opaque="sign-up"`}>${tokenField(visit)}
<input type="hidden" name="next" value="${next}">
${isOpaque && opaqueWords()}<fieldset class="bare"${isOpaque && html` disabled`}>
<div class="field"><label for="username">Choose a name</label><p class="hint" id="username-hint">Letters, digits and hyphens; others see it never.</p>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="32" value="${username}" ${describedBy('username', problems.username)}>${fieldProblem('username', problems.username)}</div>
<div class="field"><label for="password">Choose a password</label><p class="hint" id="password-hint">At least ${SHORTEST_PASSWORD} characters. Four words that do not belong together are easy to keep and hard to guess.</p>
<input id="password"${!isOpaque && html` name="password"`} type="password" autocomplete="new-password" required maxlength="${LONGEST_PASSWORD}" ${describedBy('password', problems.password)}>${fieldProblem('password', problems.password)}</div>
<button class="main">Become a reader</button>
</fieldset>
</form>
<p class="aside">Here before? <a href="/login${next === '/' ? '' : `?next=${next}`}">Sign in</a>.</p>`,
  })
}

/** The fields are shut until the script is there that keeps the password here. */
function opaqueWords(): Html {
  return html`<p class="hint" role="status" data-opaque-words>Your password stays in this browser, which proves it without sending it. That takes script, and about a second.</p>`
}

function summary(problem: string | false | undefined): Renderable {
  return problem && html`<div class="trouble-box" role="alert"><p>${problem}</p></div>`
}

function describedBy(field: string, problem: string | undefined): Html {
  return problem === undefined
    ? html`aria-describedby="${field}-hint"`
    : html`aria-describedby="${field}-problem ${field}-hint" aria-invalid="true"`
}

function fieldProblem(field: string, problem: string | undefined): Renderable {
  return problem !== undefined && html`<p class="field-problem" id="${field}-problem">${problem}</p>`
}
