import { type Html, html } from '../html.ts'
import type { Protection } from '../protection/protection.ts'
import type { Visit } from '../visit.ts'
import { layout } from './layout.ts'

/** What guards this visit, as things stand; the script asks again every few seconds and changes the words in place. */
export function protectionPage(visit: Visit, protections: readonly Protection[]): Html {
  return layout(visit, {
    title: 'What protects this visit',
    main: html`<header class="page-head"><h1>What protects this visit</h1><p>As things stand at this moment, in this browser. Each is another layer: what one lets through, the next one meets.</p></header>
<p class="unseen" role="status" data-changes></p>
<ul class="protections" data-protections="/protection?live">${protections.map(protectionItem)}</ul>
<p class="aside">Try it: copy this browser’s cookie into another one, or change its user agent in the developer tools, and look here again.</p>`,
  })
}

function protectionItem({ key, title, strength, headline, why, facts }: Protection): Html {
  return html`<li class="protection" data-protection="${key}" data-strength="${strength}">
${shield()}
<div>
<h2>${title}</h2>
<p class="protection-headline" data-headline>${headline}</p>
<dl>${facts.map(([term, value]) => html`<div><dt>${term}</dt><dd data-fact="${term}">${value}</dd></div>`)}</dl>
<p class="aside">${why}</p>
</div>
</li>`
}

/** Full, half or empty, by the strength on its list item. */
function shield(): Html {
  return html`<svg class="shield" viewBox="0 0 48 56" aria-hidden="true"><path class="shield-half" d="M24 4v48C13 47 6 38 6 26V10z"/><path class="shield-whole" d="M24 4l18 6v16c0 12-7 21-18 26z"/><path class="line" d="M24 4l18 6v16c0 12-7 21-18 26C13 47 6 38 6 26V10z"/></svg>`
}
