// The attacker has: the audit database, its exports, and what verification and searches answer.
// The attacker does: searches all of it, byte by byte, for tokens of sessions, keys, and what keys are derived from them.
// The attacker must not obtain: any of them, from a whole life cycle, refusals included.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditLog } from 'sojourn/monitor/audit'
import { sqliteAuditStore } from 'sojourn/monitor/audit-sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { createKeyring } from '../../src/core/keyring.ts'
import { KEY } from '../core/support.ts'
import { browser, site } from './support.ts'

it('the audit log holds no token and no key, in no spelling', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-audit-'))
  const store = sqliteAuditStore(join(folder, 'audit.db'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const shop = site()
  const audit = auditLog(shop.sessions, { store, records: () => true, checkpointEvery: 2 })
  const ada = browser(shop)
  const tokens = new Set<string>()
  const visit = async (path: string, init?: RequestInit) => {
    await ada.visit(path, init)
    const token = ada.token()
    if (token) tokens.add(token)
  }
  for (const path of ['/login', '/me', '/rotate', '/step-up', '/basket?item=book']) await visit(path)
  await visit('/transfer', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
  shop.clock.advance(40_000)
  for (const token of tokens) await shop.sessions.read(token)
  for (const token of tokens) await shop.sessions.read(`${token.slice(0, -2)}AA`)
  await visit('/logout')
  for (const token of tokens) await shop.sessions.read(token)
  await audit.drained()
  await audit.record({ action: 'console.looked', actor: 'root' })
  const exports: string[] = []
  for (const format of ['json', 'ecs', 'ocsf'] as const) for await (const line of audit.export({ format })) exports.push(line)
  const answers = JSON.stringify([
    await audit.search({ limit: 500 }),
    await audit.verify(),
    await audit.checkpoint(),
    audit.publicKeys,
  ])
  await audit.close()
  await store.close()

  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString('latin1'))
  const everything = [...files, ...exports, answers].join('\n')
  const seed = createKeyring(KEY).newest.derive('audit')
  const needles = [
    ...[...tokens].flatMap((token) => [token.slice(5, 60), token.slice(30, 60), token.slice(-20)]),
    KEY,
    ...[Buffer.from(KEY, 'base64url'), seed].flatMap((key) => [
      key.toString('base64url').slice(0, 20),
      key.toString('hex').slice(0, 24),
      key.toString('latin1').slice(0, 12),
    ]),
  ].filter((needle) => needle.length > 8)

  expect(tokens.size).toBeGreaterThan(2)
  expect(everything).toContain('session.started')
  expect(needles.filter((needle) => everything.includes(needle))).toEqual([])
})
