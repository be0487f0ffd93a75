/** Sessions as a table; on a phone, as cards. */
import type { FoundSession } from '../../core/searching.ts'
import { cell, levelWords, named, plain, tag } from '../bits.ts'
import type { Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { moment } from '../moment.ts'

const shortId = (id: string) => `${id.slice(0, 8)}…`

/** Where a session is shown. */
export const sessionPath = (id: string): string => `/sessions/${encodeURIComponent(id)}`
/** Where a person is shown. */
export const personPath = (subject: string): string => `/people?subject=${encodeURIComponent(subject)}`

/** What became of it, in a word. */
export function stateTag(found: FoundSession): Markup {
  if (found.state === 'unreadable') return tag('bad', 'unreadable')
  if (found.state === 'revoked') return tag('bad', 'ended')
  if (found.state === 'expired') return tag('plain', 'expired')
  return found.pending === undefined ? tag('good', 'live') : tag('warn', 'second factor due')
}

export function sessionTable(visit: Visit, found: readonly FoundSession[], caption: string, showsPerson = true): Markup {
  return html`<table class="dense">
    <caption>${caption}</caption>
    <thead>
      <tr>
        ${showsPerson && html`<th scope="col">Person</th>`}<th scope="col">Session</th><th scope="col">State</th><th scope="col">Device</th>
        <th scope="col">Network</th><th scope="col">Proved</th><th scope="col">Started</th><th scope="col">Last seen</th>
      </tr>
    </thead>
    <tbody>
      ${found.map((one) => row(visit, one, showsPerson))}
    </tbody>
  </table>`
}

function row({ context: { base }, now, session }: Visit, found: FoundSession, showsPerson: boolean): Markup {
  const { id, subject, startedAt } = found
  const summary = found.state === 'live' || found.state === 'expired' ? found : undefined
  const device = found.state === 'unreadable' ? undefined : found.device
  const link = html`<a class="id" href=${base + sessionPath(id)}>${shortId(id)}</a>${id === session.id && html` ${tag('plain', 'yours')}`}`
  const person =
    subject === undefined
      ? html`<span class="quiet">nobody (anonymous)</span>`
      : html`<a href=${base + personPath(subject)}>${named(subject)}</a>`
  return html`<tr>
    ${showsPerson ? html`<th scope="row">${person}</th>${cell('Session', link)}` : html`<th scope="row">${link}</th>`}
    ${cell('State', html`<span>${stateTag(found)}${found.state === 'revoked' && html` <span class="small quiet">${plain(found.revokeReason)}</span>`}</span>`)}
    ${cell('Device', device === undefined ? undefined : named(device))}
    ${cell('Network', summary?.network && html`<code>${named(summary.network)}</code>`)}
    ${cell('Proved', summary && html`<abbr title=${levelWords(summary.acr)}>${summary.acr}</abbr>`)}
    ${cell('Started', Number.isNaN(startedAt) ? undefined : moment(startedAt, now, 'brief'))}
    ${cell('Last seen', summary && moment(summary.lastSeenAt, now, 'brief'))}
  </tr>`
}
