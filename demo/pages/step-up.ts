import type { Acr } from 'sojourn'
import type { FactorKind } from 'sojourn/stepup'
import { type Html, html, type Renderable } from '../html.ts'
import { LONGEST_PASSWORD } from '../people.ts'
import type { Visit } from '../visit.ts'
import { layout, PASSKEY_SCRIPTS, tokenField } from './layout.ts'

/** What was asked for, as it travels through the page and its forms. */
export interface Ask {
  /** Where the visitor goes when it is done. */
  readonly next: string
  readonly acr: Acr
  /** Oldest proof that counts, in milliseconds. */
  readonly maxAge: number | undefined
  /** Id of what is to be approved. */
  readonly approval: string | undefined
}

export interface StepUpForm {
  readonly ask: Ask
  readonly name: string
  readonly ways: readonly FactorKind[]
  /** Whether the sign-in's password is too long ago for what is asked. */
  readonly needsPassword: boolean
  /** What is approved by going on, such as `Pay €27.70 for 2 books`. */
  readonly words?: string | undefined
  readonly problem?: string | undefined
  /** Host that passkeys are made for. */
  readonly passkeyHost: string
  /** Whether the shop takes no passwords. */
  readonly isOpaque: boolean
}

export function stepUpPage(visit: Visit, form: StepUpForm): Html {
  const { ways, words, problem, ask } = form
  const isApproval = words !== undefined
  const canProve = ways.length > 0
  return layout(visit, {
    title: problem ? 'That did not work' : isApproval ? 'Please approve' : 'Show that it is you',
    shape: 'narrow',
    scripts: ways.includes('passkey') ? PASSKEY_SCRIPTS : [],
    main: html`<header class="page-head"><h1>${isApproval ? 'Please approve' : 'Show that it is you'}</h1><p>${intro(visit, form)}</p></header>
${problem !== undefined && html`<div class="trouble-box" role="alert"><p>${problem}</p></div>`}
${isApproval && html`<p class="approval">${words}</p>`}
${ways.includes('passkey') && passkeyCard(visit, form)}
${ways.includes('totp') && codeCard(visit, form)}
${ways.includes('recovery') && recoveryCard(visit, form)}
${!canProve && (ask.acr === 'aal1' ? passwordCard(visit, form) : nothingEnrolled())}
${visit.isPending && html`<form class="aside" method="post" action="/logout">${tokenField(visit)}Not ${form.name}, or not now? <button class="quiet">Begin again</button></form>`}`,
  })
}

function intro(visit: Visit, { words, name, ways }: StepUpForm): string {
  if (visit.isPending) return `Your password was right, ${name}. One more proof, and you are in.`
  if (words !== undefined) return 'Read what it is, then prove that it is you. It counts for this and nothing else.'
  return ways.length > 0
    ? 'What you are about to do could hurt you if it were somebody else. So we ask again.'
    : 'What you are about to do needs more than a visit that is still open.'
}

function codeCard(visit: Visit, form: StepUpForm): Html {
  return html`<form class="card" method="post" action="/mfa/totp">${hidden(visit, form.ask)}
${passwordField(form, 'password')}
<div class="field"><label for="code">Code from your app</label><p class="hint" id="code-hint">Six digits; there are new ones every half a minute, and each counts once.</p>
<input id="code" class="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="16" required aria-describedby="code-hint"${!form.ways.includes('passkey') && html` autofocus`}></div>
<button class="main">${goOn(form)}</button>
</form>`
}

function recoveryCard(visit: Visit, form: StepUpForm): Html {
  return html`<details class="other-way"><summary>Use a recovery code</summary>
<form class="card" method="post" action="/mfa/recovery">${hidden(visit, form.ask)}
${passwordField(form, 'recovery-password')}
<div class="field"><label for="recovery">Recovery code</label><p class="hint" id="recovery-hint">One of the ten you kept. It is spent by this.</p>
<input id="recovery" class="code" name="code" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="64" required aria-describedby="recovery-hint"></div>
<button>${goOn(form)}</button>
</form></details>`
}

/** Where the password of the sign-in is the only proof there is. */
function passwordCard(visit: Visit, form: StepUpForm): Html {
  return html`<form class="card" method="post" action="/mfa/password">${hidden(visit, form.ask)}
${passwordField({ ...form, needsPassword: true }, 'password')}
${!form.isOpaque && html`<button class="main">Go on</button>`}
</form>`
}

function nothingEnrolled(): Html {
  return html`<p class="notice">This needs a second proof, and you have none yet. <a href="/security">Add an authenticator app or a passkey</a>, then come back.</p>`
}

/** Without script nothing can ask for a passkey; the button appears where it can. */
function passkeyCard(visit: Visit, { ask, passkeyHost, ways }: StepUpForm): Html {
  return html`<section class="card" data-passkey="prove" data-host="${passkeyHost}" data-next="${ask.next}" data-approval="${ask.approval ?? ''}">
<button class="main" type="button" data-passkey-button hidden>Use your passkey</button>
<p class="hint" role="status" data-passkey-words>A passkey works with script, at the shop’s own address (${passkeyHost}).${ways.includes('totp') && ' Here, use a code.'}</p>
${ask.approval !== undefined && html`<form method="post" action="/checkout" data-passkey-after hidden>${tokenField(visit)}</form>`}
</section>`
}

function passwordField({ needsPassword, isOpaque, ask }: StepUpForm, id: string): Renderable {
  if (needsPassword && isOpaque) {
    const query = new URLSearchParams({ next: ask.next })
    return html`<p class="hint">You gave your password a while ago, and this page takes none. <a href="/login?${query.toString()}">Sign in again</a> first.</p>`
  }
  return (
    needsPassword &&
    html`<div class="field"><label for="${id}">Password</label><p class="hint" id="${id}-hint">You gave it a while ago.</p><input id="${id}" name="password" type="password" autocomplete="current-password" required maxlength="${LONGEST_PASSWORD}" aria-describedby="${id}-hint"></div>`
  )
}

function goOn({ words }: StepUpForm): string {
  return words === undefined ? 'Go on' : 'Approve'
}

function hidden(visit: Visit, { next, acr, maxAge, approval }: Ask): Html {
  return html`${tokenField(visit)}<input type="hidden" name="returnTo" value="${next}"><input type="hidden" name="acr" value="${acr}">${maxAge !== undefined && html`<input type="hidden" name="max_age" value="${maxAge / 1000}">`}${approval !== undefined && html`<input type="hidden" name="approval" value="${approval}">`}`
}
