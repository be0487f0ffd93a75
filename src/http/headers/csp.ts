/**
 * The Content Security Policy: checked once at start-up, joined once, and cut where a nonce goes (CSP Level 3; ASVS 5.0, 3.4.3).
 *
 * A policy is text with `;` and `,` between its parts. A value that holds one of them, from a configuration file say, could switch a
 * directive off; a keyword without its quotes is the name of a host. Browsers pass over both without a word, so both throw here.
 */
import { ConfigError } from '../../core/errors.ts'

/** Directives that name where something may come from. */
const SOURCE_DIRECTIVES = [
  'default-src',
  'script-src',
  'script-src-elem',
  'script-src-attr',
  'style-src',
  'style-src-elem',
  'style-src-attr',
  'img-src',
  'font-src',
  'connect-src',
  'media-src',
  'manifest-src',
  'object-src',
  'frame-src',
  'child-src',
  'worker-src',
  'base-uri',
  'form-action',
  'frame-ancestors',
] as const
/** Directives that take words of their own. */
const WORD_DIRECTIVES = ['sandbox', 'trusted-types', 'require-trusted-types-for'] as const

export type SourceDirective = (typeof SOURCE_DIRECTIVES)[number]
export type WordDirective = (typeof WORD_DIRECTIVES)[number]

/**
 * Directives of a Content Security Policy by name. A list replaces that of the preset, `[]` stands for `'none'` (for `sandbox`: every
 * restriction), `false` takes the directive out. Keywords keep the quotes of the header: `"'self'"`.
 */
export type CspDirectives = { readonly [Name in SourceDirective | WordDirective]?: readonly string[] | false } & {
  /** Has the browser load `http:` links of a page over `https:`. */
  readonly 'upgrade-insecure-requests'?: boolean
}

/** What is not safe must be named. */
export interface CspDangers {
  readonly dangerouslyAllowInlineScripts?: boolean | undefined
  readonly dangerouslyAllowInlineStyles?: boolean | undefined
  readonly dangerouslyAllowEval?: boolean | undefined
  /** For pages that are made to be shown by anybody. */
  readonly allowAnyFrame?: boolean | undefined
}

const READ_MORE = 'See docs/guide/headers.md.'
const KEYWORDS = [
  'self',
  'none',
  'strict-dynamic',
  'wasm-unsafe-eval',
  'report-sample',
  'inline-speculation-rules',
  'unsafe-inline',
  'unsafe-eval',
  'unsafe-hashes',
]
const SAFE_IN_QUOTES = /^'(?:self|none|strict-dynamic|wasm-unsafe-eval|report-sample|inline-speculation-rules)'$/
const HASH = /^'sha(?:256|384|512)-[A-Za-z0-9+/_-]{43,86}={0,2}'$/
const SCHEME = /^[a-z][a-z0-9+.-]*:$/i
const HOST =
  /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?:\d{1,5}|\*))?(?:\/[\w.~%!$&()*+=:@/-]*)?$/i
const WORD = /^(?:[A-Za-z0-9_#=@%./-]+|\*|'(?:none|allow-duplicates|script)')$/
/** Where "from anywhere" means code, plugins, or a `<base>` of whoever got markup into the page. */
const NEVER_FROM_ANYWHERE: readonly string[] = [
  'default-src',
  'script-src',
  'script-src-elem',
  'script-src-attr',
  'object-src',
  'base-uri',
]

/**
 * Checks the directives and gives them as lists.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - an unknown directive, a value that would change another one, a source that lets anybody in.
 */
export function checkDirectives(directives: CspDirectives, dangers: CspDangers): Map<string, readonly string[]> {
  const checked = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(directives)) {
    if (value === undefined || value === false) continue
    if (name === 'upgrade-insecure-requests') {
      if (value !== true) throw invalid(`${name} is no boolean; expected true or false`)
      checked.set(name, [])
      continue
    }
    const isWords = (WORD_DIRECTIVES as readonly string[]).includes(name)
    if (!isWords && !(SOURCE_DIRECTIVES as readonly string[]).includes(name)) throw unknownDirective(name)
    if (!Array.isArray(value)) throw invalid(`${name} is no list; expected an array of strings, or false to leave it out`)
    for (const source of value) checkSource(name, source, isWords, dangers)
    if (value.length > 1 && value.includes("'none'"))
      throw invalid(`${name} says 'none' beside other sources; browsers would ignore 'none'`)
    checked.set(name, value.length === 0 && name !== 'sandbox' ? ["'none'"] : [...value])
  }
  const isOpen = !checked.has('script-src') && !checked.has('default-src')
  if (isOpen) throw invalid('neither default-src nor script-src is left, so any script would run; expected one of them')
  if (!checked.has('base-uri')) throw invalid('base-uri is missing, so an injected <base> could point our own scripts elsewhere')
  if (!checked.has('frame-ancestors'))
    throw invalid('frame-ancestors is missing, so any site could frame this page; name the origins')
  return withDangers(checked, dangers)
}

function checkSource(name: string, source: unknown, isWords: boolean, { allowAnyFrame }: CspDangers): void {
  if (typeof source !== 'string' || !/^[!-~]+$/.test(source) || /[;,]/.test(source))
    throw invalid(`a value of ${name} is empty, or holds a space, a comma, a semicolon or another character that would end it`)
  if (isWords) {
    if (!WORD.test(source)) throw invalid(`${JSON.stringify(source)} is no value of ${name}`)
    return
  }
  const bare = source.replaceAll("'", '').toLowerCase()
  if (!source.startsWith("'") && (KEYWORDS.includes(bare) || /^(?:nonce|sha\d+)-/.test(bare)))
    throw invalid(`${name} says ${source} without quotes, which is the name of a host; expected "'${bare}'"`)
  if (source.startsWith("'")) {
    if (bare === 'unsafe-eval') throw dangerous(name, source, 'dangerouslyAllowEval')
    if (bare === 'unsafe-inline' || bare === 'unsafe-hashes') {
      throw dangerous(name, source, name.startsWith('style') ? 'dangerouslyAllowInlineStyles' : 'dangerouslyAllowInlineScripts')
    }
    if (bare.startsWith('nonce-'))
      throw invalid(`${name} holds a fixed nonce, which anybody can copy; ask cspNonce() for one each response`)
    if (!SAFE_IN_QUOTES.test(source) && !HASH.test(source))
      throw invalid(`${name} holds an unknown keyword or a malformed hash: ${source}`)
    return
  }
  if (!SCHEME.test(source) && !HOST.test(source))
    throw invalid(`${JSON.stringify(source)} in ${name} is neither a host nor a scheme`)
  const isAnywhere = source === '*' || SCHEME.test(source) || /^[a-z]+:\/\/\*/i.test(source)
  if (!isAnywhere) return
  if (NEVER_FROM_ANYWHERE.includes(name))
    throw invalid(`${name} allows ${source}, which is anybody; name the hosts, or use the nonce`)
  if (name === 'frame-ancestors' && allowAnyFrame !== true)
    throw invalid(
      `frame-ancestors allows ${source}: any site could lay this page under its own and have it clicked; name the origins`,
    )
}

function withDangers(checked: Map<string, readonly string[]>, dangers: CspDangers): Map<string, readonly string[]> {
  const add = (kind: 'script' | 'style', keyword: string) => {
    if (!checked.has(`${kind}-src`)) checked.set(`${kind}-src`, checked.get('default-src') ?? [])
    for (const name of [`${kind}-src`, `${kind}-src-elem`]) {
      const sources = checked.get(name)
      if (sources !== undefined) checked.set(name, [...sources.filter((source) => source !== "'none'"), keyword])
    }
  }
  if (dangers.dangerouslyAllowInlineScripts) add('script', "'unsafe-inline'")
  if (dangers.dangerouslyAllowInlineStyles) add('style', "'unsafe-inline'")
  if (dangers.dangerouslyAllowEval) add('script', "'unsafe-eval'")
  return checked
}

/** A policy as it is sent, without a nonce and with one. */
export class CspText {
  readonly plain: string
  readonly #around: readonly string[]

  /** @param isStrictDynamic - Whether scripts that carry the nonce may load others, and the list of hosts no longer counts. */
  constructor(directives: ReadonlyMap<string, readonly string[]>, isStrictDynamic: boolean) {
    this.plain = joined(directives)
    this.#around = joined(withNonce(directives, isStrictDynamic)).split(PLACE)
  }

  withNonce(nonce: string): string {
    const around = this.#around
    let text = around[0]!
    for (let i = 1; i < around.length; i++) text += nonce + around[i]!
    return text
  }
}

/** No source can be this: it has a space. */
const PLACE = ' nonce '

function withNonce(directives: ReadonlyMap<string, readonly string[]>, isStrictDynamic: boolean): Map<string, readonly string[]> {
  const result = new Map(directives)
  const nonce = `'nonce-${PLACE}'`
  for (const name of ['script-src', 'script-src-elem', 'style-src', 'style-src-elem']) {
    const isFallback = !name.endsWith('-elem')
    const given = directives.get(name) ?? (isFallback ? directives.get('default-src') : undefined)
    // Without this list nothing is forbidden, and for -elem the shorter name answers.
    if (given === undefined) continue
    const sources = given.filter((source) => source !== "'none'")
    if (name.startsWith('script')) result.set(name, [nonce, ...(isStrictDynamic ? ["'strict-dynamic'"] : []), ...sources])
    // A nonce switches 'unsafe-inline' off, so who allowed inline styles keeps them.
    else if (!sources.includes("'unsafe-inline'")) result.set(name, [...sources, nonce])
  }
  return result
}

function joined(directives: ReadonlyMap<string, readonly string[]>): string {
  return [...directives].map(([name, sources]) => [name, ...sources].join(' ')).join('; ')
}

function unknownDirective(name: string): ConfigError {
  if (name === 'report-uri' || name === 'report-to')
    return invalid(`directives holds ${name}; expected the option reportTo, which writes both`)
  return invalid(`${JSON.stringify(name.slice(0, 64))} is no directive of a Content Security Policy; browsers would ignore it`)
}

function dangerous(name: string, source: string, option: string): ConfigError {
  return invalid(`${name} holds ${source}, which lets injected markup run; give the page a nonce instead, or say ${option}: true`)
}

function invalid(message: string): ConfigError {
  return new ConfigError(`securityHeaders: ${message}. ${READ_MORE}`, { code: 'ERR_CONFIG_INVALID' })
}
