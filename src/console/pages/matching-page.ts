/** The end of all sessions that a search finds: an attacker's network, a lost fleet of devices, everybody's. */
import { named } from '../bits.ts'
import { type Change, changeForm, type Show } from '../context.ts'
import { count, countWords } from '../finding.ts'
import { html } from '../html.ts'
import { reasonField, reasonOf } from './session-page.ts'
import { type Asked, asked, BY, filterOf, paramsOf, SINCE } from './sessions-page.ts'

/** Ended by one request; more takes another. */
const MOST = 10_000
const LONGEST_TARGET = 1000

/** Live ones alone: the others have ended. */
function liveFilter(what: Asked, now: number) {
  const { order: _, state: __, ...filter } = filterOf(what, now)
  return filter
}

export const askToEndMatching: Show = async (visit) => {
  const { context, now, query } = visit
  const what = asked(query)
  const filter = liveFilter(what, now)
  const found = await count(context.sessions, { ...filter, state: 'live' })
  const back = `/sessions?${paramsOf(what)}`
  if (typeof found === 'string') return { location: back }
  const isEverybody = what.text === '' && what.since === 'any'
  const words = countWords(found)
  const { text, by, since } = what
  return {
    title: 'End all that were found',
    section: '/sessions',
    body: html`<div class="head"><h1>${isEverybody ? 'End everybody’s sessions?' : 'End all that were found?'}</h1></div>
      <section class="card" aria-label="What will end">
        <p><span class="count">${words}</span> live ${found.count === 1 ? 'session' : 'sessions'} will end, one after the other, at once and for good.</p>
        <p>${text === '' ? 'Whoever they are of' : html`${BY[by]}: ${named(text)}`}${since !== 'any' && html`; started: ${SINCE[since].toLowerCase()}`}.</p>
        <p class="note note-warn">${isEverybody ? 'Yours is among them: you will be signed out too.' : 'If the one you are using is among them, you will be signed out too.'}</p>
        ${changeForm(
          visit,
          '/sessions/end-matching',
          { q: text, by, since },
          html`${reasonField()}
            <div class="check"><input type="checkbox" id="sure" name="sure" value="yes" required /><label for="sure">I mean all of them</label></div>
            <div class="bar"><button class="grave-main">End ${words}</button><a class="button" href=${context.base + back}>Keep them</a></div>`,
        )}
      </section>`,
  }
}

export const endMatching: Change = async ({ context, actor, form, now }) => {
  const what = asked(form)
  const back = `/sessions?${paramsOf(what)}`
  if (form.get('sure') !== 'yes') return { location: back }
  const filter = liveFilter(what, now)
  // What is no filter would be refused half-way; it is before anything is written down.
  if (typeof (await count(context.sessions, { ...filter, state: 'live' })) === 'string') return { location: back }
  const reason = reasonOf(form)
  await context.audit?.record({
    action: 'console.matching-end',
    actor,
    target: JSON.stringify(filter).slice(0, LONGEST_TARGET),
    reason,
  })
  const { count: ended, isComplete } = await context.sessions.revokeMatching(filter, { reason, actor, most: MOST })
  return { location: `${back}&done=${isComplete ? 'matching-ended' : 'matching-begun'}&count=${ended}` }
}
