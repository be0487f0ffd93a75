import { type Html, html } from '../html.ts'
import { layout } from './layout.ts'

/** The same for everybody: no session is looked at, so that caches may keep it. */
export function aboutPage(): Html {
  return layout(undefined, {
    title: 'How this shop remembers you',
    main: html`<article class="prose"><header class="page-head"><h1>How this shop remembers you</h1><p>In short: with one cookie, and only once there is something to remember.</p></header>
<h2>While you look around</h2>
<p>There is no cookie and no entry in our books. You are anybody. This page itself is the same for everyone.</p>
<h2>Once something is in your basket</h2>
<p>Your browser gets one cookie with a token of random bytes. We keep only its hash, so whoever steals our database still cannot be you. The basket is sealed before it is stored.</p>
<h2>When you sign in</h2>
<p>The visit gets a new name and a new token, and the old token is worthless from that moment. Your basket comes along; nothing else does. Every so often the token is replaced. If a replaced one turns up again later, somebody copied it, and the visit ends.</p>
<h2>When you leave</h2>
<p>Signing out ends the visit here, not just in your browser. A request that was still under way cannot bring it back. Without a sign of life a visit ends after half an hour, and in any case after twelve hours.</p>
<p><a href="/">Back to the shelves</a></p></article>`,
  })
}
