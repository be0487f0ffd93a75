import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VARIANTS } from '../../bench/http/variants.ts'

const root = join(import.meta.dirname, '../..')

/** No time is looked at: only that every variant answers right, which the bench itself checks, and that no row is missing. */
test('the bench runs without bench/peers and its tables have every other row; `npm run bench -- --check` tries the peers', {
  timeout: 240_000,
}, () => {
  const args = ['--conditions=sojourn-source', '--expose-gc', join(root, 'bench/main.ts'), '--smoke', '--no-peers']
  const report = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' })
  const rows = new Set([...report.matchAll(/^\| (.+?) +\| /gm)].map(([, name]) => name))

  for (const { name, needsPeers } of VARIANTS) if (!needsPeers) expect(rows).toContain(name)
  for (const store of ['memory', 'sqlite', 'cookie']) expect(rows).toContain(`sojourn ${store}: read, with data`)
  expect(rows).toContain('sojourn redis: decode a reply')
  expect(rows).toContain('1,000 sessions in SQLite')
  expect(rows).toContain('read in another process, during the purge: longest ms')
  expect(rows).toContain('redis, ioredis within 12 us above bare node:http')
  expect(rows).toContain('traits + csrf + headers within 3 us on node:http')
  for (const row of ['ES256', 'ML-DSA-65', '2', 'sqlite']) expect(rows).toContain(row)
  expect(report).not.toMatch(/NaN|undefined/)
})

test('whatever the bench compares a row with is measured in the same group', () => {
  const groupsOf = new Map(VARIANTS.map(({ name, groups }) => [name, groups]))

  for (const { name, groups, floor = name, peers = [], bare } of VARIANTS) {
    for (const other of [bare, floor, ...peers]) {
      const isBeside = groups.some((group) => groupsOf.get(other)?.includes(group))
      expect.soft(isBeside, `${name} beside ${other}`).toBe(true)
    }
  }
})
