/** What every page of the part is made from. */
import type { Session } from '../../core/session.ts'
import { html, type Markup } from '../html.ts'
import { ago, exactly } from './moment.ts'
import type { Overview } from './overview.ts'
import type { AccountWords } from './words.ts'

/** Paths of the pages. */
export interface AccountPaths {
  readonly home: string
  readonly end: string
  readonly notMe: string
  readonly secured: string
  readonly notice: string
  readonly noticed: string
  readonly styles: string
}

/** One request, as pages see it that show nobody's devices. */
export interface Frame {
  readonly now: number
  readonly words: AccountWords
  readonly paths: AccountPaths
  readonly session: Session<unknown>
  /** Where a new password is chosen; `undefined` where the application has no such page. */
  readonly passwordPage: string | undefined
  /** Whether the application asks for a new password when somebody says that it was not them. */
  readonly marks: boolean
}

/** The same for a person who is signed in. */
export interface View extends Frame {
  readonly overview: Overview
}

/** A page in parts: where it goes is the layout's. */
export interface AccountPage {
  readonly title: string
  readonly body: Markup
}

export function moment({ words, now }: Frame, instant: number): Markup {
  const exact = exactly(instant, words.lang)
  return html`<time dateTime=${new Date(instant).toISOString()} title=${exact}>${ago(instant, now, words.lang, words.now)}</time>`
}

/** A form of one button. */
export function deed(
  { session }: Frame,
  action: string,
  fields: Readonly<Record<string, string>>,
  button: string,
  kind: 'grave' | 'plain' = 'grave',
): Markup {
  return html`<form method="post" action=${action}>
    <input type="hidden" name="csrf_token" value=${session.csrfToken()} />
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name=${name} value=${value} />`)}
    <button class=${kind === 'grave' ? 'sja-button sja-button-grave' : 'sja-button'}>${button}</button>
  </form>`
}
