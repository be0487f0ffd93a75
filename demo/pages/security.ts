import type { AcceptedPasskeys, FactorKind, PasskeySummary, RecoveryStatus, TotpEnrolment } from 'sojourn/stepup'
import { Html, html, type Renderable } from '../html.ts'
import type { Visit } from '../visit.ts'
import { ago, exactly } from '../words.ts'
import { layout, PASSKEY_SCRIPTS, tokenField } from './layout.ts'

/** A factor as this page lists it. */
export interface Listed {
  readonly id: string
  readonly kind: FactorKind
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
  readonly passkey: PasskeySummary | undefined
}

export interface Security {
  readonly factors: readonly Listed[]
  readonly recovery: RecoveryStatus
  /** For the browser's password manager, which then forgets the others. */
  readonly accepted: readonly AcceptedPasskeys[]
  readonly passkeyHost: string
  /** Whether the store can end a reader's other visits. */
  readonly canEndOthers: boolean
}

const CHANGES: readonly string[] = ['app-added', 'passkey-added', 'factor-removed']

export function securityPage(visit: Visit, { factors, recovery, accepted, passkeyHost, canEndOthers }: Security): Html {
  const hasChanged = visit.notices.some(({ name }) => CHANGES.includes(name))
  return layout(visit, {
    title: 'Security',
    scripts: PASSKEY_SCRIPTS,
    main: html`<header class="page-head"><h1>Security</h1><p>What opens your account beside the password. With one of these, a stolen password alone is worth nothing here.</p></header>
${hasChanged && canEndOthers && endOthers(visit)}
<ul class="devices">${factors.map((factor) => factorItem(visit, factor, recovery))}</ul>
${factors.length === 0 && html`<p class="aside lonely">So far it is the password alone.</p>`}
<section class="ways" aria-labelledby="add"><h2 id="add">Add another</h2>
<div class="way"><h3>Authenticator app</h3><p>An app on your phone that shows six digits, new ones every half a minute.</p>
<form method="post" action="/security/app">${tokenField(visit)}<button>Add an app</button></form></div>
<div class="way" data-passkey="register" data-host="${passkeyHost}" data-accepted="${JSON.stringify(accepted)}"><h3>Passkey</h3><p>A key on this device or in your password manager, opened by your finger, your face or a PIN. It signs you in by itself, and no other site can ask for it.</p>
<form data-passkey-form hidden><div class="field"><label for="passkey-name">What to call it</label><input id="passkey-name" name="name" maxlength="100" autocomplete="off" placeholder="My laptop"></div><button data-passkey-button>Add a passkey</button></form>
<p class="hint" role="status" data-passkey-words>A passkey needs script, and the shop’s own address (${passkeyHost}).</p></div>
<div class="way"><h3>Recovery codes</h3><p>${recoveryWords(recovery)}</p>
<form method="post" action="/security/recovery-codes">${tokenField(visit)}<button>${recovery.madeAt === undefined ? 'Make recovery codes' : 'Make new codes'}</button></form></div>
</section>`,
  })
}

function factorItem(visit: Visit, { id, kind, name, createdAt, lastUsedAt, passkey }: Listed, recovery: RecoveryStatus): Html {
  const titleId = `factor-${id}`
  return html`<li class="device" data-factor="${id}" data-kind="${kind}">
${picture(kind)}
<div class="device-words">
<h2 id="${titleId}">${name}${passkey?.isSuspected && html` <span class="tag">copied?</span>`}</h2>
<dl>
${name.toLowerCase() !== KINDS[kind] && html`<div><dt>Kind</dt><dd>${KINDS[kind]}</dd></div>`}
<div><dt>Added</dt><dd>${moment(createdAt, visit.now)}</dd></div>
<div><dt>Last used</dt><dd>${lastUsedAt === undefined ? 'never' : moment(lastUsedAt, visit.now)}</dd></div>
${kind === 'recovery' && html`<div><dt>Left</dt><dd>${recovery.left} of 10</dd></div>`}
${passkey && html`<div><dt>Kept</dt><dd>${passkey.isBackedUp ? 'on several devices' : 'on one device'}</dd></div>`}
</dl>
${passkey?.isSuspected && html`<p class="field-problem">There may be a copy of it, so it proves nothing any more. Remove it.</p>`}
</div>
<form method="post" action="/security/factors/${id}/remove">${tokenField(visit)}<button class="quiet" aria-describedby="${titleId}">Remove</button></form>
</li>`
}

const KINDS: Readonly<Record<FactorKind, string>> = {
  totp: 'authenticator app',
  passkey: 'passkey',
  recovery: 'codes on paper',
}

function recoveryWords({ left, isRunningOut, madeAt }: RecoveryStatus): string {
  if (madeAt === undefined)
    return 'Ten codes on paper, for the day you lose the rest. Each counts once, together with your password.'
  return `You have ${left} left.${isRunningOut ? ' Make new ones soon.' : ''} New ones make the old ones worthless.`
}

/** ASVS 5.0, 7.4.3: whoever was in before the change is still in, unless the owner says otherwise. */
function endOthers(visit: Visit): Html {
  return html`<section class="card offer" aria-labelledby="offer"><h2 id="offer">Sign out everywhere else?</h2><p>Whoever is signed in as you elsewhere still is. If you are not sure who that may be, end it now.</p>
<form method="post" action="/sessions/end-others">${tokenField(visit)}<button>Sign out the others</button></form></section>`
}

/** Shown once: the key is the factor itself. */
export function enrolAppPage(visit: Visit, { uri, secret, svg }: TotpEnrolment): Html {
  return layout(visit, {
    title: 'Add an authenticator app',
    shape: 'narrow',
    main: html`<header class="page-head"><h1>Add an app</h1><p>Two steps, within ten minutes. Nobody but your app should ever see this page.</p></header>
<section class="card"><h2>Show it to your app</h2>
<div class="qr">${Html.madeByLibrary(svg)}</div>
<p>Point the app’s camera at it. On this very phone, <a href="${uri}">open it in the app</a>. Or type the key:</p>
<p><code class="key" data-key="${secret}">${groupsOf(secret)}</code></p></section>
${confirmForm(visit, {})}`,
  })
}

/** The code was not right; the key was shown already and stays as it is. */
export function confirmAppPage(visit: Visit, problem: string, name: string): Html {
  return layout(visit, {
    title: 'That did not work',
    shape: 'narrow',
    main: html`<header class="page-head"><h1>Add an app</h1><p>Your app has the key already. Type the code that it shows now.</p></header>
<div class="trouble-box" role="alert"><p>${problem}</p></div>
${confirmForm(visit, { name, hasFocus: true })}
<form class="aside" method="post" action="/security/app">${tokenField(visit)}It never fits? <button class="quiet">Begin with a new key</button></form>`,
  })
}

function confirmForm(visit: Visit, { name = '', hasFocus = false }): Html {
  return html`<form class="card" method="post" action="/security/app/confirm">${tokenField(visit)}<h2>Type what it shows</h2>
<div class="field"><label for="code">Code from your app</label><input id="code" class="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="16" required${hasFocus && html` autofocus`}></div>
<div class="field"><label for="name">What to call it <small>as you like</small></label><input id="name" name="name" maxlength="100" autocomplete="off" placeholder="My phone" value="${name}"></div>
<button class="main">Add this app</button>
</form>`
}

/** Shown once, and never again. */
export function recoveryCodesPage(visit: Visit, codes: readonly string[], canEndOthers: boolean): Html {
  return layout(visit, {
    title: 'Your recovery codes',
    shape: 'narrow',
    main: html`<header class="page-head"><h1>Your recovery codes</h1><p>Print them or write them down now: we keep no copy, and this page cannot be opened again. Each counts once, together with your password.</p></header>
<section class="card"><ol class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol></section>
<p><a class="button" href="/security">I have kept them</a></p>
${canEndOthers && endOthers(visit)}`,
  })
}

function groupsOf(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(' ') ?? ''
}

function moment(instant: number, now: number): Html {
  return html`<time datetime="${new Date(instant).toISOString()}" title="${exactly(instant)}">${ago(instant, now)}</time>`
}

const PICTURES: Readonly<Record<FactorKind, Renderable>> = {
  totp: html`<rect class="line" x="14" y="5" width="20" height="38" rx="4"/><path class="line" d="M21 37h6M20 16h8M20 22h8"/>`,
  passkey: html`<circle class="line" cx="17" cy="18" r="9"/><path class="line" d="M24 24l16 15M33 33l-4 4M38 37l-3 3"/>`,
  recovery: html`<path class="line" d="M11 5h20l7 7v31H11z"/><path class="line" d="M18 20h14M18 27h14M18 34h9"/>`,
}

function picture(kind: FactorKind): Html {
  return html`<svg class="device-picture" viewBox="0 0 48 48" aria-hidden="true">${PICTURES[kind]}</svg>`
}
