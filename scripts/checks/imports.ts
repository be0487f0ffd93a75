// Imports go down, never up, never sideways: who may import whom, as docs and reviewers understand it.
//
//   4  cli, demo, examples -> public entries only
//   3  console -> stepup, monitor, oidc, http, core        adapters/<x> -> http, core (+ that framework's types)
//      testing -> stepup, oidc, core
//   2  stepup, tokens, oidc, binding -> http, core         stepup/stores/<x> -> stepup/factor-store.ts, core
//   1  http, stores/<x>, monitor -> core
//   0  core -> nothing but the language and node:crypto behind one file (and the types of Standard Schema)

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

interface Rule {
  /** Other parts it may import, besides its own files. */
  readonly parts: readonly string[]
  /** Files that may import Node's built-in modules: all, or those listed with the modules they may take. */
  readonly builtins: 'all' | Readonly<Record<string, readonly string[]>>
  /**
   * Packages: none, types of dependencies, types of the framework it serves, or whatever package.json offers to those who
   * install the entry. A dependency that only `import type` names costs nothing at run time.
   */
  readonly packages: 'none' | 'types' | 'framework-types' | 'offered'
  /** Each file stands alone: a store or an adapter never imports another one, only what they share in the folder `internal`. */
  readonly filesStandAlone?: boolean
  /** What it may import of the part it is a folder of. */
  readonly ofItsPart?: readonly string[]
  /** May import `sojourn...` as a user would. */
  readonly publicEntries?: boolean
}

const middle: Rule = { parts: ['http', 'core'], builtins: 'all', packages: 'offered' }

const rules: Readonly<Record<string, Rule>> = {
  index: { parts: ['core'], builtins: {}, packages: 'none' },
  core: {
    parts: [],
    builtins: { 'src/core/crypto.ts': ['node:crypto'], 'src/core/compression.ts': ['node:zlib'] },
    packages: 'types',
  },
  http: {
    parts: ['core'],
    builtins: { 'src/http/node.ts': ['node:http', 'node:http2', 'node:stream', 'node:net', 'node:tls'] },
    packages: 'none',
  },
  stores: { parts: ['core'], builtins: 'all', packages: 'none', filesStandAlone: true },
  monitor: { parts: ['core'], builtins: 'all', packages: 'offered' },
  testing: { parts: ['stepup', 'oidc', 'core'], builtins: 'all', packages: 'none' },
  adapters: { parts: ['http', 'core'], builtins: 'all', packages: 'framework-types', filesStandAlone: true },
  binding: middle,
  stepup: middle,
  'stepup/stores': {
    parts: ['core'],
    builtins: 'all',
    packages: 'none',
    filesStandAlone: true,
    ofItsPart: ['src/stepup/factor-store.ts'],
  },
  tokens: middle,
  oidc: middle,
  'oidc/stores': {
    parts: ['core'],
    builtins: 'all',
    packages: 'none',
    filesStandAlone: true,
    ofItsPart: ['src/oidc/outbox.ts'],
  },
  console: { parts: ['stepup', 'monitor', 'oidc', 'http', 'core'], builtins: 'all', packages: 'offered' },
  cli: { parts: [], builtins: 'all', packages: 'offered', publicEntries: true },
}

/** Frameworks whose package is not named like the adapter's file. */
const frameworkPackages: Readonly<Record<string, readonly string[]>> = {
  sveltekit: ['@sveltejs/kit'],
  elysia: ['elysia', 'bun'],
}

interface Import {
  readonly specifier: string
  readonly line: number
  readonly isTypeOnly: boolean
}

/**
 * Lists every import that goes up or sideways, and every use of time, chance or environment where it must be handed in.
 *
 * @param root - The repository's folder, or a copy to try the rules on.
 * @returns One sentence a problem, with file and line; empty when all is well.
 */
export function checkImports(root: string): string[] {
  const offered = packagesOffered(root)
  const problems: string[] = []
  for (const file of sourceFiles(root, 'src')) {
    const source = parse(root, file)
    const rule = rules[partOf(file)]
    if (rule === undefined)
      problems.push(`${file}: the part '${partOf(file)}' has no import rule; give it one in scripts/checks/imports.ts`)
    else for (const found of importsOf(source)) report(problems, file, found, forbidden(file, found, rule, offered))
    problems.push(...ambientUses(file, source))
  }
  for (const folder of ['demo', 'examples']) {
    for (const file of sourceFiles(root, folder)) {
      for (const found of importsOf(parse(root, file))) report(problems, file, found, leavesFolder(file, found, folder))
    }
  }
  return problems
}

function report(problems: string[], file: string, found: Import, reason: string | undefined): void {
  if (reason !== undefined) problems.push(`${file}:${found.line} imports '${found.specifier}': ${reason}`)
}

/** Why a file of src may not import this, or `undefined` when it may. */
function forbidden(
  file: string,
  { specifier, isTypeOnly }: Import,
  rule: Rule,
  offered: ReadonlySet<string>,
): string | undefined {
  const part = partOf(file)
  if (specifier.startsWith('.')) return forbiddenFile(file, posix.join(posix.dirname(file), specifier), rule)
  if (specifier.startsWith('node:')) {
    if (rule.builtins === 'all' || rule.builtins[file]?.includes(specifier)) return undefined
    const allowed = Object.entries(rule.builtins).map(([where, what]) => `${what.join(', ')} in ${where}`)
    return `${part} may use ${allowed.length === 0 ? 'no built-in module' : `only ${allowed.join('; ')}`}`
  }
  const name = packageName(specifier)
  if (name === 'sojourn') return rule.publicEntries ? undefined : 'only cli, demo, examples and tests use the public entries'
  if (rule.packages === 'none') return `${part} imports no package`
  if (rule.packages === 'types') {
    return isTypeOnly && offered.has(name) ? undefined : `${part} imports no package, except types of a dependency`
  }
  if (rule.packages === 'framework-types') {
    const framework = fileStem(file)
    if (!(frameworkPackages[framework] ?? [framework]).includes(name))
      return `adapters/${framework} may import types of its own framework only`
    if (!isTypeOnly) return "an adapter takes its framework's types only: write `import type`"
    return undefined
  }
  return offered.has(name) ? undefined : 'the package is neither a dependency nor a peer dependency in package.json'
}

function forbiddenFile(file: string, target: string, rule: Rule): string | undefined {
  const part = partOf(file)
  const targetPart = partOf(target)
  if (!target.startsWith('src/')) return 'the file is outside src'
  if (targetPart === part) {
    const isShared = fileStem(target) === 'internal' || fileStem(file) === fileStem(target)
    return rule.filesStandAlone && !isShared ? `files of ${part} do not import one another` : undefined
  }
  if (rule.parts.includes(targetPart) || rule.ofItsPart?.includes(target)) return undefined
  const allowed = rule.publicEntries ? 'its own files and the public entries' : [...rule.parts, 'its own files'].join(', ')
  return `${part} may import ${rule.filesStandAlone ? rule.parts.join(', ') : allowed} only`
}

function leavesFolder(file: string, { specifier }: Import, folder: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(posix.dirname(file), specifier)
  return target.startsWith(`${folder}/`)
    ? undefined
    : `${folder} uses the public entries (sojourn, sojourn/...), like any application`
}

/** Time comes from core/clock.ts, randomness from core/crypto.ts, settings from options: each use elsewhere is a sentence. */
function ambientUses(file: string, source: ts.SourceFile): string[] {
  const problems: string[] = []
  const visit = (node: ts.Node): void => {
    const use = ambientUse(node)
    const isAllowed = (use?.endsWith('Date()') || use === 'Date.now') && file === 'src/core/clock.ts'
    if (use !== undefined && !isAllowed && !(use === 'process.env' && partOf(file) !== 'core')) {
      problems.push(`${file}:${lineOf(source, node)} uses ${use}: ${instead(use)}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return problems
}

function ambientUse(node: ts.Node): string | undefined {
  if (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && (node.arguments?.length ?? 0) === 0) return 'new Date()'
  if (ts.isCallExpression(node) && isNamed(node.expression, 'Date')) return 'Date()'
  const member = ts.isPropertyAccessExpression(node)
    ? { object: node.expression, name: node.name.text }
    : ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)
      ? { object: node.expression, name: node.argumentExpression.text }
      : undefined
  if (member === undefined) return undefined
  for (const [object, name] of [
    ['Date', 'now'],
    ['Math', 'random'],
    ['process', 'env'],
  ] as const) {
    if (member.name === name && isNamed(member.object, object)) return `${object}.${name}`
  }
  return undefined
}

/** `Date`, `globalThis.Date`, `(Date)`. */
function isNamed(node: ts.Node, name: string): boolean {
  if (ts.isParenthesizedExpression(node)) return isNamed(node.expression, name)
  if (ts.isIdentifier(node)) return node.text === name
  return ts.isPropertyAccessExpression(node) && node.name.text === name && isNamed(node.expression, 'globalThis')
}

function instead(use: string): string {
  if (use === 'Math.random') return 'take random bytes from core/crypto.ts'
  if (use === 'process.env') return 'core takes settings as options'
  return 'take the clock as a parameter (core/clock.ts)'
}

/** Imports of every form: import, export from, import(), import('...').Type, import x = require(), require(). */
function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node, specifier: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (specifier && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, line: lineOf(source, node), isTypeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node)) add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    else if (ts.isExternalModuleReference(node)) add(node, node.expression, false)
    else if (
      ts.isCallExpression(node) &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword || isNamed(node.expression, 'require'))
    ) {
      add(node, node.arguments[0], false)
    } else if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) add(node, node.name, true)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** `src/core/token.ts` -> `core`, `src/index.ts` -> `index`. The stores of factors are a part of their own. */
function partOf(file: string): string {
  if (file.startsWith('src/stepup/stores/')) return 'stepup/stores'
  if (file.startsWith('src/oidc/stores/')) return 'oidc/stores'
  const [, first = ''] = file.split('/')
  return first.replace(/\.ts$/, '')
}

/** What a store or an adapter is named after: `src/stores/sqlite.ts` and `src/stores/sqlite/schema.ts` are both `sqlite`. */
function fileStem(file: string): string {
  return (file.slice(`src/${partOf(file)}/`.length).split('/')[0] ?? '').replace(/\.ts$/, '')
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function packagesOffered(root: string): ReadonlySet<string> {
  const path = join(root, 'package.json')
  const manifest: Record<string, object | undefined> = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  return new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
}

function sourceFiles(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => /\.[cm]?[tj]sx?$/.test(path) && !path.includes('/node_modules/'))
    .sort()
}

function parse(root: string, file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}
