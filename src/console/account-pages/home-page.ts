/** The page itself: devices, all at once, and what happened lately. */
import { html, type Markup } from '../html.ts'
import type { ActivityLine } from './activity.ts'
import { type AccountPage, moment, type View } from './bits.ts'
import { deviceCard } from './device-card.ts'
import { shown } from './name.ts'

/** What was done a moment ago, said at the top. */
export type Told = 'one' | 'others' | 'gone' | 'here'

export function homePage(view: View, lines: readonly ActivityLine[], isLogged: boolean, told: Told | undefined): AccountPage {
  const { words, overview } = view
  return {
    title: words.title,
    body: html`<header class="sja-head">
        <h1>${words.title}</h1>
        <p>${words.intro(words.product)}</p>
      </header>
      ${told !== undefined && html`<p class=${`sja-told${told === 'here' ? ' sja-told-odd' : ''}`} role="status">${words.done[told]}</p>`}
      <section class="sja-section" aria-labelledby="sja-devices">
        <h2 id="sja-devices">${words.devices}</h2>
        <ul class="sja-devices">
          ${overview.devices.map((device) => deviceCard(view, device))}
        </ul>
        ${overview.otherCount === 0 && html`<p class="sja-quiet">${words.alone}</p>`}
        ${!overview.isListed && html`<p class="sja-quiet">${words.cannotList}</p>`}
      </section>
      ${overview.canEndAll && allAtOnce(view)} ${activity(view, lines, isLogged)}`,
  }
}

function allAtOnce({ words, paths, overview }: View): Markup {
  const { canEndOthers, otherCount } = overview
  const count = otherCount === undefined ? '' : ` (${otherCount})`
  return html`<section class="sja-section" aria-labelledby="sja-all">
    <h2 id="sja-all">${words.allAtOnce}</h2>
    <div class="sja-row">
      ${canEndOthers && html`<a class="sja-button" href=${`${paths.end}?which=others`}>${words.endOthers}${count}</a>`}
      <a class="sja-button sja-button-grave" href=${`${paths.end}?which=all`}>${words.endAll}</a>
    </div>
  </section>`
}

function activity(view: View, lines: readonly ActivityLine[], isLogged: boolean): Markup {
  const { words } = view
  return html`<section class="sja-section" aria-labelledby="sja-activity">
    <h2 id="sja-activity">${words.activity}</h2>
    ${!isLogged && html`<p class="sja-quiet">${words.onlySignIns}</p>`}
    ${lines.length === 0 ? html`<p class="sja-quiet">${words.noActivity}</p>` : html`<ol class="sja-activity">${lines.map((line, index) => item(view, line, index))}</ol>`}
  </section>`
}

function item(view: View, { type, at, text, sessionId, isOdd, isDeed }: ActivityLine, index: number): Markup {
  const { words, paths, overview, session } = view
  const device = overview.devices.find(({ id }) => id === sessionId)
  const name = device?.isCurrent ? undefined : device?.name
  const textId = `sja-line-${index}`
  return html`<li class=${isOdd ? 'sja-line sja-line-odd' : 'sja-line'}>
    <p class="sja-line-words" id=${textId}>
      ${isOdd && html`<span class="sja-tag sja-tag-odd">${words.attention}</span> `}${words.happened(type, text)}
      ${device?.isCurrent && html` <span class="sja-quiet">${words.onThisDevice}</span>`}
      ${name !== undefined && html` <bdi class="sja-quiet" title=${shown(name).title}>${shown(name).text}</bdi>`}
    </p>
    <p class="sja-line-when">${moment(view, at)}</p>
    ${
      isDeed &&
      sessionId !== session.id &&
      html`<a class="sja-link" href=${sessionId === undefined ? paths.notMe : `${paths.notMe}?id=${encodeURIComponent(sessionId)}`} aria-describedby=${textId}>${words.notMe}</a>`
    }
  </li>`
}
