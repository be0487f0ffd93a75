/** Escaped by construction: only this tag makes `Html`, and whatever is put into it is escaped unless it is `Html` itself. */

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export class Html {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }

  /** Takes text for markup as it is. Only for what a library made as markup, such as the QR code. */
  static madeByLibrary(markup: string): Html {
    return new Html(markup)
  }

  static tag(parts: TemplateStringsArray, ...values: readonly Renderable[]): Html {
    let text = parts[0] ?? ''
    values.forEach((value, index) => {
      text += render(value) + (parts[index + 1] ?? '')
    })
    return new Html(text)
  }
}

/** What may stand in a template. `undefined` and `false` leave nothing behind, so that conditions read well. */
export type Renderable = Html | string | number | undefined | false | readonly Renderable[]

/** Attribute values must be quoted in the template: quotes are escaped, blanks are not. */
export const html = Html.tag

function render(value: Renderable): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(render).join('')
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}
