/** One session: who, what was proved, until when it lives, what holds it to its device, and what happened to it. */
import type { Fact } from '../../core/assurance.ts'
import type { SessionRecord } from '../../core/record.ts'
import type { FoundSession } from '../../core/searching.ts'
import { fact, hostOf, levelWords, named, plain } from '../bits.ts'
import { type Change, changeForm, type Show, told, type Visit } from '../context.ts'
import { type Looked, lookUp } from '../finding.ts'
import { html, type Markup } from '../html.ts'
import { counted, duration, moment } from '../moment.ts'
import type { Page } from '../shell.ts'
import { personPath, sessionPath, stateTag } from './session-rows.ts'
import { happenings } from './timeline.ts'

/** Why an operator ends a session; machine words, since reasons stay in tombstones and events. */
export const REASONS: Readonly<Record<string, string>> = {
  'ended-by-operator': 'No particular reason',
  'suspected-theft': 'It may be in somebody else’s hands',
  'lost-device': 'The device is lost',
  'access-withdrawn': 'The person may no longer sign in',
  'asked-by-person': 'The person asked for it',
}

export const reasonOf = (form: URLSearchParams): string => {
  const given = form.get('reason') ?? ''
  return Object.hasOwn(REASONS, given) ? given : 'ended-by-operator'
}

export function reasonField(): Markup {
  return html`<div class="field">
    <label for="reason">Why</label>
    <select id="reason" name="reason">${Object.entries(REASONS).map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select>
  </div>`
}

export const showSession: Show = async (visit) => {
  const [id = ''] = visit.named
  const looked = await lookUp(visit.context.service, id)
  if (looked === undefined) return noSuchSession(visit)
  const { found, record } = looked
  const { base } = visit.context
  const { subject } = found
  return {
    title: `Session ${id.slice(0, 8)}`,
    section: '/sessions',
    body: html`<div class="head">
        <p class="trail"><a href=${`${base}/sessions`}>Sessions</a><span aria-hidden="true">/</span><span>${id.slice(0, 8)}…</span></p>
        <h1>${subject === undefined ? 'An anonymous session' : html`A session of ${named(subject)}`}</h1>
        <p>${stateTag(found)} <span class="id">${id}</span></p>
      </div>
      ${told(visit)} ${ended(visit, found)}
      ${
        found.state === 'live' &&
        html`<div class="bar">
          <a class="button grave" href=${`${base}${sessionPath(id)}/end`}>End this session</a>
          ${subject !== undefined && html`<a class="button" href=${base + personPath(subject)}>All sessions of this person</a>`}
        </div>`
      }
      <div class="grid sides">
        <div class="grid">
          ${whenAndWhere(visit, looked)}
          <section class="card" aria-labelledby="timeline"><h2 id="timeline">What happened</h2>${await happenings(visit, { sessionId: id }, 50)}</section>
        </div>
        <div class="grid">${record !== undefined && html`${proofs(visit, record, found)} ${holding(visit, record)}`}</div>
      </div>`,
  }
}

function ended({ now }: Visit, found: FoundSession): Markup | false {
  if (found.state === 'live') return false
  if (found.state === 'unreadable')
    return html`<p class="note note-bad">Its record cannot be read: it was damaged, edited, or made with a key that has left the ring. It lets nobody in.</p>`
  if (found.state === 'expired')
    return html`<p class="note">It has expired: it was not used for too long, or its time is over. It lets nobody in, and will be removed.</p>`
  if (found.state !== 'revoked') return false
  const when = Number.isNaN(found.revokedAt) ? '' : html` ${moment(found.revokedAt, now)}`
  return html`<p class="note">It was ended${when} (${plain(found.revokeReason)}) and lets nobody in. What else it held was deleted with it.</p>`
}

function whenAndWhere({ now, context: { base } }: Visit, { found, record }: Looked): Markup | false {
  if (found.state === 'unreadable' || found.state === 'revoked' || record === undefined) return false
  const { subject, device, network, provider, startedAt, lastSeenAt, idleDeadline, absoluteDeadline, isPersistent } = found
  return html`<section class="card" aria-labelledby="facts">
    <h2 id="facts">Who, where, until when</h2>
    <dl class="facts">
      ${fact('Person', subject === undefined ? 'nobody' : html`<a href=${base + personPath(subject)}>${named(subject)}</a>`)}
      ${fact('Device', device === undefined ? 'not known' : named(device))}
      ${fact('Network at the start', network === undefined ? 'not kept' : html`<code>${named(network)}</code>`)}
      ${fact('Signed in with', provider === undefined ? 'this site' : named(hostOf(provider)))}
      ${fact('Started', moment(startedAt, now))} ${fact('Last seen', moment(lastSeenAt, now))}
      ${fact('Token replaced', record.lineage.length === 0 ? 'not yet' : moment(record.generationAt, now))}
      ${fact('Ends if not used', moment(idleDeadline, now))} ${fact('Ends in any case', moment(absoluteDeadline, now))}
      ${fact('When the browser closes', isPersistent ? 'stays signed in' : 'forgets the cookie')}
    </dl>
  </section>`
}

const METHODS: Readonly<Record<string, string>> = {
  pwd: 'password',
  otp: 'one-time code',
  hwk: 'passkey',
  swk: 'passkey',
  recovery: 'recovery code',
  pin: 'PIN',
  sms: 'text message',
}

function proofs({ now }: Visit, record: SessionRecord, found: FoundSession): Markup {
  const { facts, doubtedAt } = record.details
  const acr = found.state === 'live' || found.state === 'expired' ? found.acr : 'aal0'
  const pending = found.state === 'live' ? found.pending : undefined
  return html`<section class="card" aria-labelledby="proofs">
    <h2 id="proofs">What was proved</h2>
    <p>${levelWords(acr)}${pending !== undefined && html`; ${pending} is still due, and until then it opens nothing`}</p>
    ${doubtedAt !== undefined && html`<p class="small">Nothing proved before ${moment(doubtedAt, now)} counts any more: the client changed.</p>`}
    ${
      facts.length === 0
        ? html`<p class="quiet">Nothing.</p>`
        : html`<ul class="list list-lined">${facts.map((one: Fact) => html`<li><strong>${METHODS[one.method] ?? named(one.method)}</strong> <span class="quiet small">${moment(one.at, now)}${one.strength > 1 && `, counts as ${one.strength === 3 ? 'two factors in hardware' : 'two factors'}`}</span></li>`)}</ul>`
    }
  </section>`
}

/** What the layers that hold a session to its client keep with it; of that, what is no key and no value of the person's. */
function holding({ now, context }: Visit, record: SessionRecord): Markup {
  const { dbsc, traits, tokens } = record.details.notes ?? {}
  const boundAt = typeof dbsc?.b === 'number' ? dbsc.b : undefined
  const provedAt = typeof dbsc?.u === 'number' && dbsc.u > 0 ? dbsc.u : undefined
  const key =
    boundAt !== undefined
      ? html`Bound to a key in the device ${moment(boundAt, now)}${provedAt !== undefined && html`, proved ${moment(provedAt, now)}`}.`
      : dbsc !== undefined
        ? 'The browser was asked for a key and has made none.'
        : 'Bound to no key: whoever has the cookie has the session.'
  const { rotateAfter } = context.service.config.policy
  return html`<section class="card" aria-labelledby="holding">
    <h2 id="holding">What protects it</h2>
    <ul class="list list-lined">
      <li>${key}</li>
      <li>${traits === undefined ? 'Traits of the client are not compared.' : 'Traits of the client (browser, network, country) are compared at each request.'}</li>
      <li>Its token is replaced every ${duration(rotateAfter)}; ${counted(record.lineage.length, 'earlier one is', 'earlier ones are')} remembered, and would give a thief away.</li>
      ${tokens !== undefined && html`<li>Refresh tokens of applications hang on it, and end with it.</li>`}
    </ul>
  </section>`
}

function noSuchSession({ context: { base } }: Visit): Page {
  return {
    title: 'No such session',
    section: '/sessions',
    status: 404,
    body: html`<div class="head"><h1>There is no such session</h1><p>It never was, or it is over for so long that nothing is kept of it. The audit log may remember it.</p></div>
      <div class="bar"><a class="button" href=${`${base}/sessions`}>Back to sessions</a></div>`,
  }
}

export const askToEnd: Show = async (visit) => {
  const [id = ''] = visit.named
  const looked = await lookUp(visit.context.service, id)
  if (looked === undefined) return noSuchSession(visit)
  const { found } = looked
  if (found.state !== 'live') return { location: `${sessionPath(id)}?done=gone` }
  const { now, session, context } = visit
  const back = context.base + sessionPath(id)
  return {
    title: 'End a session',
    section: '/sessions',
    body: html`<div class="head"><h1>End this session?</h1></div>
      <section class="card" aria-label="What will end">
        <p><span class="count">1</span> session will end, at once and for good. The person can sign in again.</p>
        ${id === session.id && html`<p class="note note-warn">It is the one you are using: you will be signed out.</p>`}
        <dl class="facts">
          ${fact('Person', found.subject === undefined ? 'nobody' : named(found.subject))} ${fact('Device', found.device === undefined ? 'not known' : named(found.device))}
          ${fact('Last seen', moment(found.lastSeenAt, now))} ${fact('Session', html`<span class="id">${id}</span>`)}
        </dl>
        ${changeForm(visit, `${sessionPath(id)}/end`, {}, html`${reasonField()}<div class="bar"><button class="grave-main">End 1 session</button><a class="button" href=${back}>Keep it</a></div>`)}
      </section>`,
  }
}

/** Two operators may do this at once: one of them ends it, and the other is told so. */
export const endSession: Change = async ({ context, actor, form, named: [id = ''] }) => {
  const reason = reasonOf(form)
  const looked = await lookUp(context.service, id)
  if (looked?.found.state !== 'live') return { location: `${sessionPath(id)}?done=gone` }
  await context.audit?.record({
    action: 'console.session-end',
    actor,
    sessionId: id,
    target: `session ${id}`,
    subject: looked.found.subject,
    reason,
  })
  const isEnded = await context.sessions.revoke(id, { reason, actor })
  return { location: `${sessionPath(id)}?done=${isEnded ? 'ended' : 'gone'}` }
}
