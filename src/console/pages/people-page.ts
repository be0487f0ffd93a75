/** One person: their sessions, what happened to them, and the way to end all of them in one step. */
import { isSubject } from '../../core/starting.ts'
import { named } from '../bits.ts'
import { type Change, changeForm, type Show, told, type Visit } from '../context.ts'
import { listOf } from '../finding.ts'
import { html, type Markup } from '../html.ts'
import { counted } from '../moment.ts'
import type { Page } from '../shell.ts'
import { reasonField, reasonOf } from './session-page.ts'
import { personPath, sessionTable } from './session-rows.ts'
import { happenings } from './timeline.ts'

const MOST_SHOWN = 200

export const showPerson: Show = async (visit) => {
  const { context } = visit
  const subject = visit.query.get('subject') ?? ''
  if (subject === '') {
    return page(
      'People',
      html`<div class="head"><h1>People</h1><p>Find one person: where they are signed in, and what happened to their account.</p></div>${personForm(visit, '')}`,
    )
  }
  const listed = isSubject(subject) ? await listOf(context.sessions, subject) : 'misread'
  if (listed === 'misread')
    return page(
      'People',
      html`<div class="head"><h1>People</h1></div>${personForm(visit, '')}<p class="note note-warn">No person can have that name.</p>`,
    )
  const isListed = listed !== 'unsupported'
  const live = isListed ? listed.map((summary) => ({ ...summary, state: 'live' as const })) : []
  const hasNone = isListed && live.length === 0
  return page(
    'Person',
    html`<div class="head">
        <p class="trail"><a href=${`${context.base}/people`}>People</a></p>
        <h1>${named(subject)}</h1>
        <p>${isListed ? `${counted(live.length, 'live session')}` : 'The store cannot list a person’s sessions; they can be ended all the same.'}</p>
      </div>
      ${told(visit)}
      ${!hasNone && html`<div class="bar"><a class="button grave" href=${`${context.base}/people/end?subject=${encodeURIComponent(subject)}`}>End all ${isListed && `(${live.length.toLocaleString('en')})`}</a></div>`}
      ${
        isListed &&
        html`<section class="card" aria-label="Live sessions" data-refresh="live-sessions">
          ${hasNone ? html`<p class="quiet">This person is signed in nowhere.</p>` : sessionTable(visit, live.slice(-MOST_SHOWN).toReversed(), live.length > MOST_SHOWN ? `The newest ${MOST_SHOWN} of ${counted(live.length, 'live session')}` : 'Live sessions, newest first', false)}
        </section>`
      }
      <section class="card" aria-labelledby="timeline"><h2 id="timeline">What happened</h2>${await happenings(visit, { subject }, 50)}</section>
      ${personForm(visit, subject)}`,
  )
}

function page(title: string, body: Markup): Page {
  return { title, section: '/people', body }
}

function personForm({ context: { base } }: Visit, subject: string): Markup {
  return html`<form class="card filters" role="search" method="get" action=${`${base}/people`}>
    <div class="field"><label for="subject">Name of the person, exactly</label><input id="subject" name="subject" type="search" value=${subject} maxlength="1024" autocomplete="off" spellcheck="false" required /></div>
    <div class="bar"><button class="main-button">Show</button><a class="button" href=${`${base}/sessions?by=prefix`}>Search by how it begins</a></div>
  </form>`
}

export const askToEndAll: Show = async (visit) => {
  const { context, session, actor } = visit
  const subject = visit.query.get('subject') ?? ''
  if (!isSubject(subject)) return { location: '/people' }
  const listed = await listOf(context.sessions, subject)
  const known = typeof listed === 'string' ? undefined : listed.length
  const number = known === undefined ? 'all' : known.toLocaleString('en')
  const isOwn = subject === actor
  return page(
    'End all sessions of a person',
    html`<div class="head"><h1>End all sessions of ${named(subject)}?</h1></div>
      <section class="card" aria-label="What will end">
        <p><span class="count">${number}</span> ${known === 1 ? 'session' : 'sessions'} will end, in one step, at once and for good. The person can sign in again, unless the application says otherwise.</p>
        ${known === undefined && html`<p class="note">The store cannot count them.</p>`}
        ${isOwn && session.id !== undefined && html`<p class="note note-warn">They are your own, and the one you are using is among them: you will be signed out.</p>`}
        ${changeForm(
          visit,
          '/people/end',
          { subject },
          html`${reasonField()}<div class="bar"><button class="grave-main">End ${known === undefined ? 'all sessions' : counted(known, 'session')}</button><a class="button" href=${context.base + personPath(subject)}>Keep them</a></div>`,
        )}
      </section>`,
  )
}

/** One atomic step (ASVS 5.0, 7.4.5); a session that starts at the same moment is ended or starts after it. */
export const endAll: Change = async ({ context, actor, form }) => {
  const subject = form.get('subject') ?? ''
  if (!isSubject(subject)) return { location: '/people' }
  const reason = reasonOf(form)
  await context.audit?.record({ action: 'console.person-end', actor, subject, target: 'all sessions', reason })
  const count = await context.sessions.revokeSubject(subject, { reason, actor })
  return { location: `${personPath(subject)}&done=all-ended${count === undefined ? '' : `&count=${count}`}` }
}
