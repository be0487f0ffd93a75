/** What looked wrong: the sentence, how sure the detector is, what that rests on, what was done, and the way to decide. */
import { isSojournError } from '../../core/errors.ts'
import type { ConsoleAudit } from '../audit.ts'
import { named, plain, tag } from '../bits.ts'
import { meter } from '../chart.ts'
import type { Show, Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { moment } from '../moment.ts'
import { personPath, sessionPath } from './session-rows.ts'

const ENTRIES = 30
const TYPE = 'anomaly.detected'
const MOST_FEATURES = 6

/** One anomaly, whether it was remembered by the log or by this process. */
interface Anomaly {
  readonly at: number
  readonly signal: string
  readonly score: number
  readonly action: string
  readonly isShadow: boolean
  readonly features: readonly { readonly name: string; readonly contribution: number }[]
  readonly reason: string
  readonly subject: string | undefined
  readonly sessionId: string | undefined
}

export const showAnomalies: Show = async (visit) => {
  const { audit, seen, base } = visit.context
  const { query } = visit
  const place = (name: string) => query.get(name) ?? undefined
  const logged = audit?.search === undefined ? undefined : await pageOf(audit.search.bind(audit), place('older'), place('newer'))
  const found = logged?.entries ?? seen.latest(ENTRIES, ({ type }) => type === TYPE)
  const anomalies = found.flatMap((entry) => anomalyIn(entry) ?? [])
  const link = (name: string, cursor: string, words: string) =>
    html`<a class="button" href=${`${base}/anomalies?${new URLSearchParams({ [name]: cursor })}`}>${words}</a>`
  return {
    title: 'Anomalies',
    section: '/anomalies',
    body: html`<div class="head"><h1>Anomalies</h1><p>Sign-ins and sessions that looked wrong, the latest first. A detector can err: read what it rests on, then decide.</p></div>
      ${
        anomalies.length === 0
          ? html`<p class="note">Nothing looked wrong${logged === undefined && html` since this server started ${moment(seen.since, visit.now)}`}. If no detector runs, nothing ever will: see docs/guide/anomalies.md.</p>`
          : html`<ol class="grid" data-refresh="anomalies">${anomalies.map((one) => html`<li>${card(visit, one)}</li>`)}</ol>`
      }
      ${
        logged !== undefined &&
        (logged.older !== undefined || logged.newer !== undefined) &&
        html`<nav class="pages" aria-label="Pages of anomalies">${logged.newer === undefined ? html`<span></span>` : link('newer', logged.newer, 'Newer')} ${logged.older !== undefined && link('older', logged.older, 'Older')}</nav>`
      }`,
  }
}

/** A cursor of somebody's own making is the first page. */
async function pageOf(search: NonNullable<ConsoleAudit['search']>, older: string | undefined, newer: string | undefined) {
  try {
    return await search({ types: [TYPE], limit: ENTRIES, older, newer })
  } catch (error) {
    if (!isSojournError(error, 'ERR_ARGUMENT_INVALID')) throw error
    return search({ types: [TYPE], limit: ENTRIES })
  }
}

const DONE: Readonly<Record<string, readonly ['plain' | 'warn' | 'bad', string]>> = {
  note: ['plain', 'noted'],
  notify: ['warn', 'told to operators'],
  'step-up': ['warn', 'asked for more proof'],
  rotate: ['warn', 'token replaced'],
  revoke: ['bad', 'session ended'],
}

function card(
  { now, context: { base } }: Visit,
  { at, signal, score, action, isShadow, features, reason, subject, sessionId }: Anomaly,
): Markup {
  const [mood, words] = (Object.hasOwn(DONE, action) ? DONE[action] : undefined) ?? (['plain', plain(action)] as const)
  const most = Math.max(...features.map(({ contribution }) => Math.abs(contribution)), Number.MIN_VALUE)
  return html`<article class="card">
    <div class="card-head"><h2>${plain(signal)}</h2><span>${isShadow ? tag('plain', `only reported: would have been ${words}`) : tag(mood, words)}</span></div>
    <p>${reason}</p>
    <p class="small quiet">
      ${moment(at, now)}, score ${score.toFixed(2)} of 1${subject !== undefined && html`, <a href=${base + personPath(subject)}>${named(subject)}</a>`}${sessionId !== undefined && html`, session <a class="id" href=${base + sessionPath(sessionId)}>${sessionId.slice(0, 8)}…</a>`}
    </p>
    ${
      features.length > 0 &&
      html`<ul class="list" aria-label="What it rests on">${features.slice(0, MOST_FEATURES).map(({ name, contribution }) => html`<li class="meter"><span>${plain(name)}</span><span class="small quiet">${contribution.toFixed(2)}</span>${meter(Math.abs(contribution) / most)}</li>`)}</ul>`
    }
    ${
      (subject !== undefined || sessionId !== undefined) &&
      html`<div class="bar">
        ${sessionId !== undefined && html`<a class="button slim grave" href=${`${base}${sessionPath(sessionId)}/end`}>End the session</a>`}
        ${subject !== undefined && html`<a class="button slim grave" href=${`${base}/people/end?subject=${encodeURIComponent(subject)}`}>End all of this person</a>`}
      </div>`
    }
  </article>`
}

/** Entries keep an event's fields as details, events have them themselves; an entry that was damaged may have any. */
function anomalyIn(entry: object): Anomaly | undefined {
  const { details, ...own } = entry as { details?: object }
  const { at, signal, score, action, isShadow, features, reason, subject, sessionId } = { ...details, ...own } as Record<
    string,
    unknown
  >
  if (typeof at !== 'number' || typeof signal !== 'string' || typeof score !== 'number' || typeof action !== 'string')
    return undefined
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  return {
    at,
    signal,
    score,
    action,
    isShadow: isShadow === true,
    features: (Array.isArray(features) ? features : []).filter(
      (one) => typeof one?.name === 'string' && Number.isFinite(one?.contribution),
    ),
    reason: text(reason) ?? '',
    subject: text(subject),
    sessionId: text(sessionId),
  }
}
