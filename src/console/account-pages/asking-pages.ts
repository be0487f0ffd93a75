/** The pages that ask before something ends, with how many sessions will, and the one that says what to do next. They work without script. */
import { html, type Markup } from '../html.ts'
import { type AccountPage, deed, moment, type View } from './bits.ts'
import { picture } from './device-card.ts'
import { shown } from './name.ts'
import type { Device } from './overview.ts'

/** What is about to end. */
export type Which = 'others' | 'all'

export function confirmOnePage(view: View, device: Device): AccountPage {
  const { words, paths } = view
  const { title, text, button } = device.isCurrent ? words.confirmHere : words.confirmOne
  return asking(view, title, html`${miniature(view, device)}<p>${text}</p>`, deed(view, paths.end, { id: device.id }, button))
}

export function confirmManyPage(view: View, which: Which): AccountPage {
  const { words, paths, overview } = view
  const { otherCount, devices, isListed } = overview
  const { title, text, button } = which === 'all' ? words.confirmAll : words.confirmOthers
  const count = otherCount === undefined ? undefined : otherCount + (which === 'all' ? 1 : 0)
  const ending = isListed ? devices.filter(({ isCurrent }) => which === 'all' || !isCurrent) : []
  return asking(
    view,
    title,
    html`<p>${text(count)}</p>
      ${ending.slice(0, MOST_SHOWN).map((device) => miniature(view, device))}
      ${ending.length > MOST_SHOWN && html`<p class="sja-quiet">… +${ending.length - MOST_SHOWN}</p>`}`,
    deed(view, paths.end, { which }, button(count)),
  )
}

/** A person with a thousand sessions is to see the button. */
const MOST_SHOWN = 10

export function confirmNotMePage(view: View, id: string | undefined, device: Device | undefined): AccountPage {
  const { words, paths, marks } = view
  const { title, willMark, button } = words.confirmNotMe
  const what = whatEnds(view, id, device)
  return asking(
    view,
    title,
    html`${device !== undefined && miniature(view, device)} ${what !== undefined && html`<p>${what}</p>`}
      ${marks && html`<p>${willMark}</p>`}`,
    deed(view, paths.notMe, id === undefined ? {} : { id }, button),
  )
}

function whatEnds({ words, overview }: View, id: string | undefined, device: Device | undefined): string | undefined {
  const { willEnd, hasEnded, mayEnd, willEndOthers, cannotEnd } = words.confirmNotMe
  if (!overview.canEnd) return cannotEnd
  if (!overview.canEndOne) return willEndOthers
  if (device !== undefined) return willEnd
  if (id === undefined) return undefined
  return overview.isListed ? hasEnded : mayEnd
}

/** After "this wasn't me": what is done, and what is left to the person. */
export function securedPage(view: View): AccountPage {
  const { words, paths, overview, passwordPage, marks } = view
  const { secured } = words
  return {
    title: secured.title,
    body: html`<header class="sja-head">
        <h1>${secured.title}</h1>
        <p>${overview.canEnd ? secured.text : secured.cannotEnd}${marks && html` ${secured.marked}`}</p>
      </header>
      <section class="sja-section" aria-labelledby="sja-steps">
        <h2 id="sja-steps">${secured.steps}</h2>
        <ol class="sja-steps">
          <li>
            <p>${secured.password}</p>
            ${passwordPage !== undefined && html`<a class="sja-button sja-button-main" href=${passwordPage}>${secured.passwordLink}</a>`}
          </li>
          <li>
            ${
              overview.canEndOthers
                ? html`<p>${secured.others(overview.otherCount)}</p>
                    <a class="sja-button sja-button-grave" href=${`${paths.end}?which=others`}>${words.endOthers}</a>`
                : html`<p>${overview.isListed ? secured.noOthers : secured.cannotEnd}</p>`
            }
          </li>
          <li><p>${secured.mail}</p></li>
        </ol>
      </section>
      ${backLink(view)}`,
  }
}

/** The session is over, and the application does not know that the account needs a new password. */
export function unmarkedPage(view: View, id: string | undefined): AccountPage {
  const { words, paths, passwordPage } = view
  const { title, text, button } = words.unmarked
  return {
    title,
    body: html`<header class="sja-head"><h1>${title}</h1></header>
      <div class="sja-ask" role="alert">
        <p>${text}</p>
        <div class="sja-row">
          ${deed(view, paths.notMe, id === undefined ? {} : { id }, button)}
          ${passwordPage !== undefined && html`<a class="sja-button" href=${passwordPage}>${words.secured.passwordLink}</a>`}
        </div>
      </div>
      ${backLink(view)}`,
  }
}

function asking(view: View, title: string, what: Markup, button: Markup): AccountPage {
  const { words, paths } = view
  return {
    title,
    body: html`<header class="sja-head"><h1>${title}</h1></header>
      <div class="sja-ask">
        ${what}
        <div class="sja-row">${button}<a class="sja-button" href=${paths.home}>${words.keep}</a></div>
      </div>`,
  }
}

function backLink({ words, paths }: View): Markup {
  return html`<p><a class="sja-link" href=${paths.home}>${words.back}</a></p>`
}

/** The device in one line. */
function miniature(view: View, { name, startedAt, isCurrent }: Device): Markup {
  const { words } = view
  const { text, title } = shown(name ?? words.unknownDevice)
  return html`<p class="sja-miniature">
    ${picture(text)}
    <span>
      <bdi title=${title}>${text}</bdi>
      ${isCurrent && html` <span class="sja-tag">${words.thisDevice}</span>`}
      ${startedAt !== undefined && html`<small>${words.started}${': '}${moment(view, startedAt)}</small>`}
    </span>
  </p>`
}
