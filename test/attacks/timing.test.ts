// The attacker has: an exact clock, and as many requests as they like with tokens they choose.
// The attacker does: measures how long a wrong tag or secret takes to refuse, byte by byte.
// The attacker must not obtain: how many bytes of it were right.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { pooledRandom } from '../../src/core/crypto.ts'
import { mintToken, newId, newSecret, parseToken } from '../../src/core/token.ts'
import { RING } from '../core/support.ts'

const root = fileURLToPath(new URL('../../src/', import.meta.url))
const lines = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /^(core|http|adapters)\/.*\.ts$/.test(file))
  .flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .map((text) => ({ file, text: text.trim() })),
  )
  .filter(({ text }) => !/^(\*|\/\/|\/\*)/.test(text))

it('timingSafeEqual is called in one file only', () => {
  expect(new Set(lines.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ file }) => file))).toEqual(
    new Set(['core/crypto.ts']),
  )
})

it('bytes are compared in variable time only where no secret of a request is', () => {
  const compared = lines.flatMap(({ file, text }) =>
    [...text.matchAll(/[\w.#]+(\(.*?\))?\.equals\(|Buffer\.compare\(\w+/g)].map(([expression]) => `${file}: ${expression}`),
  )

  expect(compared.toSorted()).toEqual([
    // The first and second half of a key, at start-up.
    'core/keyring.ts: secretKey.subarray(0, KEY_BYTES / 2).equals(',
    // What the store answered now and before: hashes and sealed bytes, no word of the request.
    'core/record-memo.ts: Buffer.compare(body',
    // The hash of a secret of our own making, with the one that was stored for it.
    'core/unit-of-work.ts: hashSecret(this.#secretToSend).equals(',
  ])
})

it('nothing named secret, hash, tag, mac or token is compared by ===', () => {
  const compared = lines.flatMap(({ file, text }) =>
    [...text.matchAll(/[\w.#]*(?:secret|hash|(?<!ou)tag|mac|token)\w*\s*[!=]==?\s*([^\s)]+)/gi)]
      .filter(([, other]) => !['undefined', "''"].includes(other!))
      .map(([expression]) => `${file}: ${expression}`),
  )

  expect(compared).toEqual([])
})

it('a tag wrong in its first byte takes as long to refuse as one wrong in its last', () => {
  const random = pooledRandom()
  const token = mintToken(newId(random, 'ada'), newSecret(random), RING)
  const wrongAt = (at: number) => {
    const bytes = Buffer.from(token.slice(5), 'base64url')
    bytes[at]! ^= 1
    return `sjn1_${bytes.toString('base64url')}`
  }
  const [first, last] = [wrongAt(48), wrongAt(63)]
  const timed = (given: string) => {
    const startedAt = process.hrtime.bigint()
    for (let i = 0; i < 500; i++) parseToken(given, RING)
    return Number(process.hrtime.bigint() - startedAt)
  }
  const median = (times: number[]) => times.toSorted((a, b) => a - b)[times.length >> 1]!
  // A smoke test: a busy machine makes single rounds useless, a comparison that stops early shows in every one.
  const rounds = Array.from({ length: 7 }, () => {
    const times = Array.from({ length: 40 }, () => [timed(first), timed(last)] as const)
    return median(times.map(([a]) => a)) / median(times.map(([, b]) => b))
  })

  expect(Math.min(...rounds.map((ratio) => Math.abs(ratio - 1)))).toBeLessThan(0.1)
})
