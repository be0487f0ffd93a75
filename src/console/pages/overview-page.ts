/** The first page: how many are signed in, what the last hour was like, what is refused and why. */
import { plain, tag } from '../bits.ts'
import { bars, meter } from '../chart.ts'
import type { Show, Visit } from '../context.ts'
import { count, countWords } from '../finding.ts'
import { html, type Markup } from '../html.ts'
import { counted, moment } from '../moment.ts'
import { lineOf, timeline } from './timeline.ts'

const MOST_CAUSES = 8
const MOST_EVENTS = 12

export const showOverview: Show = async (visit) => {
  const { context, now } = visit
  const { seen } = context
  const minutes = seen.minutes(now)
  const sum = (pick: (minute: (typeof minutes)[number]) => number) => minutes.reduce((total, minute) => total + pick(minute), 0)
  const [live, due] = await Promise.all([
    count(context.sessions, { state: 'live' }),
    Promise.resolve(context.hub?.deliveries({ limit: 1 })),
  ])
  const { deviations, cautions, preset } = context.sessions.describePolicy()
  const stats: readonly (readonly [string, string | Markup, string])[] = [
    [
      'Live sessions',
      typeof live === 'string' ? '–' : countWords(live),
      typeof live === 'string' ? 'this store cannot count' : 'now, in the store',
    ],
    ['Signed in', sum(({ signIns }) => signIns).toLocaleString('en'), 'in the last hour'],
    ['Ended', sum(({ ended }) => ended).toLocaleString('en'), 'in the last hour'],
    ['Refused', sum(({ refused }) => refused).toLocaleString('en'), 'in the last hour'],
    ...(due === undefined
      ? []
      : [['Notices not delivered', (due.counts.due + due.counts.dead).toLocaleString('en'), 'to applications'] as const]),
  ]
  return {
    title: 'Overview',
    section: '',
    body: html`<div class="head">
        <h1>Overview</h1>
        <p>Who is signed in, and what this server has seen since it started ${moment(seen.since, now)}.</p>
      </div>
      <dl class="stats" data-refresh="stats">${stats.map(([name, value, note]) => html`<div class="stat"><dt>${name}</dt><dd>${value} <span class="small">${note}</span></dd></div>`)}</dl>
      <div class="grid halves">
        <section class="card" aria-labelledby="sign-ins" data-refresh="sign-ins">
          <h2 id="sign-ins">Sign-ins, the last hour</h2>
          ${bars({ values: minutes.map(({ signIns }) => signIns), what: 'sign-ins', kind: 'mark', from: '1 hour ago', to: 'now' })}
        </section>
        <section class="card" aria-labelledby="refusals" data-refresh="refusals">
          <h2 id="refusals">Refusals, the last hour</h2>
          ${bars({ values: minutes.map(({ refused }) => refused), what: 'refusals', kind: 'mark-bad', from: '1 hour ago', to: 'now' })}
        </section>
      </div>
      <div class="grid sides">
        <section class="card" aria-labelledby="latest" data-refresh="latest">
          <h2 id="latest">Latest</h2>
          ${timeline(visit, seen.latest(MOST_EVENTS).map(lineOf))}
        </section>
        <div class="grid">
          <section class="card" aria-labelledby="causes" data-refresh="causes">
            <h2 id="causes">Why requests were refused</h2>
            ${causes(visit)}
          </section>
          <section class="card" aria-labelledby="policy">
            <h2 id="policy">Policy</h2>
            <p>${deviations.length === 0 ? (preset === undefined ? tag('plain', 'no preset') : tag('good', 'as its preset says')) : tag('warn', counted(deviations.length, 'deviation'))} ${cautions.length > 0 && tag('warn', counted(cautions.length, 'caution'))}</p>
            <p><a href=${`${context.base}/policy`}>What is in force</a></p>
          </section>
        </div>
      </div>`,
  }
}

function causes({ context: { seen }, now }: Visit): Markup {
  const all = seen.causes()
  if (all.length === 0) return html`<p class="quiet">Nothing was refused.</p>`
  const most = all[0]!.count
  return html`<ul class="list">
    ${all.slice(0, MOST_CAUSES).map(
      ({ type, reason, count: times, lastAt }) => html`<li class="meter">
        <span>${CAUSES[type] ?? plain(type)}${reason !== undefined && html` <span class="quiet small">${plain(reason)}</span>`}</span>
        <span>${times.toLocaleString('en')} <span class="quiet small">${moment(lastAt, now)}</span></span>
        ${meter(times / most)}
      </li>`,
    )}
  </ul>`
}

/** Causes in plain words; others by their own name. */
const CAUSES: Readonly<Record<string, string>> = {
  'token.refused': 'Token that is none of ours',
  'session.reused': 'Replaced token came back',
  'session.used-after-end': 'Used after its end',
  'csrf.refused': 'Sent by another site’s page',
  'binding.refused': 'Device did not prove its key',
  'transport.refused': 'Not over TLS',
  'assurance.refused': 'More proof was needed',
  'factor.refused': 'Second factor was wrong',
  'throttle.reached': 'Too many tries',
  'provider.sign-in-refused': 'Sign-in at a provider',
  'provider.logout-refused': 'Logout of a provider',
  'token-client.refused': 'Client of the token endpoint',
  'refresh-token.refused': 'Refresh token',
  'refresh-token.reused': 'Replaced refresh token came back',
  'dpop.refused': 'Proof of a token’s key',
  'cookie.duplicated': 'Two cookies of one name',
  'anomaly.detected': 'Looked wrong',
}
