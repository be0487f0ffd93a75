/** Key pairs as `jose` makes them: the private part goes into the vault, and from there into memory in a form that cannot be taken out again. */
import type { TokenSettings } from '../options.ts'
import type { Entry, Pair, StoredPair } from './key-vault.ts'
import type { Period } from './periods.ts'

type PrivateKey = Awaited<ReturnType<typeof import('jose')['importJWK']>>

/** A key ready to sign. */
export interface SigningKey {
  readonly kid: string
  readonly period: Period
  readonly privateKey: PrivateKey
  /** With `alg`, `use` and `kid`: a key has one algorithm, and verifies nothing else (RFC 8725, 3.1). */
  readonly publicJwk: Readonly<Record<string, unknown>>
  /** As the vault has it, sealed. */
  readonly entry: Entry
}

/** RFC 7518, 6; RFC 8037, 2; RFC 9964, 4: what everybody may know, and nothing else is ever copied from a key. */
const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e', 'pub'] as const

/** Makes a pair. The name is its RFC 7638 thumbprint: nobody can make another key of that name. */
export async function makeKeyPair(algorithm: TokenSettings['algorithm']): Promise<Pair> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const secretJwk = await exportJWK(privateKey)
  return { kid: await calculateJwkThumbprint({ ...secretJwk, alg: algorithm }), secretJwk }
}

/** A pair from the vault, its private part no longer extractable: a look into this process's objects finds nothing to copy. */
export async function signingKeyOf(
  { kid, secretJwk, entry }: StoredPair,
  algorithm: TokenSettings['algorithm'],
  period: Period,
): Promise<SigningKey> {
  const { importJWK } = await import('jose')
  const privateKey = await importJWK({ ...secretJwk, alg: algorithm }, algorithm, { extractable: false })
  const members = PUBLIC_MEMBERS.filter((name) => secretJwk[name] !== undefined).map((name) => [name, secretJwk[name]])
  return { kid, period, privateKey, publicJwk: { ...Object.fromEntries(members), alg: algorithm, use: 'sig', kid }, entry }
}
