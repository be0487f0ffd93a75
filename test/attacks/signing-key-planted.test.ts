// The attacker has: the database, to read and to write, and the source of this package; not the keys of the keyring.
// The attacker does: reads the signing keys, puts one of their own in their place, moves entries about, and signs tokens for somebody else.
// The attacker must not obtain: a token that verifies with what the issuer publishes, or a key of theirs in the key set.
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose'
import { expect, it } from 'vitest'
import { NONCE_BYTES, seal } from '../../src/core/crypto.ts'
import { days, hours, seconds } from '../../src/core/duration.ts'
import type { Ledger } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { API, ISSUER, kidOf, minting } from '../tokens/support.ts'

/** A database that the attacker has open. */
function openDatabase() {
  const store = memoryStore()
  const rows = new Map<string, Uint8Array>()
  const ledger: Ledger = {
    claim: (key, how) => store.ledger.claim(key, how),
    take: (key, how) => store.ledger.take(key, how),
    count: (key, how) => store.ledger.count(key, how),
    put: async (key, value) => void rows.set(key, value),
    get: async (key) => rows.get(key),
  }
  return { rows, ledger: { name: 'open', capabilities: store.capabilities, ledger } }
}

/** The attacker's pair, and a token of theirs for the administrator. */
async function attacker(now: number) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const secretJwk = { ...(await exportJWK(privateKey)), alg: 'ES256' }
  const claims = {
    iss: ISSUER,
    aud: API,
    sub: 'admin',
    sid: 'x'.repeat(22),
    client_id: ISSUER,
    jti: 'x',
    iat: now / 1000,
    exp: now / 1000 + 300,
  }
  const token = (kid: string) => new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(privateKey)
  return { publicKey, secretJwk, token }
}

it('finds no private key in the database', async () => {
  const { rows, ledger } = openDatabase()
  const { mint } = minting({ tokens: { ledger } })
  await mint()

  const texts = [...rows].flat().map((part) => Buffer.from(part as string).toString('latin1'))

  expect(texts.some((text) => /"d"|"kty"|PRIVATE/.test(text))).toBe(false)
})

it('plants a key of their own, in the clear or sealed under a guess: it is never published, and its tokens never verify', async () => {
  const { rows, ledger } = openDatabase()
  const first = minting({ tokens: { ledger } })
  const kid = kidOf((await first.mint()).accessToken)
  const eve = await attacker(first.clock())
  const plaintext = Buffer.from(JSON.stringify(eve.secretJwk))
  const [name] = [...rows.keys()] as [string]
  const planted = [
    plaintext,
    Buffer.concat([Buffer.from(kid), plaintext]),
    Buffer.concat([
      Buffer.from(kid),
      seal(Buffer.alloc(32), Buffer.alloc(NONCE_BYTES), Buffer.from(`${name}:${kid}`), plaintext),
    ]),
  ]
  const sets: JSONWebKeySet[] = []
  for (const value of planted) {
    rows.set(name, value)
    first.clock.advance(seconds(90))
    for (const process of [first, minting({ core: { clock: first.clock }, tokens: { ledger } })])
      sets.push((await process.tokens.signer.jwks()) as unknown as JSONWebKeySet)
  }

  const options = { issuer: ISSUER, audience: API, currentDate: new Date(first.clock()) }
  for (const set of sets) {
    expect(set.keys.some(({ x }) => x === eve.secretJwk.x)).toBe(false)
    for (const { kid: name } of set.keys)
      await expect(jwtVerify(await eve.token(name!), createLocalJWKSet(set), options)).rejects.toThrow()
  }
  expect(sets).toHaveLength(6)
})

it('puts back the entry of a key that has retired: it signs and verifies nothing any more', async () => {
  const { rows, ledger } = openDatabase()
  const first = minting({ tokens: { ledger } })
  const old = kidOf((await first.mint()).accessToken)
  const [[name, value]] = [...rows] as [[string, Uint8Array]]
  first.clock.advance(days(31) + hours(2))
  const fresh = minting({ core: { clock: first.clock }, tokens: { ledger } })
  const kid = kidOf((await fresh.mint()).accessToken)
  for (const other of rows.keys()) rows.set(other, value)
  rows.set(name, value)
  first.clock.advance(seconds(90))

  const later = minting({ core: { clock: first.clock }, tokens: { ledger } })

  expect([kid, await later.kids()]).not.toContain(old)
  expect(await later.kids()).not.toContain(old)
  expect(await fresh.kids()).toContain(kid)
})
