/**
 * Where the link of a notice leads: "a new device signed in; this wasn't me". Whoever opens it need not be signed in, and is often not: the secret of the link says enough, for the one thing it
 * is good for. A GET changes nothing, since mail programs follow links; the button does.
 */
import { html } from '../html.ts'
import { mark } from './acts.ts'
import { type AccountPage, deed, type Frame, moment } from './bits.ts'
import { methodWords } from './method-words.ts'
import { shown } from './name.ts'
import { frameOf, type RouteAnswer, type RouteContext, type RouteRequest } from './route.ts'

/** What is asked of notices; `newSignInNotice` of `sojourn/monitor/alerts` gives it. */
export interface AccountNotice {
  /** What a link is about. Changes nothing. */
  describe(token: unknown): Promise<NoticeFound>
  /** Ends what it is about, once. */
  confirm(token: unknown): Promise<NoticeOutcome>
}

/** What a link is about. */
export type NoticeFound =
  | {
      readonly state: 'open'
      readonly at: number
      readonly device: string | undefined
      readonly methods: readonly string[]
      readonly ends: 'session' | 'all'
    }
  | { readonly state: 'used' | 'unknown' }

/** What came of it. */
export type NoticeOutcome =
  | { readonly ok: true; readonly subject: string; readonly sessionId: string }
  | { readonly ok: false; readonly reason: 'used' | 'unknown' }

export async function askNotice(context: RouteContext, { session, query }: RouteRequest): Promise<RouteAnswer> {
  const token = query.get('token')
  const found = await context.settings.notice!.describe(token ?? undefined)
  const frame = frameOf(context, session)
  return found.state === 'open' && token !== null ? bare(openPage(frame, found, token)) : bare(overPage(frame, found.state), 404)
}

export async function doNotice(context: RouteContext, { session, query }: RouteRequest): Promise<RouteAnswer> {
  const outcome = await context.settings.notice!.confirm(query.get('token') ?? undefined)
  const frame = frameOf(context, session)
  if (!outcome.ok) return bare(overPage(frame, outcome.reason), 404)
  const { subject, sessionId } = outcome
  const marked = await mark(context, { subject, sessionId })
  return marked === 'unmarked' ? bare(donePage(frame, false), 503) : { location: context.paths.noticed }
}

/** After the button. It says nothing of anybody, so that it may be asked for by anybody. */
export async function showNoticed(context: RouteContext, { session }: RouteRequest): Promise<RouteAnswer> {
  return bare(donePage(frameOf(context, session), true))
}

function bare(page: AccountPage, status = 200): RouteAnswer {
  return { status, page, isBare: true }
}

function openPage(frame: Frame, found: NoticeFound & { readonly state: 'open' }, token: string): AccountPage {
  const { words, paths, marks } = frame
  const { notice, confirmNotMe } = words
  const name = shown(found.device ?? words.unknownDevice)
  return {
    title: notice.title,
    body: html`<header class="sja-head"><h1>${notice.title}</h1><p>${notice.text(words.product)}</p></header>
      <div class="sja-ask">
        <dl class="sja-facts">
          <div><dt>${notice.device}</dt><dd><bdi title=${name.title}>${name.text}</bdi></dd></div>
          <div><dt>${notice.when}</dt><dd>${moment(frame, found.at)}</dd></div>
          <div><dt>${notice.how}</dt><dd>${methodWords(found.methods)}</dd></div>
        </dl>
        <p>${found.ends === 'all' ? notice.endsAll : notice.endsOne}${marks && html` ${confirmNotMe.willMark}`}</p>
        <div class="sja-row">${deed(frame, paths.notice, { token }, confirmNotMe.button)}</div>
        <p class="sja-quiet">${notice.orElse}</p>
      </div>`,
  }
}

function overPage({ words, paths }: Frame, state: 'open' | 'used' | 'unknown'): AccountPage {
  const { title, text } = state === 'used' ? words.notice.used : words.notice.unknown
  return {
    title,
    body: html`<header class="sja-head"><h1>${title}</h1><p>${text}</p></header>
      <p><a class="sja-link" href=${paths.home}>${words.title}</a></p>`,
  }
}

function donePage({ words, paths, passwordPage, marks }: Frame, isMarked: boolean): AccountPage {
  const { secured, unmarked, notice } = words
  return {
    title: secured.title,
    body: html`<header class="sja-head">
        <h1>${secured.title}</h1>
        <p>${secured.text}${marks && isMarked && html` ${secured.marked}`}</p>
        ${!isMarked && html`<p role="alert">${unmarked.choose}</p>`}
      </header>
      <section class="sja-section" aria-labelledby="sja-steps">
        <h2 id="sja-steps">${secured.steps}</h2>
        <ol class="sja-steps">
          <li>
            <p>${secured.password}</p>
            ${passwordPage !== undefined && html`<a class="sja-button sja-button-main" href=${passwordPage}>${secured.passwordLink}</a>`}
          </li>
          <li><p>${notice.look}</p><a class="sja-link" href=${paths.home}>${words.title}</a></li>
          <li><p>${secured.mail}</p></li>
        </ol>
      </section>`,
  }
}
