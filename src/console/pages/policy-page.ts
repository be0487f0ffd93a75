/** What is in force, where it deviates and why (ASVS 5.0, 7.1.1 and 7.1.2). */
import { fact, tag } from '../bits.ts'
import type { Show } from '../context.ts'
import { html, type Markup } from '../html.ts'
import { duration } from '../moment.ts'
import { asvsRows } from './policy-rows.ts'

export const showPolicy: Show = async ({ context }) => {
  const report = context.sessions.describePolicy()
  const { limit, deviations, justification, nistLevelsMet, cautions, preset, variesBySession } = report
  const rows = asvsRows(report, context.service.config.store.capabilities)
  return {
    title: 'Policy',
    section: '/policy',
    body: html`<div class="head"><h1>Policy</h1><p>The rules that every session lives by, as they are in force now. They are set in code, and only shown here.</p></div>
      <div class="grid halves">
        <section class="card" aria-labelledby="rules">
          <h2 id="rules">In force</h2>
          <dl class="facts">
            ${fact('Ends if not used for', duration(report.idleTimeout))} ${fact('Ends in any case after', duration(report.absoluteTimeout))}
            ${fact('Token replaced every', duration(report.rotateAfter))} ${fact('Replaced token still works for', duration(report.rotationGrace))}
            ${fact('When a replaced token comes back later', report.onReuse === 'revoke' ? 'the session ends' : 'it is only refused')}
            ${fact('Sessions a person may have', limit === 'none' ? 'any number' : `${limit.max}; one more: ${limit.onExceeded}`)}
            ${fact('Store', report.store)} ${fact('Preset', preset ?? 'none')}
            ${variesBySession && fact('Single sessions', 'may have other times (policyFor)')}
          </dl>
        </section>
        <section class="card" aria-labelledby="standards">
          <h2 id="standards">Standards</h2>
          <ul class="list">${LEVELS.map(([level, words]) => html`<li>${nistLevelsMet.includes(level) ? tag('good', 'within') : tag('plain', 'longer')} NIST SP 800-63B-4, ${level.toUpperCase()}: ${words}</li>`)}</ul>
          <p class="small quiet">Times only. Which level a session has reached is on its own page, as what was proved.</p>
        </section>
      </div>
      <section class="card" aria-labelledby="asvs">
        <h2 id="asvs">OWASP ASVS 5.0, chapter 7</h2>
        <ul class="list list-lined">${rows.map(({ ids, words, isMet }) => html`<li>${isMet ? tag('good', 'met') : tag('warn', 'not met')} <strong>${ids}</strong> ${words}</li>`)}</ul>
        <p class="small quiet">What depends on this configuration, and what every session has. All rows, the tests that show them and your own duties are in docs/reference/conformance.md.</p>
      </section>
      <section class="card" aria-labelledby="deviations">
        <h2 id="deviations">Deviations from the preset</h2>
        ${deviations.length === 0 ? html`<p>${tag('good', 'none')}</p>` : html`${sentences(deviations)}<p><strong>Justification:</strong> ${justification ?? 'none was given'}</p>`}
      </section>
      <section class="card" aria-labelledby="cautions">
        <h2 id="cautions">What this configuration cannot promise</h2>
        ${cautions.length === 0 ? html`<p>${tag('good', 'nothing to say')}</p>` : sentences(cautions)}
      </section>`,
  }
}

const LEVELS = [
  ['aal1', '30 days'],
  ['aal2', '24 hours, and 1 hour unused'],
  ['aal3', '12 hours, and 15 minutes unused'],
] as const

const sentences = (all: readonly string[]): Markup =>
  html`<ul class="list list-lined">${all.map((sentence) => html`<li>${sentence}</li>`)}</ul>`
