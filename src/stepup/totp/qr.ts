/**
 * The QR code as SVG, to be put into a page as it is. It has no script, no style and no reference, so that the strictest Content Security Policy
 * refuses nothing of it, and a title for those who cannot see it.
 */
import { squaresOf } from './packages.ts'

/** Sides in CSS pixels, where the page's own style says nothing else. */
const SIZE = 240

/** @param title - Text; whatever is markup in it is escaped. */
export async function qrSvg(text: string, title: string): Promise<string> {
  const squares = await squaresOf(text)
  const side = squares.length
  const name = escaped(title)
  // White under black whatever the page's colours are: readers do not take it the other way round.
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" width="${SIZE}" height="${SIZE}" role="img" aria-label="${name}" ` +
    `shape-rendering="crispEdges"><title>${name}</title><path fill="#fff" d="M0 0h${side}v${side}H0z"/><path fill="#000" d="${pathOf(squares)}"/></svg>`
  )
}

function pathOf(squares: readonly (readonly boolean[])[]): string {
  let path = ''
  squares.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      const start = x
      while (row[x + 1]) x++
      const length = x - start + 1
      path += `M${start} ${y}h${length}v1h-${length}z`
    }
  })
  return path
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
