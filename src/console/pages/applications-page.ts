/** Connected applications: which of them know that a session ended, and which could not be told. */
import { cell, named, plain, tag } from '../bits.ts'
import { type Change, changeForm, type Show, told, type Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { moment } from '../moment.ts'
import type { ShownDelivery } from '../neighbours.ts'
import { sessionPath } from './session-rows.ts'

export const showApplications: Show = async (visit) => {
  const { hub } = visit.context
  const { counts, clients, due, dead } = await hub!.deliveries({ limit: 50 })
  const isRetried = hub!.retry !== undefined && counts.dead > 0
  return {
    title: 'Applications',
    section: '/applications',
    body: html`<div class="head"><h1>Connected applications</h1><p>Each is told when a session it takes part in ends. Whoever cannot be told is tried again, and given up at last.</p></div>
      ${told(visit)}
      <section class="card" aria-label="Applications">
        ${clients.length === 0 ? html`<p class="quiet">There are none.</p>` : clientTable(clients)}
      </section>
      <section class="card" aria-labelledby="dead">
        <h2 id="dead">Given up</h2>
        ${dead.length === 0 ? html`<p>${tag('good', 'none')}</p>` : deliveries(visit, dead, 'Notices that were given up, the latest first')}
        ${isRetried && changeForm(visit, '/applications/retry', {}, html`<div class="bar"><button class="main-button">Try ${counts.dead.toLocaleString('en')} again</button></div>`)}
      </section>
      <section class="card" aria-labelledby="due">
        <h2 id="due">Under way</h2>
        ${due.length === 0 ? html`<p>${tag('good', 'none')}</p>` : deliveries(visit, due, 'Notices that will be tried again')}
      </section>`,
  }
}

type Clients = Awaited<ReturnType<NonNullable<Visit['context']['hub']>['deliveries']>>['clients']

function clientTable(clients: Clients): Markup {
  return html`<table>
    <caption>Applications and their notices</caption>
    <thead><tr><th scope="col">Application</th><th scope="col">Takes part in</th><th scope="col">Told</th><th scope="col">Under way</th><th scope="col">Given up</th></tr></thead>
    <tbody>
      ${clients.map(
        ({ id, name, isKnown, counts }) => html`<tr>
          <th scope="row">${named(name ?? id)} ${!isKnown && tag('warn', 'no longer configured')}</th>
          ${cell('Takes part in', `${counts.watching.toLocaleString('en')} live`)} ${cell('Told', counts.delivered.toLocaleString('en'))}
          ${cell('Under way', counts.due.toLocaleString('en'))} ${cell('Given up', counts.dead === 0 ? '0' : tag('bad', counts.dead.toLocaleString('en')))}
        </tr>`,
      )}
    </tbody>
  </table>`
}

function deliveries({ now, context: { base } }: Visit, all: readonly ShownDelivery[], caption: string): Markup {
  return html`<table>
    <caption>${caption}</caption>
    <thead><tr><th scope="col">Session</th><th scope="col">Application</th><th scope="col">Ended</th><th scope="col">Tries</th><th scope="col">Last answer</th></tr></thead>
    <tbody>
      ${all.map(
        ({ sessionId, clientId, endedAt, attempts, lastError }) => html`<tr>
          <th scope="row"><a class="id" href=${base + sessionPath(sessionId)}>${sessionId.slice(0, 8)}…</a></th>
          ${cell('Application', named(clientId))} ${cell('Ended', endedAt === undefined ? undefined : moment(endedAt, now))} ${cell('Tries', String(attempts))}
          ${cell('Last answer', lastError === undefined ? undefined : plain(lastError))}
        </tr>`,
      )}
    </tbody>
  </table>`
}

export const retryDeliveries: Change = async ({ context, actor }) => {
  await context.audit?.record({ action: 'console.deliveries-retry', actor, target: 'all that were given up' })
  const count = await context.hub!.retry!()
  return { location: `/applications?done=retried&count=${count}` }
}
