import type { SessionSummary } from 'sojourn'
import { type Html, html } from '../html.ts'
import type { Visit } from '../visit.ts'
import { ago, duration, exactly } from '../words.ts'
import { layout, tokenField } from './layout.ts'

export type Device = Pick<SessionSummary, 'id' | 'startedAt' | 'lastSeenAt' | 'idleDeadline' | 'absoluteDeadline' | 'device'> &
  Partial<Pick<SessionSummary, 'provider'>> & {
    readonly isCurrent: boolean
  }

export const UNKNOWN_DEVICE = 'A device we do not know'

export function devicesPage(visit: Visit, devices: readonly Device[]): Html {
  const newestFirst = devices.toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || b.lastSeenAt - a.lastSeenAt)
  const hasOthers = devices.some((device) => !device.isCurrent)
  return layout(visit, {
    title: 'Your devices',
    main: html`<header class="page-head"><h1>Your devices</h1><p>Everywhere you are signed in. If you do not know one, sign it out and choose a new password.</p></header>
<ul class="devices">${newestFirst.map((device) => deviceItem(visit, device))}</ul>
${!hasOthers && html`<p class="aside lonely">You are signed in nowhere else.</p>`}
${allAtOnce(visit, hasOthers)}`,
  })
}

/** Where the store keeps no list. What it can do all the same is end all of them at once. */
export function unlistedDevicesPage(visit: Visit, thisDevice: Device, whyNot: string): Html {
  return layout(visit, {
    title: 'Your devices',
    main: html`<header class="page-head"><h1>Your devices</h1><p>${whyNot}</p></header>
<ul class="devices">${deviceItem(visit, thisDevice)}</ul>
<p class="aside lonely">If somebody else may be signed in as you, sign out the others and choose a new password.</p>
${allAtOnce(visit, true)}`,
  })
}

function allAtOnce(visit: Visit, hasOthers: boolean): Html {
  return html`<section class="all-devices" aria-labelledby="all"><h2 id="all">All at once</h2>
<div class="deeds">
${hasOthers && html`<form method="post" action="/sessions/end-others">${tokenField(visit)}<button>Sign out the others</button></form>`}
<form method="post" action="/sessions/end-all">${tokenField(visit)}<button class="grave">Sign out everywhere, here too</button></form>
</div></section>`
}

function deviceItem(visit: Visit, device: Device): Html {
  const { now } = visit
  const name = device.device ?? UNKNOWN_DEVICE
  const titleId = `device-${device.id}`
  return html`<li class="device${device.isCurrent && ' this-one'}" data-device="${device.id}">
${picture(name)}
<div class="device-words">
<h2 id="${titleId}">${name}${device.isCurrent && html` <span class="tag">this one</span>`}</h2>
<dl>
<div><dt>Place</dt><dd>unknown yet</dd></div>
${device.provider !== undefined && html`<div><dt>Signed in with</dt><dd>Sojourn ID <small>${new URL(device.provider).host}</small></dd></div>`}
<div><dt>Started</dt><dd>${moment(device.startedAt, now)}</dd></div>
<div><dt>Last seen</dt><dd>${moment(device.lastSeenAt, now)}</dd></div>
<div><dt>Ends if unused</dt><dd>in ${duration(Math.min(device.idleDeadline, device.absoluteDeadline) - now)}</dd></div>
</dl>
</div>
<form method="post" action="/sessions/${device.id}/end">${tokenField(visit)}<button class="${device.isCurrent ? 'quiet' : ''}" aria-describedby="${titleId}">Sign out</button></form>
</li>`
}

function moment(instant: number, now: number): Html {
  return html`<time datetime="${new Date(instant).toISOString()}" title="${exactly(instant)}">${ago(instant, now)}</time>`
}

/** A phone for what is carried, a screen for the rest. */
function picture(name: string): Html {
  const isHandheld = /iPhone|iPad|Android/.test(name)
  return html`<svg class="device-picture" viewBox="0 0 48 48" aria-hidden="true">${
    isHandheld
      ? html`<rect class="line" x="14" y="5" width="20" height="38" rx="4"/><path class="line" d="M21 37h6"/>`
      : html`<rect class="line" x="7" y="9" width="34" height="23" rx="3"/><path class="line" d="M3 39h42M20 32l-1.500 7M28 32l1.500 7"/>`
  }</svg>`
}
