import { describe, expect, test } from 'vitest'
import { checkImports } from '../../scripts/checks/imports.ts'
import { scratch } from './scratch.ts'

/** What the check says of one file; the files it imports need not exist. */
const problemsOf = (path: string, text: string, manifest = '{}'): string[] =>
  checkImports(scratch({ [path]: text, 'package.json': manifest }))

describe('imports go down', () => {
  test.each([
    ['src/index.ts', "export { x } from './core/x.ts'"],
    ['src/core/a.ts', "import { b } from './b.ts'"],
    ['src/core/crypto.ts', "import { hash } from 'node:crypto'"],
    ['src/http/cookie.ts', "import { x } from '../core/x.ts'"],
    ['src/http/node.ts', "import type { IncomingMessage } from 'node:http'"],
    ['src/stores/sqlite.ts', "import { DatabaseSync } from 'node:sqlite'\nimport type { Store } from '../core/store.ts'"],
    ['src/stores/sqlite.ts', "import { schema } from './sqlite/schema.ts'\nimport { wait } from './internal/wait.ts'"],
    [
      'src/stepup/stores/sqlite.ts',
      "import { wait } from './internal/wait.ts'\nimport { x } from './sqlite/x.ts'\nimport type { FactorStore } from '../factor-store.ts'",
    ],
    ['src/stepup/stores/sqlite/x.ts', "import { x } from '../../../core/x.ts'\nimport { y } from '../internal/y.ts'"],
    ['src/testing/a.ts', "import type { FactorStore } from '../stepup/factor-store.ts'"],
    ['src/adapters/express.ts', "import type { Request } from 'express'\nimport { x } from '../http/x.ts'"],
    ['src/console/page.ts', "import { x } from '../monitor/x.ts'"],
    ['src/cli/main.ts', "import { createSessions } from 'sojourn'\nimport { keys } from './keys.ts'"],
    ['demo/main.ts', "import { createSessions } from 'sojourn'\nimport express from 'express'\nimport { page } from './page.ts'"],
  ])('%s: %s', (path, text) => {
    expect(problemsOf(path, text)).toEqual([])
  })
})

describe('imports never go up or sideways', () => {
  test.each([
    [
      'src/core/a.ts',
      "import { x } from '../http/x.ts'",
      "src/core/a.ts:1 imports '../http/x.ts': core may import its own files only",
    ],
    ['src/core/a.ts', "import type { X } from '../stores/memory.ts'", 'core may import its own files only'],
    ['src/core/a.ts', "export * from '../http/x.ts'", 'core may import its own files only'],
    ['src/core/a.ts', "const x = await import('../http/x.ts')", 'core may import its own files only'],
    ['src/core/a.ts', "let x: import('../http/x.ts').X", 'core may import its own files only'],
    ['src/core/a.ts', "import { hash } from 'node:crypto'", 'core may use only node:crypto in src/core/crypto.ts'],
    ['src/core/crypto.ts', "import fs from 'node:fs'", 'core may use only node:crypto'],
    ['src/core/a.ts', "import { z } from 'zod'", 'core imports no package'],
    ['src/http/a.ts', "import { x } from '../adapters/node.ts'", 'http may import core, its own files only'],
    ['src/http/a.ts', "import { createServer } from 'node:http'", 'http may use only'],
    ['src/stores/redis.ts', "import { x } from './memory.ts'", 'files of stores do not import one another'],
    ['src/stores/redis.ts', "import { x } from './memory/ledger.ts'", 'files of stores do not import one another'],
    ['src/stores/redis.ts', "import { Redis } from 'ioredis'", 'stores imports no package'],
    ['src/adapters/hono.ts', "import { x } from './express.ts'", 'files of adapters do not import one another'],
    ['src/adapters/hono.ts', "import type { Request } from 'express'", 'types of its own framework only'],
    ['src/adapters/express.ts', "import express from 'express'", 'write `import type`'],
    ['src/oidc/a.ts', "import { x } from '../stepup/x.ts'", 'oidc may import http, core, its own files only'],
    ['src/stepup/stores/sqlite.ts', "import { x } from './memory.ts'", 'files of stepup/stores do not import one another'],
    ['src/stepup/stores/sqlite/x.ts', "import { x } from '../memory.ts'", 'files of stepup/stores do not import one another'],
    ['src/stepup/stores/sqlite.ts', "import { x } from '../totp.ts'", 'stepup/stores may import core only'],
    ['src/stepup/stores/sqlite.ts', "import { x } from '../../stores/sqlite.ts'", 'stepup/stores may import core only'],
    ['src/stepup/stores/postgres.ts', "import { Pool } from 'pg'", 'stepup/stores imports no package'],
    ['src/stepup/totp.ts', "import { x } from './stores/memory.ts'", 'stepup may import http, core, its own files only'],
    ['src/testing/a.ts', "import { x } from '../http/x.ts'", 'testing may import stepup, oidc, core, its own files only'],
    ['src/cli/main.ts', "import { x } from '../core/x.ts'", 'cli may import its own files and the public entries only'],
    ['src/http/a.ts', "import { x } from 'sojourn'", 'only cli, demo, examples and tests use the public entries'],
    ['src/core/a.ts', "import { x } from '../../demo/x.ts'", 'the file is outside src'],
    ['src/helpers/a.ts', 'export {}', "the part 'helpers' has no import rule"],
    ['demo/main.ts', "import { x } from '../src/index.ts'", 'demo uses the public entries'],
    ['examples/a.ts', "import { x } from '../demo/x.ts'", 'examples uses the public entries'],
  ])('%s: %s', (path, text, problem) => {
    expect(problemsOf(path, text)).toEqual([expect.stringContaining(problem)])
  })

  test('core takes types of a dependency, never its values', () => {
    const manifest = '{"dependencies":{"@standard-schema/spec":"1"}}'

    expect(problemsOf('src/core/a.ts', "import type { X } from '@standard-schema/spec'", manifest)).toEqual([])
    expect(problemsOf('src/core/a.ts', "import { x } from '@standard-schema/spec'", manifest)).toHaveLength(1)
  })

  test('a package is refused until package.json offers it to those who install Sojourn', () => {
    const text = "import { jwtVerify } from 'jose/jwt/verify'"

    expect(problemsOf('src/tokens/a.ts', text)).toHaveLength(1)
    expect(problemsOf('src/tokens/a.ts', text, '{"peerDependencies":{"jose":"6"}}')).toEqual([])
  })
})

describe('time, chance and environment are handed in', () => {
  test.each([
    ['src/http/a.ts', 'const now = Date.now()', 'src/http/a.ts:1 uses Date.now'],
    ['src/http/a.ts', 'const clock = { now: Date.now }', 'uses Date.now'],
    ['src/http/a.ts', "const now = globalThis.Date['now']()", 'uses Date.now'],
    ['src/stores/a.ts', 'const now = +new Date()', 'uses new Date()'],
    ['src/core/clock.ts', 'const x = Math.random()', 'uses Math.random'],
    ['src/core/a.ts', 'const key = process.env.KEY', 'uses process.env'],
  ])('%s: %s', (path, text, problem) => {
    expect(problemsOf(path, text)).toEqual([expect.stringContaining(problem)])
  })

  test.each([
    ['src/core/clock.ts', 'export const now = () => Date.now()'],
    ['src/http/a.ts', 'const date = new Date(at).toUTCString() // not Date.now()'],
    ['src/cli/main.ts', 'const keys = process.env.SESSION_KEYS'],
  ])('%s: %s is fine', (path, text) => {
    expect(problemsOf(path, text)).toEqual([])
  })
})
