/**
 * Escaped by construction: the tag `html` is the only way to make markup here, and whatever is put into it is text unless it is markup itself. There is no way around it: what a
 * page could run is no attribute we write (`dangerouslySetInnerHTML`, `on...`, `style`), and an address leads to this site.
 *
 * The packages that turn it into text are loaded when the first page is asked for, so that an application without a console needs none of them.
 */
import { ConfigError } from '../core/errors.ts'

/** Markup that is not text yet. */
export class Markup {
  readonly parts: TemplateStringsArray
  readonly values: readonly unknown[]

  constructor(parts: TemplateStringsArray, values: readonly unknown[]) {
    this.parts = parts
    this.values = values
  }
}

/** What may stand in a template. `undefined`, `null` and `false` leave nothing behind, so that conditions read well. */
export type Renderable = Markup | string | number | boolean | null | undefined | readonly Renderable[]

/**
 * Makes markup. Templates are written as in JSX: attributes have a value or stand alone, and every element is closed.
 *
 * @example
 * html`<p class="quiet">Ended by <bdi>${actor}</bdi></p>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Renderable[]): Markup {
  return new Markup(parts, values)
}

type Element = (type: unknown, props: Record<string, unknown> | null, ...children: unknown[]) => unknown
interface Renderer {
  readonly template: (parts: TemplateStringsArray, ...values: unknown[]) => unknown
  readonly toText: (tree: unknown) => string
}

const PACKAGES = ['preact', 'htm', 'preact-render-to-string'] as const

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - a package that renders pages is not installed. */
export function checkRendererInstalled(): void {
  for (const name of PACKAGES) {
    try {
      // Not every bundler has it; there the import itself would already have failed.
      import.meta.resolve?.(name)
    } catch {
      throw missing(name)
    }
  }
}

let loaded: Promise<Renderer> | undefined

/** Turns markup into the text of a page. */
export async function render(markup: Markup): Promise<string> {
  loaded ??= load()
  const { template, toText } = await loaded
  return toText(treeOf(markup, template))
}

async function load(): Promise<Renderer> {
  const [{ h, Fragment }, { default: htm }, { renderToString }] = await Promise.all([
    import('preact'),
    import('htm'),
    import('preact-render-to-string'),
  ])
  const element: Element = (type, props, ...children) => {
    for (const name of Object.keys(props ?? {})) checkAttribute(name, props![name])
    return h(type as string, props, ...(children as never[]))
  }
  const bind = (htm as unknown as { bind(element: Element): Renderer['template'] }).bind(element)
  return { template: bind, toText: (tree) => renderToString(h(Fragment, null, tree as never)) }
}

function treeOf(value: unknown, template: Renderer['template']): unknown {
  if (value instanceof Markup) return template(value.parts, ...value.values.map((each) => treeOf(each, template)))
  if (Array.isArray(value)) return value.map((each) => treeOf(each, template))
  if (typeof value === 'object' && value !== null) return String(value)
  return typeof value === 'function' ? '' : value
}

const ADDRESSES = ['href', 'action', 'formAction', 'formaction', 'src']

/** A page with such an attribute is a mistake of ours, and is not sent. */
function checkAttribute(name: string, value: unknown): void {
  const runs = /^on/i.test(name) || ['dangerouslySetInnerHTML', 'style', 'srcdoc', 'srcDoc', 'ref'].includes(name)
  if (runs) throw new Error(`A page has the attribute ${name}, which the console never writes.`)
  if (!ADDRESSES.includes(name) || value === undefined || value === null) return
  if (typeof value === 'string' && /^(?:\/(?![/\\])|[?#]|$)/.test(value)) return
  throw new Error(`A page has an address in ${name} that is not of this site.`)
}

const missing = (name: string) =>
  new ConfigError(
    `The console: the package '${name}' is not there; npm install ${PACKAGES.join(' ')}. It renders the pages. See docs/guide/console.md.`,
    {
      code: 'ERR_CONFIG_INVALID',
    },
  )
