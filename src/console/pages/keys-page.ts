/** Keys: how many there are, what they sign, and when they are replaced. Nothing here helps who does not have them. */
import { cell, fact, tag } from '../bits.ts'
import type { Show, Visit } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { moment } from '../moment.ts'

export const showKeys: Show = async (visit) => {
  const { context } = visit
  const { keysInRing } = context.sessions.describePolicy()
  const signing = await context.tokens?.signingKeys()
  return {
    title: 'Keys',
    section: '/keys',
    body: html`<div class="head"><h1>Keys</h1><p>What sessions and tokens are made with. Keys are never shown, here or anywhere.</p></div>
      <section class="card" aria-labelledby="ring">
        <h2 id="ring">Ring of session keys</h2>
        <dl class="facts">${fact('Keys in the ring', String(keysInRing))} ${fact('Made with the newest', 'all that is new')} ${fact('Older ones', keysInRing > 1 ? 'still open what they made' : 'none')}</dl>
        <p class="small quiet">${keysInRing > 1 ? 'An older key may leave the ring once what it made is over: after the absolute timeout.' : 'To replace the key, put a new one in front and keep this one until what it made is over. See docs/guide/keys.md.'}</p>
      </section>
      ${
        signing === undefined
          ? html`<p class="quiet">No access tokens are signed here, so there are no signing keys.</p>`
          : html`<section class="card" aria-labelledby="signing"><h2 id="signing">Keys that sign access tokens</h2>${signingTable(visit, signing)}</section>`
      }`,
  }
}

const STATES = {
  signing: ['good', 'signs now'],
  published: ['plain', 'published, signs later'],
  retired: ['plain', 'retired, still verifies'],
} as const

function signingTable({ now }: Visit, keys: Awaited<ReturnType<NonNullable<Visit['context']['tokens']>['signingKeys']>>): Markup {
  if (keys.length === 0) return html`<p class="quiet">None yet: the first is made when a token is asked for.</p>`
  return html`<table>
    <caption>Replaced by themselves</caption>
    <thead><tr><th scope="col">Key id</th><th scope="col">State</th><th scope="col">Algorithm</th><th scope="col">Signs from</th><th scope="col">Signs until</th><th scope="col">Published until</th></tr></thead>
    <tbody>
      ${keys.map(
        (key) => html`<tr>
          <th scope="row"><span class="id">${key.kid}</span></th>
          ${cell('State', tag(STATES[key.state][0], STATES[key.state][1]))} ${cell('Algorithm', key.algorithm)} ${cell('Signs from', moment(key.signsFrom, now))}
          ${cell('Signs until', moment(key.signsUntil, now))} ${cell('Published until', moment(key.publishedUntil, now))}
        </tr>`,
      )}
    </tbody>
  </table>`
}
