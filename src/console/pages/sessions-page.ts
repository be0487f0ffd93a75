/** All sessions: searched, a page at a time, so that a million are as quick as a hundred. */
import type { SessionFilter } from '../../core/searching.ts'
import { isSessionId } from '../../core/token.ts'
import { type Show, told, type Visit } from '../context.ts'
import { count, countWords, listOf, search } from '../finding.ts'
import { html, type Markup } from '../html.ts'
import { counted } from '../moment.ts'
import { sessionPath, sessionTable } from './session-rows.ts'

const ROWS = 50
const LONGEST = 1024
export const BY = {
  person: 'Person, exactly',
  prefix: 'Person begins with',
  id: 'Session id',
  device: 'Device',
  network: 'Network',
} as const
const STATES = { live: 'Live', expired: 'Expired', revoked: 'Ended', all: 'All' } as const
export const SINCE = { any: 'Any time', hour: 'The last hour', day: 'The last day', week: 'The last 7 days' } as const
const SPANS: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 }

type Choice = Readonly<Record<string, string>>
const chosen = <T extends Choice>(choices: T, given: string | null): keyof T & string =>
  given !== null && Object.hasOwn(choices, given) ? given : Object.keys(choices)[0]!

/** What was asked for, as it stands in the form again. */
export function asked(query: URLSearchParams) {
  return {
    text: (query.get('q') ?? '').slice(0, LONGEST).trim(),
    by: chosen(BY, query.get('by')),
    state: chosen(STATES, query.get('state')),
    since: chosen(SINCE, query.get('since')),
    order: query.get('order') === 'oldest' ? 'oldest' : 'newest',
    cursor: query.get('cursor') ?? undefined,
  } as const
}

export type Asked = ReturnType<typeof asked>

export function filterOf({ text, by, state, since, order }: Asked, now: number): SessionFilter {
  const field = { person: 'subject', prefix: 'subjectPrefix', id: 'id', device: 'device', network: 'network' }[by]
  // Whole minutes, so that the pages of one search are of one filter.
  const span = SPANS[since]
  return {
    state,
    order,
    ...(text === '' ? {} : { [field]: text }),
    ...(span === undefined ? {} : { startedAfter: Math.floor((now - span) / 60_000) * 60_000 }),
  }
}

export const showSessions: Show = async (visit) => {
  const { context, now } = visit
  const what = asked(visit.query)
  // An id is always the way to one session, with any store.
  if (what.by === 'id' && isSessionId(what.text)) return { location: sessionPath(what.text) }
  const since = Number(visit.query.get('after'))
  const filter = {
    ...filterOf(what, now),
    ...(what.since !== 'any' && Number.isSafeInteger(since) && since > 0 ? { startedAfter: since } : {}),
  }
  const [found, total] = await Promise.all([
    search(context.sessions, filter, what.cursor, ROWS),
    what.cursor === undefined ? count(context.sessions, filter) : Promise.resolve('misread' as const),
  ])
  const body =
    found === 'unsupported'
      ? await withoutSearch(visit, what)
      : found === 'misread'
        ? misread(what)
        : page(visit, what, filter, found, total)
  return {
    title: 'Sessions',
    section: '/sessions',
    body: html`<div class="head"><h1>Sessions</h1><p>Everybody who is signed in, and what became of the others. Find one to see all of it, or to end it.</p></div>
      ${told(visit)} ${searchForm(visit, what)} ${body}`,
  }
}

function page(
  visit: Visit,
  what: Asked,
  filter: SessionFilter,
  found: Exclude<Awaited<ReturnType<typeof search>>, string>,
  total: Awaited<ReturnType<typeof count>>,
): Markup {
  const { base } = visit.context
  const { sessions, next } = found
  const caption =
    typeof total === 'string'
      ? `${counted(sessions.length, 'session')} on this page`
      : `${countWords(total)} found, ${what.order} first`
  return html`<section class="card" aria-label="Found" data-refresh="found">
    ${sessions.length === 0 ? html`<p class="quiet">${next === undefined ? 'No session is like that.' : 'None on this page, and there is more.'}</p>` : sessionTable(visit, sessions, caption)}
    ${what.state === 'live' && sessions.length > 0 && html`<div class="bar"><a class="button slim grave" href=${`${base}/sessions/end-matching?${paramsOf(what)}`}>End all that were found</a></div>`}
    ${
      (next !== undefined || what.cursor !== undefined) &&
      html`<nav class="pages" aria-label="Pages of sessions">
        ${what.cursor === undefined ? html`<span></span>` : html`<a class="button" href=${`${base}/sessions?${paramsOf(what)}`}>Back to the first page</a>`}
        ${next !== undefined && html`<a class="button" href=${`${base}/sessions?${paramsOf(what, next, filter.startedAfter)}`}>Next page</a>`}
      </nav>`
    }
  </section>`
}

export function paramsOf({ text, by, state, since, order }: Asked, cursor?: string, after?: number): string {
  const params = new URLSearchParams({ q: text, by, state, since, order })
  if (cursor !== undefined) params.set('cursor', cursor)
  if (cursor !== undefined && after !== undefined) params.set('after', String(after))
  return params.toString()
}

function misread({ cursor }: Asked): Markup {
  return html`<p class="note note-warn">${cursor === undefined ? 'There is no such session, person or network: check how it is written.' : 'That page is of another search. Search again to begin at its first page.'}</p>`
}

/** A store that finds sessions by person and id alone. */
async function withoutSearch(visit: Visit, { text, by }: Asked): Promise<Markup> {
  const { sessions, service } = visit.context
  const note = html`<p class="note">The store “${service.config.store.name}” cannot search. Find sessions by a person’s exact name, or by a session’s id.</p>`
  if (by !== 'person' || text === '') return note
  const found = await listOf(sessions, text)
  if (found === 'misread') return html`<p class="note note-warn">No person can have that name.</p>`
  if (found === 'unsupported')
    return html`<p class="note note-warn">The store cannot list a person’s sessions either. Look one up by its id; all of a person’s can be ended on the page “People”.</p>`
  const live = found.map((summary) => ({ ...summary, state: 'live' as const }))
  return html`${note}<section class="card" aria-label="Found">${live.length === 0 ? html`<p class="quiet">This person has no live session.</p>` : sessionTable(visit, live, `${counted(live.length, 'live session')}, oldest first`)}</section>`
}

function searchForm({ context: { base } }: Visit, what: Asked): Markup {
  return html`<form class="card filters" role="search" method="get" action=${`${base}/sessions`}>
    <div class="field"><label for="q">Look for</label><input id="q" name="q" type="search" value=${what.text} maxlength=${String(LONGEST)} autocomplete="off" spellcheck="false" /></div>
    ${choice('by', 'Which is a', BY, what.by)} ${choice('state', 'State', STATES, what.state)} ${choice('since', 'Started', SINCE, what.since)}
    ${choice('order', 'Order', { newest: 'Newest first', oldest: 'Oldest first' }, what.order)}
    <div class="bar"><button class="main-button">Search</button><a class="button" href=${`${base}/sessions`}>Clear</a></div>
  </form>`
}

function choice(name: string, label: string, choices: Choice, current: string): Markup {
  return html`<div class="field">
    <label for=${name}>${label}</label>
    <select id=${name} name=${name}>
      ${Object.entries(choices).map(([value, words]) => html`<option value=${value} selected=${value === current}>${words}</option>`)}
    </select>
  </div>`
}
