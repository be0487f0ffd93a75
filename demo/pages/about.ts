import { type Html, html } from '../html.ts'
import type { Shop } from '../shop.ts'
import { keptIn, whatItMeans } from '../stores/words.ts'
import { duration } from '../words.ts'
import { layout } from './layout.ts'

/** The same for everybody: no session is looked at, so that caches may keep it. */
export function aboutPage({ store, isTls }: Pick<Shop, 'store' | 'isTls'>): Html {
  const isInCookie = store.choice.kind === 'cookie'
  return layout(undefined, {
    title: 'How this shop remembers you',
    main: html`<article class="prose"><header class="page-head"><h1>How this shop remembers you</h1><p>In short: with one cookie, and only once there is something to remember.</p></header>
<h2>While you look around</h2>
<p>There is no cookie and no entry in our books. You are anybody. Only the page to sign in may set a small one, where your browser can use a passkey: by it we know that the answer comes from the browser we asked. This page itself is the same for everyone.</p>
<h2>Once something is in your basket</h2>
<p>${isInCookie ? IN_COOKIE.basket : IN_RECORDS.basket}</p>
<h2>When you sign in</h2>
<p>The visit gets a new name and a new token, and the old token is worthless from that moment. Your basket comes along; nothing else does. ${isInCookie ? IN_COOKIE.signIn : IN_RECORDS.signIn}</p>
${isTls && html`<p>A second cookie then says for three months that this browser was yours before. It opens nothing: it only keeps a stranger who guesses from using up your tries.</p>`}
<h2>When you prove more</h2>
<p>An authenticator app, passkeys and recovery codes are yours, not a visit’s: they are sealed in a file of their own, wherever visits are kept. A visit remembers only what was proved in it and when. Paying takes a proof of the last five minutes, for that sum and those books.</p>
<h2>When you leave</h2>
<p>Signing out ends the visit here, not just in your browser. A request that was still under way cannot bring it back. Without a sign of life a visit ends after half an hour, and in any case after twelve hours.</p>
<h2>Where visits are kept</h2>
<p>In ${keptIn(store)}. ${whatItMeans(store)}</p>
${
  store.maxStaleness > 0 &&
  html`<p>This process keeps copies of visits for at most ${duration(store.maxStaleness)}, so most pages need not ask. When a visit is ended elsewhere, its copy is dropped here at once. Were the message about that lost, the visit could still be read here until those ${duration(store.maxStaleness)} are over, and nothing could be changed with it.</p>`
}
<p><a href="/">Back to the shelves</a></p></article>`,
  })
}

const IN_RECORDS = {
  basket:
    'Your browser gets one cookie with a token of random bytes. We keep only its hash, so whoever steals our database still cannot be you. The basket is sealed before it is stored.',
  signIn: 'Every so often the token is replaced. If a replaced one turns up again later, somebody copied it, and the visit ends.',
} as const

const IN_COOKIE = {
  basket:
    'Your browser gets a cookie with a token of random bytes and the basket itself, sealed so that only we can read or change it. We keep nothing of it, so there is no database to steal.',
  signIn:
    'Every so often the token is replaced. Without records of our own we would not notice a copied cookie; you can always sign out everywhere.',
} as const
