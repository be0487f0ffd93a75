// The manual's tables of options and errors, written from the docstrings in the source, so that they cannot drift.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'
import { readEntries, resolved } from './program.ts'

const generated = '<!-- Written by `npm run docs` from the source. Change the docstrings there. -->'

/**
 * Compares the generated pages with the source.
 *
 * @param root - The repository's folder.
 * @param options.update - Writes the pages instead.
 * @returns One sentence a page that is out of date.
 */
export function checkReference(root: string, options: { readonly update?: boolean } = {}): string[] {
  const pages = { 'docs/reference/options.md': optionsPage(root), 'docs/reference/errors.md': errorsPage(root) }
  const stale = Object.entries(pages).filter(
    ([file, text]) => !existsSync(join(root, file)) || readFileSync(join(root, file), 'utf8') !== text,
  )
  if (!options.update) return stale.map(([file]) => `${file} is not what the source says: run \`npm run docs\` and commit it`)
  for (const [file, text] of stale) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return []
}

/** Every exported interface that holds options: what each option means, in the words of its docstring. */
function optionsPage(root: string): string {
  const { checker, entries } = readEntries(root)
  const seen = new Set<ts.Symbol>()
  const sections: string[] = []
  for (const { name, symbols } of entries) {
    for (const symbol of [...symbols].sort(byName)) {
      const target = resolved(checker, symbol)
      const declaration = target.declarations?.find(ts.isInterfaceDeclaration)
      if (declaration === undefined || !/(Options|Policy|Limit)$/.test(symbol.name) || seen.has(target)) continue
      seen.add(target)
      const members = declaration.members.filter(ts.isPropertySignature).map((member) => optionLine(checker, member))
      const parents = (declaration.heritageClauses ?? []).flatMap((clause) => clause.types.map((type) => `\`${type.getText()}\``))
      const inherited = parents.length === 0 ? [] : [`Also has the options of ${parents.join(', ')}.`]
      const about = [docOf(checker, target), `From \`${name}\`.`, ...inherited].filter((text) => text !== '').join(' ')
      sections.push(`## ${symbol.name}\n\n${about}${members.length === 0 ? '' : `\n\n${members.join('\n')}`}`)
    }
  }
  return page('Options', 'Here you look up an option: what it limits, its unit, its default and its bounds.', sections)
}

function optionLine(checker: ts.TypeChecker, member: ts.PropertySignature): string {
  const symbol = checker.getSymbolAtLocation(member.name)
  const name = member.name.getText()
  const type = member.type?.getText().replace(/\s+/g, ' ') ?? 'unknown'
  const presence = member.questionToken === undefined ? 'required' : 'optional'
  const doc = symbol === undefined ? '' : docOf(checker, symbol)
  return `- **\`${name}\`** (\`${type}\`, ${presence})${doc === '' ? '' : `: ${doc}`}`
}

/** The error classes in the words of their docstrings, and every code with the classes that carry it and where it comes from. */
function errorsPage(root: string): string {
  const { checker, program, entries } = readEntries(root)
  const files = program.getSourceFiles().filter((file) => !file.isDeclarationFile && file.fileName.startsWith(join(root, 'src/')))
  const uses = new Map<string, { classes: Set<string>; files: Set<string> }>()
  const codes: { code: string; doc: string }[] = []
  for (const file of files) {
    const visit = (node: ts.Node): void => {
      if (ts.isTypeAliasDeclaration(node) && node.name.text === 'ErrorCode') codes.push(...unionMembers(file, node.type))
      const made = madeError(node)
      if (made !== undefined) {
        const use = uses.get(made.code) ?? { classes: new Set(), files: new Set() }
        uses.set(made.code, { classes: use.classes.add(made.className), files: use.files.add(relative(root, file.fileName)) })
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  const rows = codes.map(({ code, doc }) => {
    const use = uses.get(code)
    const classes = [...(use?.classes ?? [])].sort().map((name) => `\`${name}\``)
    const origins = [...(use?.files ?? [])].sort().map((name) => `\`${name}\``)
    return `| \`${code}\` | ${classes.join(', ')} | ${cell(doc)} | ${origins.join(', ')} |`
  })
  const table = ['| code | class | meaning | thrown in |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const errors = entries.flatMap(({ symbols }) => symbols).filter(({ name }) => name.endsWith('Error') && !name.startsWith('is'))
  const classes = [...new Set(errors)]
    .sort(byName)
    .map((each) => `- **\`${each.name}\`**: ${docOf(checker, resolved(checker, each))}`)
  return page('Errors', 'Here you look up an error by its `code`. Recognise errors by code, never by message text.', [
    `## Classes\n\n${classes.join('\n')}`,
    `## Codes\n\n${table}`,
  ])
}

/** The string literals of a union, each with the comment above it. */
function unionMembers(file: ts.SourceFile, type: ts.TypeNode): { code: string; doc: string }[] {
  const members = ts.isUnionTypeNode(type) ? type.types : [type]
  return members.flatMap((member) => {
    if (!ts.isLiteralTypeNode(member) || !ts.isStringLiteral(member.literal)) return []
    const before = file.text.slice(member.getFullStart(), member.getStart(file))
    // The comment stands before the bar: `/** why */ | 'ERR_X'`, or between bar and literal.
    const above = file.text.slice(0, member.getFullStart()).match(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*\|?\s*$/)?.[0] ?? ''
    return [{ code: member.literal.text, doc: commentText(before) || commentText(above) }]
  })
}

function commentText(text: string): string {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? ''
  return comment
    .replace(/^\s*\*\s?/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** `new StoreError('...', { code: 'ERR_X' })` and `storeError('ERR_X', '...')` -> StoreError, ERR_X. */
function madeError(node: ts.Node): { className: string; code: string } | undefined {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const { text } = node.expression
    const [first] = node.arguments
    const isMaker = text.endsWith('Error') && !text.startsWith('is') && first !== undefined && ts.isStringLiteral(first)
    return isMaker ? { className: `${text.charAt(0).toUpperCase()}${text.slice(1)}`, code: first.text } : undefined
  }
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression)) return undefined
  for (const argument of node.arguments ?? []) {
    if (!ts.isObjectLiteralExpression(argument)) continue
    for (const property of argument.properties) {
      if (!ts.isPropertyAssignment(property) || property.name.getText() !== 'code') continue
      if (ts.isStringLiteral(property.initializer)) return { className: node.expression.text, code: property.initializer.text }
    }
  }
  return undefined
}

function docOf(checker: ts.TypeChecker, symbol: ts.Symbol): string {
  return ts.displayPartsToString(symbol.getDocumentationComment(checker)).replace(/\s+/g, ' ').trim()
}

function page(title: string, lead: string, sections: readonly string[]): string {
  return `${[`# ${title}`, generated, lead, ...sections].join('\n\n')}\n`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function byName(a: ts.Symbol, b: ts.Symbol): number {
  return a.name < b.name ? -1 : 1
}
