// The names a user can import, entry by entry. A change here is a change of the public surface, so it shows up in review.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { readEntries, resolved } from './program.ts'

const snapshotFile = 'scripts/root-names.json'

type Names = Readonly<Record<string, readonly string[]>>

/**
 * Compares the exported names of every public entry with the snapshot.
 *
 * @param root - The repository's folder.
 * @param options.update - Writes the snapshot instead.
 * @returns One line for each name that came or went.
 */
export function checkRootNames(root: string, options: { readonly update?: boolean } = {}): string[] {
  const present = exportedNames(root)
  const path = join(root, snapshotFile)
  if (options.update) {
    writeFileSync(path, `${JSON.stringify(present, null, 2)}\n`)
    return []
  }
  const recorded: Names = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  const changes = [...new Set([...Object.keys(recorded), ...Object.keys(present)])].sort().flatMap((entry) => {
    const before = recorded[entry] ?? []
    const now = present[entry] ?? []
    return [
      ...now.filter((name) => !before.includes(name)).map((name) => `+ ${entry}: ${name}`),
      ...before.filter((name) => !now.includes(name)).map((name) => `- ${entry}: ${name}`),
    ]
  })
  return changes.length === 0
    ? []
    : [...changes, 'Wanted? Then run `npm run check -- root-names --update` and commit scripts/root-names.json.']
}

/** Exported names by entry, sorted; types are marked `type X`. */
function exportedNames(root: string): Names {
  const { checker, entries } = readEntries(root)
  return Object.fromEntries(
    entries.map(({ name, symbols }) => [
      name,
      symbols.map((each) => `${isType(checker, each) ? 'type ' : ''}${each.name}`).sort(byName),
    ]),
  )
}

function isType(checker: ts.TypeChecker, symbol: ts.Symbol): boolean {
  const isExportedAsType = symbol.declarations?.some(
    (node) => ts.isExportSpecifier(node) && (node.isTypeOnly || node.parent.parent.isTypeOnly),
  )
  return isExportedAsType === true || (resolved(checker, symbol).flags & ts.SymbolFlags.Value) === 0
}

/** By name, whether type or value. Code unit order, so that no machine's locale matters. */
function byName(a: string, b: string): number {
  const [x, y] = [a.replace('type ', ''), b.replace('type ', '')]
  return x < y ? -1 : x > y ? 1 : 0
}
