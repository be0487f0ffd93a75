// OWASP ASVS 5.0.0, V11: the rows about the cryptography of sessions.

import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pooledRandom } from '../../../src/core/crypto.ts'
import { createKeyring } from '../../../src/core/keyring.ts'
import { openData, sealData } from '../../../src/core/sealed-data.ts'
import { hashSecret, newId, newSecret } from '../../../src/core/token.ts'
import { KEY, OLDER_KEY, RING, setUp, signedIn, thrownBy, tokenOf } from '../../core/support.ts'

const core = new URL('../../../src/core/', import.meta.url)
const sources = readdirSync(core).map((name) => ({ name, text: readFileSync(new URL(name, core), 'utf8') }))
const random = pooledRandom()
const id = newId(random, 'ada')

it('ASVS-11.1.3: every primitive is called in one file', () => {
  expect(
    sources.filter(({ text }) => /from 'node:crypto'|\bcrypto\.subtle|globalThis\.crypto/.test(text)).map(({ name }) => name),
  ).toEqual(['crypto.ts'])
})

it('ASVS-11.2.1: that file uses the platform’s own implementations and nothing else', () => {
  const { text } = sources.find(({ name }) => name === 'crypto.ts')!

  expect([...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)).toEqual(['node:crypto'])
})

it('ASVS-11.2.2: keys are replaced under live sessions: the old one opens, the new one makes, and once removed it opens nothing', async () => {
  const { store, clock, sessions } = setUp({ keys: OLDER_KEY })
  const token = await signedIn(sessions)
  const both = await setUp({ keys: [KEY, OLDER_KEY], store, clock }).sessions.read(token)
  await both.rotate()
  const renewed = await tokenOf(both)
  const { sessions: after } = setUp({ keys: KEY, store, clock })

  expect([both.subject, (await after.read(renewed)).subject, (await after.read(token)).state]).toEqual(['ada', 'ada', 'forged'])
})

it('ASVS-11.2.3: keys have 256 bits; shorter ones are refused', () => {
  expect(thrownBy(() => createKeyring(Buffer.alloc(16, 'k3y').toString('base64url'))).code).toBe('ERR_KEYS_INVALID')
})

it('ASVS-11.2.4: secrets are compared by one helper, in constant time, different lengths included', () => {
  const callers = sources.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ name }) => name)

  expect(callers).toEqual(['crypto.ts'])
})

it('ASVS-11.2.5: every way of failing to open gives one answer', () => {
  const sealed = sealData(Buffer.from('1{}'), id, RING, random)
  const damaged = [0, 4, 16, sealed.length - 1].map((at) => sealed.map((byte, i) => (i === at ? byte ^ 1 : byte)))
  const answers = [...damaged, sealed.subarray(1), new Uint8Array(0)].map((bytes) => openData(bytes, id, RING))

  expect(new Set(answers)).toEqual(new Set([undefined]))
})

it('ASVS-11.3.1-2: the only cipher is AES-256-GCM: no ECB, no PKCS#1 v1.5', () => {
  const ciphers = sources.flatMap(({ text }) => [...text.matchAll(/createCipheriv\('([^']+)'/g)].map(([, cipher]) => cipher))

  expect(ciphers).toEqual(['aes-256-gcm'])
})

it('ASVS-11.3.3: sealed data is authenticated together with the session it belongs to', () => {
  const sealed = sealData(Buffer.from('1{}'), id, RING, random)

  expect(openData(sealed, newId(random, 'grace'), RING)).toBeUndefined()
})

it('ASVS-11.3.4: each session has a sealing key of its own and each write a nonce of its own', () => {
  const nonces = Array.from({ length: 5000 }, () =>
    sealData(Buffer.from('1{}'), id, RING, random).subarray(4, 16).toString('hex'),
  )
  const keys = Array.from({ length: 100 }, () => RING.newest.sealMac.digest(newId(random, 'ada')).toString('hex'))

  expect([new Set(nonces).size, new Set(keys).size]).toEqual([5000, 100])
})

it('ASVS-11.4.1: SHA-256 is the only hash', () => {
  const hashes = sources.flatMap(({ text }) =>
    [...text.matchAll(/(?:hash|createHash|createHmac|hkdfSync)\('([^']+)'/g)].map(([, name]) => name),
  )

  expect(new Set(hashes)).toEqual(new Set(['sha256']))
})

it('ASVS-11.4.3: what is stored of a secret is a hash of 256 bits', () => {
  const secret = newSecret(random)

  expect(hashSecret(secret)).toEqual(hash('sha256', secret, 'buffer'))
})

it('ASVS-11.4.4: a passphrase is never taken for a key', () => {
  expect(thrownBy(() => createKeyring('correct horse battery staple and then some')).code).toBe('ERR_KEYS_INVALID')
})

it('ASVS-11.5.1: secrets and ids come from the CSPRNG with at least 128 bits', () => {
  const asked: number[] = []
  const counting = (size: number) => {
    asked.push(size)
    return random(size)
  }
  newSecret(counting)
  newId(counting, undefined)

  expect(Math.min(...asked) * 8).toBeGreaterThanOrEqual(128)
})

it('ASVS-11.5.2: under load no secret repeats and no other source steps in', async () => {
  const { sessions } = setUp()
  const tokens = await Promise.all(Array.from({ length: 2000 }, () => signedIn(sessions)))

  expect(new Set(tokens).size).toBe(2000)
})
