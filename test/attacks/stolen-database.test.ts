// The attacker has: every row of the store, and the file itself; in the last cases the keys as well.
// The attacker does: builds tokens from ids, hashes, salts and bodies; searches the bytes for secrets and data.
// The attacker must not obtain: a token that is accepted, any secret, or (without the keys) any session data.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createKeyring } from '../../src/core/keyring.ts'
import { decodeRecord } from '../../src/core/record.ts'
import { mintToken, newSecret } from '../../src/core/token.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { FOREIGN_KEY, RING, setUp, signedIn, tokenOf } from '../core/support.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-stolen-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A session with data, rotated twice, and what the attacker reads of it. */
async function stolen(name: string) {
  const path = join(folder, `${name}.db`)
  const store = faultyStore(sqliteStore(path))
  const service = setUp({ store })
  const tokens = [await signedIn(service.sessions, { subject: 'ada' })]
  const first = await service.sessions.read(tokens[0])
  first.data.card = '4111-1111-1111-1111'
  await first.commit()
  for (let i = 0; i < 2; i++) {
    const session = await service.sessions.read(tokens.at(-1))
    await session.rotate()
    tokens.push(await tokenOf(session))
    await service.sessions.read(tokens.at(-1))
  }
  const [row] = await store.list('ada')
  const bytes = Buffer.concat([path, `${path}-wal`].map((file) => readFileSync(file)))
  return { ...service, tokens, row: row!, record: decodeRecord(row!, RING)!, bytes }
}
const secretOf = (token: string) => Buffer.from(token.slice(5), 'base64url').subarray(16, 48)

it('no token and no secret stands in the file, in any spelling', async () => {
  const { tokens, bytes } = await stolen('search')
  const needles = tokens.flatMap((token) => {
    const secret = secretOf(token)
    return [
      token,
      secret,
      secret.toString('hex'),
      secret.toString('base64url').slice(0, -2),
      secret.toString('base64').slice(0, -3),
    ]
  })

  expect(needles.filter((needle) => bytes.includes(needle))).toEqual([])
})

it('no session data stands in the file', async () => {
  const { bytes } = await stolen('data')

  expect([bytes.includes('4111'), bytes.includes('card')]).toEqual([false, false])
})

it('nothing in a row makes a token without the keys: each attempt is forged or malformed', async () => {
  const { sessions, record, row } = await stolen('forge')
  const material = [record.currentHash, ...record.lineage.flatMap(({ hash, salt }) => [hash, salt])]
  const attempts = [
    ...material.map((bytes) => mintToken(record.idBytes, bytes, createKeyring(FOREIGN_KEY))),
    ...material.map((bytes) => `sjn1_${Buffer.concat([record.idBytes, bytes, bytes.subarray(0, 16)]).toString('base64url')}`),
    ...Array.from(
      { length: row.body.length - 64 },
      (_, at) => `sjn1_${Buffer.from(row.body.subarray(at, at + 64)).toString('base64url')}`,
    ),
    record.id,
    record.currentHash.toString('hex'),
  ]

  const states = await Promise.all(attempts.map(async (token) => (await sessions.read(token)).state))
  expect([...new Set(states)].toSorted()).toEqual(['forged', 'malformed'])
})

it('a stored hash is no token, even for who has the keys', async () => {
  const { sessions, record } = await stolen('hash')

  expect((await sessions.read(mintToken(record.idBytes, record.currentHash, RING))).state).toBe('reused')
})

it('salts and hashes do not give the next secret, even to who has the keys', async () => {
  const { record, tokens } = await stolen('salt')
  const current = secretOf(tokens.at(-1)!)
  const guesses = record.lineage.flatMap(({ salt, hash }) => [
    RING.newest.rotationMac.digest(salt, hash),
    RING.newest.rotationMac.digest(salt),
  ])

  expect(guesses.filter((guess) => guess.equals(current))).toEqual([])
})

it('with the keys a token for a known id can be made up, but is no session: its secret is not known', async () => {
  const { sessions, record } = await stolen('keys')
  const guess = mintToken(
    record.idBytes,
    newSecret(() => new Uint8Array(32).fill(3)),
    RING,
  )

  expect((await sessions.read(guess)).subject).toBeUndefined()
})
