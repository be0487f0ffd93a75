import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VARIANTS } from '../../bench/http/variants.ts'

const root = join(import.meta.dirname, '../..')

/** No time is looked at: only that every variant answers right, which the bench itself checks, and that no row is missing. */
test('the bench runs and its tables have every row', { timeout: 120_000 }, () => {
  const args = ['--conditions=sojourn-source', '--expose-gc', join(root, 'bench/main.ts'), '--smoke']
  const report = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const rows = new Set([...report.matchAll(/^\| (.+?) +\| /gm)].map(([, name]) => name))

  for (const { name } of VARIANTS) expect(rows).toContain(name)
  for (const store of ['memory', 'sqlite']) expect(rows).toContain(`sojourn ${store}: read, with data`)
  expect(rows).toContain('1,000 sessions in SQLite')
  expect(rows).toContain('read in another process, during the purge: longest ms')
  expect(report).not.toMatch(/NaN|undefined/)
})
