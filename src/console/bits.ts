/** What pages are made from. */
import type { Acr } from '../core/assurance.ts'
import { shown } from './account-pages/name.ts'
import { html, type Markup, type Renderable } from './html.ts'

/** A name that came from outside: it keeps its direction to itself, and is cut where nobody would read on. */
export function named(name: string): Markup {
  const { text, title } = shown(name)
  return html`<bdi title=${title}>${text}</bdi>`
}

/** A machine word for people: `wrong-secret` is "wrong secret". */
export const plain = (word: string): string => shown(word).text.replaceAll(/[-.]/g, ' ')

/** One row of facts; nothing where there is no value. */
export function fact(name: string, value: Renderable): Markup | false {
  if (value === undefined || value === false) return false
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

type Mood = 'good' | 'warn' | 'bad' | 'plain'

const SHAPES: Readonly<Record<Mood, string>> = {
  good: 'M2 6.5 5 9.5 10 3',
  warn: 'M6 1.5v5.5M6 10v.01',
  bad: 'M2.5 2.5l7 7M9.5 2.5l-7 7',
  plain: '',
}

/** A state in a word, with a shape besides its colour (WCAG 2.2, 1.4.1). */
export function tag(mood: Mood, words: string): Markup {
  const shape = SHAPES[mood]
  return html`<span class=${mood === 'plain' ? 'tag' : `tag tag-${mood}`}>${shape !== '' && html`<svg viewBox="0 0 12 12" aria-hidden="true"><path d=${shape} /></svg>`}${words}</span>`
}

const LEVELS: Readonly<Record<Acr, string>> = {
  aal0: 'nothing proved',
  aal1: 'one factor',
  aal2: 'two factors',
  aal3: 'two factors, hardware',
}

/** An assurance level with what it means. */
export const levelWords = (acr: string): string => `${acr} (${LEVELS[acr as Acr] ?? 'unknown'})`

/** A cell that says on a phone what its column says on a wide screen. */
export function cell(name: string, value: Renderable, kind = ''): Markup {
  return html`<td data-name=${name} class=${kind || undefined}>${value ?? '–'}</td>`
}

/** A host is how people know a provider; an issuer that is no URL is shown as it is. */
export function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).host || issuer : issuer
}
