/** What the pages of one console work with. */
import type { Requirement } from '../core/assurance.ts'
import type { Service } from '../core/service.ts'
import type { Session } from '../core/session.ts'
import type { Sessions } from '../core/sessions.ts'
import type { ConsoleAudit } from './audit.ts'
import { html, type Markup } from './html.ts'
import type { ConsoleHub, ConsoleTokens } from './neighbours.ts'
import type { Seen } from './seen.ts'
import type { Page } from './shell.ts'

export interface ConsoleContext {
  readonly base: string
  readonly sessions: Sessions<unknown>
  readonly service: Service
  readonly requirement: Requirement
  readonly seen: Seen
  readonly audit: ConsoleAudit | undefined
  readonly tokens: ConsoleTokens | undefined
  readonly hub: ConsoleHub | undefined
}

/** One request of an operator who was let in. */
export interface Visit {
  readonly context: ConsoleContext
  readonly session: Session<unknown>
  /** The operator. */
  readonly actor: string
  readonly now: number
  readonly query: URLSearchParams
  /** What was posted; empty for a page that is only looked at. */
  readonly form: URLSearchParams
  /** Parts of the path that name something, decoded. */
  readonly named: readonly string[]
}

/** A page, or the address below the mounting path where to go on. */
export type Answer = Page | { readonly location: string }

/** Shows a page. Changes nothing (RFC 9110, 9.2.1). */
export type Show = (visit: Visit) => Promise<Answer>
/** Changes something. */
export type Change = (visit: Visit) => Promise<Answer>

/** A form that changes something: the token of the session is in it. */
export function changeForm(
  { context, session }: Visit,
  path: string,
  fields: Readonly<Record<string, string>>,
  content: Markup,
): Markup {
  return html`<form method="post" action=${context.base + path} class="list">
    <input type="hidden" name="csrf_token" value=${session.csrfToken()} />
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name=${name} value=${value} />`)}
    ${content}
  </form>`
}

/** What was done a moment ago, said at the top of the page one is brought to. Known words only: the address is anybody's to write. */
export function told({ query }: Visit): Markup | false {
  const count = Number(query.get('count'))
  const words = TOLD[query.get('done') ?? '']
  if (words === undefined) return false
  const text =
    typeof words === 'string' ? words : words(Number.isSafeInteger(count) && count >= 0 && query.has('count') ? count : undefined)
  return html`<p class="note" role="status">${text}</p>`
}

const TOLD: Readonly<Record<string, string | ((count: number | undefined) => string)>> = {
  ended: 'The session has ended.',
  gone: 'The session had ended before; perhaps somebody else was faster. Nothing was changed.',
  'all-ended': (count) =>
    count === undefined
      ? 'All sessions of this person have ended.'
      : `${count} ${count === 1 ? 'session' : 'sessions'} of this person ended.`,
  'matching-ended': (count) => `${count ?? 'The'} sessions ended; none that was found is left.`,
  'matching-begun': (count) => `${count ?? 'Many'} sessions ended. More are left: do it again.`,
  retried: (count) => (count === 1 ? '1 notice will be tried again.' : `${count ?? 'The'} notices will be tried again.`),
}
