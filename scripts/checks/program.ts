// The public entries as TypeScript sees them. Without the standard library: names and docstrings need none, and it is faster.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { publicEntries } from './entries.ts'

/** One public entry with what it exports, re-exports followed. */
export interface EntryExports {
  readonly name: string
  readonly symbols: readonly ts.Symbol[]
}

/** Reads every public entry that exists. */
export function readEntries(root: string): { checker: ts.TypeChecker; program: ts.Program; entries: EntryExports[] } {
  const present = publicEntries(root).filter((entry) => existsSync(join(root, entry.source)))
  const program = ts.createProgram({
    rootNames: present.map((entry) => join(root, entry.source)),
    options: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      customConditions: ['sojourn-source'],
      allowImportingTsExtensions: true,
      noEmit: true,
      noLib: true,
      types: [],
    },
  })
  const checker = program.getTypeChecker()
  const entries = present.map(({ name, source }) => {
    const file = program.getSourceFile(join(root, source))
    const symbol = file && checker.getSymbolAtLocation(file)
    return { name, symbols: symbol ? checker.getExportsOfModule(symbol) : [] }
  })
  return { checker, program, entries }
}

/** What a re-exported name stands for. */
export function resolved(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}
