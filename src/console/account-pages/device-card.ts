/** One device in the list: what it is called, where and since when, and what can be done about it. */
import { html, type Markup } from '../html.ts'
import { moment, type View } from './bits.ts'
import { shown } from './name.ts'
import type { Device } from './overview.ts'

export function deviceCard(view: View, device: Device): Markup {
  const { words, paths, overview, session } = view
  const { id, isCurrent, isPending } = device
  const titleId = `sja-device-${id}`
  const name = shown(device.name ?? words.unknownDevice)
  const provider = device.provider === undefined ? undefined : hostOf(device.provider)
  return html`<li class=${`sja-device${isCurrent ? ' sja-device-current' : ''}`} data-session=${id}>
    ${picture(name.text)}
    <div class="sja-device-words">
      <h3 class="sja-name" id=${titleId}>
        <bdi title=${name.title}>${name.text}</bdi>
        ${isCurrent && html` <span class="sja-tag">${words.thisDevice}</span>`}
        ${isPending && html` <span class="sja-tag sja-tag-odd">${words.isPending}</span>`}
      </h3>
      ${isPending && html`<p class="sja-odd-note">${words.pendingNote}</p>`}
      <dl class="sja-facts">
        ${device.place !== undefined && fact(words.place, html`<bdi title=${shown(device.place).title}>${shown(device.place).text}</bdi>`)}
        ${provider !== undefined && fact(words.signedInWith, html`<bdi title=${shown(provider).title}>${shown(provider).text}</bdi>`)}
        ${device.startedAt !== undefined && fact(words.started, moment(view, device.startedAt))}
        ${device.lastSeenAt !== undefined && fact(words.lastUsed, isCurrent ? words.now : moment(view, device.lastSeenAt))}
      </dl>
    </div>
    <div class="sja-deeds">
      ${(isCurrent || overview.canEndOne) && html`<a class="sja-button" href=${`${paths.end}?id=${id}`} aria-describedby=${titleId}>${words.endOne}</a>`}
      ${id !== session.id && html`<a class="sja-button sja-button-grave" href=${`${paths.notMe}?id=${id}`} aria-describedby=${titleId}>${words.notMe}</a>`}
    </div>
  </li>`
}

function fact(name: string, value: Markup | string): Markup {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

/** A provider is known by its host; an issuer that is no URL is shown as it is. */
function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).host : issuer
}

/** A phone for what is carried, a screen for the rest. */
export function picture(name: string): Markup {
  const isHandheld = /iPhone|iPad|Android/.test(name)
  return html`<svg class="sja-picture" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
    ${
      isHandheld
        ? html`<rect x="14" y="5" width="20" height="38" rx="4" /><path d="M21 37h6" />`
        : html`<rect x="7" y="9" width="34" height="23" rx="3" /><path d="M3 39h42M20 32l-1.5 7M28 32l1.5 7" />`
    }
  </svg>`
}
