/** The audit log: searched, page by page, and verified on request. */
import { isSojournError } from '../../core/errors.ts'
import type { EntryQuery } from '../audit.ts'
import { type Change, changeForm, type Show, type Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { counted } from '../moment.ts'
import type { Page } from '../shell.ts'
import { timeline } from './timeline.ts'

const ENTRIES = 50
const LONGEST = 1024

const texts = ({ query }: Visit) => {
  const text = (name: string) => (query.get(name) ?? '').slice(0, LONGEST).trim() || undefined
  return { subject: text('subject'), actor: text('actor'), sessionId: text('session'), type: text('type') }
}

export const showAudit: Show = (visit) => page(visit, false)

async function page(visit: Visit, verdict: Markup | false): Promise<Page> {
  const { context, query } = visit
  const { type, ...asked } = texts(visit)
  const place = (name: string) => query.get(name) ?? undefined
  const full: EntryQuery = {
    ...asked,
    types: type === undefined ? undefined : [type],
    limit: ENTRIES,
    older: place('older'),
    newer: place('newer'),
  }
  const found = await attempt(() => context.audit!.search!(full))
  const link = (name: 'older' | 'newer', cursor: string, words: string) => {
    const params = new URLSearchParams([...query].filter(([key]) => key !== 'older' && key !== 'newer'))
    params.set(name, cursor)
    return html`<a class="button" href=${`${context.base}/audit?${params}`}>${words}</a>`
  }
  return {
    title: 'Audit log',
    section: '/audit',
    body: html`<div class="head"><h1>Audit log</h1><p>Who did what to whom, and why. Entries are chained and signed: a change, a gap or another order shows.</p></div>
      ${verdict} ${searchForm(visit)}
      <section class="card" aria-label="Entries">
        ${
          found === undefined
            ? html`<p class="note note-warn">What was asked for is none, or of another search. Clear it and search again.</p>`
            : html`${timeline(visit, found.entries)}
              <nav class="pages" aria-label="Pages of entries">
                ${found.newer === undefined ? html`<span></span>` : link('newer', found.newer, 'Newer')} ${found.older !== undefined && link('older', found.older, 'Older')}
              </nav>`
        }
      </section>
      ${
        context.audit!.verify !== undefined &&
        html`<section class="card" aria-labelledby="verify">
          <h2 id="verify">Is it whole?</h2>
          <p class="quiet">Reads the whole log and compares every entry with its hash and signature. A million entries take some seconds. An end that was cut off shows only beside a checkpoint kept elsewhere.</p>
          ${changeForm(visit, '/audit/verify', {}, html`<div class="bar"><button>Verify now</button></div>`)}
        </section>`
      }`,
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isSojournError(error, 'ERR_ARGUMENT_INVALID')) return undefined
    throw error
  }
}

function searchForm(visit: Visit): Markup {
  const { base } = visit.context
  const { subject, actor, sessionId, type } = texts(visit)
  const field = (name: string, label: string, value: string | undefined) => html`<div class="field">
    <label for=${name}>${label}</label><input id=${name} name=${name} value=${value ?? ''} maxlength=${String(LONGEST)} autocomplete="off" spellcheck="false" />
  </div>`
  return html`<form class="card filters" role="search" method="get" action=${`${base}/audit`}>
    ${field('subject', 'Person', subject)} ${field('actor', 'Done by', actor)} ${field('session', 'Session id', sessionId)} ${field('type', 'What, such as session.revoked', type)}
    <div class="bar"><button class="main-button">Search</button><a class="button" href=${`${base}/audit`}>Clear</a></div>
  </form>`
}

/** A POST because it costs: a link must not be able to set it off. */
export const verifyAudit: Change = async (visit) => {
  const { isIntact, findings } = await visit.context.audit!.verify!()
  const verdict = isIntact
    ? html`<p class="note" role="status">The log is whole: every entry is what was written, in the order it was written.</p>`
    : html`<div class="note note-bad" role="alert"><p><strong>The log is not what was written: ${counted(findings.length, 'finding')}.</strong></p><ul class="list">${findings.slice(0, 20).map(({ what }) => html`<li>${what}</li>`)}</ul></div>`
  return page(visit, verdict)
}
