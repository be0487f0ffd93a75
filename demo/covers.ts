/**
 * Draws a cover for each title: a motif, a palette and a seed made of the book's id, so that a book looks the same for ever and
 * nothing is fetched from anywhere. Drawn as SVG with presentation attributes only, since the page's policy allows no inline style.
 */
import type { Book, Motif, PaletteName } from './catalogue.ts'
import { type Html, html } from './html.ts'
import { motifs } from './motifs.ts'

/** `ground` carries the title in `ink`; `a`, `b`, `c` are for the motif. */
export interface Palette {
  readonly ground: string
  readonly ink: string
  readonly a: string
  readonly b: string
  readonly c: string
}

const palettes: Readonly<Record<PaletteName, Palette>> = {
  oxblood: { ground: '#7a2320', ink: '#f8e8cf', a: '#b8483a', b: '#e0a458', c: '#4d1414' },
  ochre: { ground: '#dfa53f', ink: '#2f1d10', a: '#f1cf86', b: '#a9502b', c: '#5c3a1c' },
  forest: { ground: '#24443a', ink: '#f3ead2', a: '#4d7a5e', b: '#d9b25a', c: '#152b26' },
  teal: { ground: '#1f5a66', ink: '#f6ecd6', a: '#4f97a0', b: '#ef9f6c', c: '#12373f' },
  ink: { ground: '#1f2a44', ink: '#f4e8cf', a: '#4a5f8f', b: '#f0c46a', c: '#121a2d' },
  clay: { ground: '#c4603c', ink: '#fff1da', a: '#e59a6b', b: '#f7d79a', c: '#6d2b1c' },
  sage: { ground: '#a9b48c', ink: '#26301f', a: '#d3d8b4', b: '#6d7f52', c: '#c0563a' },
  plum: { ground: '#4b2a47', ink: '#f7e6d6', a: '#87527a', b: '#e8a48f', c: '#2c1730' },
  paper: { ground: '#efe3c8', ink: '#33241a', a: '#cdb68a', b: '#b0462f', c: '#2f5d62' },
}

const WIDTH = 240
const HEIGHT = 360

const UNLISTED: { readonly palette: PaletteName; readonly motif: Motif } = { palette: 'paper', motif: 'spines' }

export function cover(book: Book | undefined, id: string): Html {
  const { palette: name, motif } = book ?? UNLISTED
  const palette = palettes[name]
  const picture = motifs[motif](palette, seeded(id))
  const title = book?.title ?? 'Unlisted'
  const lines = wrapped(title)
  const longest = Math.max(...lines.map((line) => line.length))
  const size = Math.min(lines.length > 3 ? 27 : 36, Math.floor((WIDTH - 44) / (longest * 0.53)))
  const top = 42 + size * 0.78
  return html`<svg class="cover" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">
<rect width="${WIDTH}" height="${HEIGHT}" fill="${palette.ground}"/>
${picture}
<g fill="${palette.ink}" class="cover-title" font-size="${size}">${lines.map(
    (line, index) => html`<text x="24" y="${(top + index * size * 1.06).toFixed(1)}">${line}</text>`,
  )}</g>
${book && html`<text class="cover-author" x="24" y="28" fill="${palette.ink}" font-size="10.5">${book.author.toUpperCase()}</text>`}
<rect width="9" height="${HEIGHT}" fill="#000" opacity=".16"/><rect x="9" width="1.5" height="${HEIGHT}" fill="#fff" opacity=".16"/></svg>`
}

/** Breaks a title into the fewest lines of about eleven characters, as even as they get. */
function wrapped(title: string): string[] {
  const words = title.split(' ')
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= 11) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

export type Seeded = (least: number, most: number) => number

/** Repeatable noise for drawing (mulberry32 over FNV-1a). Nothing secret may ever come from it. */
function seeded(text: string): Seeded {
  let state = 2166136261
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619)
  return (least, most) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return least + (((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * (most - least)
  }
}
