import { type Html, html } from '../html.ts'
import type { ShopSession } from '../shop.ts'
import type { Visit } from '../visit.ts'
import { ago, duration, exactly } from '../words.ts'
import { layout, tokenField } from './layout.ts'

export function accountPage(visit: Visit, session: ShopSession): Html {
  const { startedAt = visit.now, idleDeadline = visit.now, absoluteDeadline = visit.now } = session
  return layout(visit, {
    title: 'Your visit',
    main: html`<header class="page-head"><h1>Your visit, ${session.subject}</h1><p>What the shop knows about it. None of this is secret; the key to it is in your browser’s cookie, where no page can read it.</p></header>
<dl class="ledger">
<div><dt>Started</dt><dd><time datetime="${new Date(startedAt).toISOString()}" title="${exactly(startedAt)}">${ago(startedAt, visit.now)}</time></dd></div>
<div><dt>Ends if you do nothing</dt><dd>in ${duration(idleDeadline - visit.now)} <small>${exactly(idleDeadline)}</small></dd></div>
<div><dt>Ends in any case</dt><dd>in ${duration(absoluteDeadline - visit.now)} <small>${exactly(absoluteDeadline)}</small></dd></div>
<div><dt>When the browser closes</dt><dd>${session.isPersistent ? 'you stay signed in' : 'you are signed out'}</dd></div>
<div><dt>How sure we are it is you</dt><dd>${session.acr} <small>${provedBy(session)}</small></dd></div>
<div><dt>Name of this visit</dt><dd><code>${session.id}</code></dd></div>
</dl>
<div class="deeds"><a class="button" href="/sessions">Your devices</a><a class="button" href="/security">Security</a><a class="button" href="/account">Recent activity</a><a class="button" href="/protection">What protects this visit</a><form method="post" action="/logout">${tokenField(visit)}<button>Sign out</button></form></div>`,
  })
}

const METHODS: Readonly<Record<string, string>> = {
  pwd: 'a password',
  otp: 'a code from your app',
  recovery: 'a recovery code',
  hwk: 'a passkey',
  swk: 'a passkey',
}

/** What was proved in this visit, in words: `a password, a code from your app`. */
export function provedBy({ facts }: Pick<ShopSession, 'facts'>): string {
  const words = facts.flatMap(({ method }) => METHODS[method] ?? [])
  return words.length === 1 && words[0] === 'a password' ? 'a password, nothing more' : [...new Set(words)].join(', ')
}

export function signedOutPage(isEverywhere: boolean): Html {
  return layout(undefined, {
    title: 'Signed out',
    shape: 'narrow',
    main: html`<section class="empty">
<svg class="empty-picture" viewBox="0 0 200 140" aria-hidden="true"><path class="line" d="M70 128V26h60v102M58 128h84"/><path class="line thin" d="M78 36h44v34H78zM78 80h44v40H78z"/><circle class="fill" cx="122" cy="78" r="3.500"/><path class="line thin" d="M100 26v-9m-9 0h18"/></svg>
<h1>See you again</h1>
<p class="lead">You are signed out${isEverywhere && ' on every device'}. Nothing of your visit is left in this browser.</p>
<p><a class="button" href="/">Back to the shelves</a></p>
<p class="aside"><a href="/login">Sign in</a> as somebody else.</p>
</section>`,
  })
}
