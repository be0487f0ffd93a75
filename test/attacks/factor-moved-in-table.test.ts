// The attacker has: write access to the application's database, and an account with a factor of its own; not the keys.
// The attacker does: gives that factor to another person, or to another kind or id, and copies or edits what is sealed in it.
// The attacker must not obtain: another person's factor that opens to anything of the attacker's.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { createKeyring } from '../../src/core/keyring.ts'
import type { FactorKind, FactorStore } from '../../src/stepup/factor-store.ts'
import { FactorVault } from '../../src/stepup/factor-vault.ts'

const random = pooledRandom()
const vault = new FactorVault(createKeyring(Buffer.from(random(32)).toString('base64url')), random)

let folder: string
let database: DatabaseSync
let store: FactorStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sojourn-'))
  database = new DatabaseSync(join(folder, 'application.db'))
  store = sqliteFactorStore(database)
})
afterEach(async () => {
  await store.close()
  database.close()
  rmSync(folder, { recursive: true })
})

async function enrol(subject: string, kind: FactorKind, secret: string): Promise<void> {
  const whose = { id: Buffer.from(random(16)).toString('base64url'), subject, kind }
  const sealed = vault.seal({ secret }, whose)
  const factor = { ...whose, handle: undefined, name: 'My phone', createdAt: 1, lastUsedAt: undefined, sealed }
  expect(await store.add(factor, { most: 9 })).toBe('added')
}

const openedOf = async (subject: string) => (await store.list(subject)).map((factor) => vault.open(factor))

it.each([
  ['its owner', `UPDATE sojourn_factors SET subject = 'victim' WHERE subject = 'thief'`],
  ['its kind', `UPDATE sojourn_factors SET kind = 'recovery'`],
  ['its id', `UPDATE sojourn_factors SET id = 'AAAAAAAAAAAAAAAAAAAAAA' WHERE subject = 'thief'`],
  ['what is sealed in it', `UPDATE sojourn_factors SET sealed = (SELECT sealed FROM sojourn_factors WHERE subject = 'thief')`],
  [
    'a byte of what is sealed in it',
    `UPDATE sojourn_factors SET sealed = CAST(substr(sealed, 1, 20) || x'00' || substr(sealed, 22) AS BLOB)`,
  ],
  ['everything but its first bytes', `UPDATE sojourn_factors SET sealed = CAST(substr(sealed, 1, 4) AS BLOB)`],
])('a factor whose row was edited, %s, opens to nothing of the thief’s', async (_, edit) => {
  await enrol('thief', 'totp', 'of the thief')
  await enrol('victim', 'totp', 'of the victim')
  expect(await openedOf('thief')).toEqual([{ secret: 'of the thief' }])

  database.exec(edit)

  expect(JSON.stringify(await openedOf('victim'))).not.toContain('of the thief')
})

it('a copy of the table holds no secret', async () => {
  await enrol('victim', 'totp', 'of the victim')

  const [row] = database.prepare('SELECT * FROM sojourn_factors').all()

  const text = Object.values(row!).map((cell) =>
    cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell),
  )
  expect(text.join()).not.toContain('of the victim')
})
