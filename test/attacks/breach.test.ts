// The attacker has: a place in the page that shows what they choose, a victim's browser to ask for it often, and the sizes of the compressed answers.
// The attacker does: guesses a token byte by byte: an answer that repeats a piece of it is shorter (BREACH; CVE-2013-3587).
// The attacker must not obtain: a token, since no two answers hold the same one, and no byte of one says anything of the next.
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { browser, site } from './support.ts'

const MANY = 4096

async function tokensOf(count: number): Promise<Buffer[]> {
  const victim = browser(site())
  await victim.visit('/login')
  const tokens: Buffer[] = []
  for (let i = 0; i < count; i++) tokens.push(Buffer.from(await (await victim.visit('/form')).text(), 'base64url'))
  return tokens
}
const tokens = await tokensOf(MANY)

it('no answer repeats a token, nor four bytes of another’s', () => {
  const pieces = new Set<string>()
  let repeated = 0
  for (const token of tokens.slice(0, 500)) {
    for (const half of [token.subarray(0, 32), token.subarray(32)]) {
      for (let at = 0; at < 32; at += 4) {
        const piece = half.toString('hex', at, at + 4)
        if (pieces.has(piece)) repeated++
        pieces.add(piece)
      }
    }
  }

  // 8,000 of 2^32: one pair alike in 130 runs.
  expect(repeated).toBeLessThanOrEqual(1)
})

it('every byte takes every value as often as chance has it', () => {
  // Chi-square with 255 degrees of freedom: above 420 once in 10^10.
  for (let at = 0; at < 64; at++) {
    const counts = new Float64Array(256)
    for (const token of tokens) counts[token[at]!]!++
    const expected = MANY / 256
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    expect(chiSquare).toBeLessThan(420)
  }
})

it('a mask says nothing of the next one', () => {
  let agreeing = 0
  for (let i = 1; i < MANY; i++) for (let at = 0; at < 64; at++) agreeing += Number(tokens[i]![at] === tokens[i - 1]![at])

  // 262,080 pairs of bytes: 1,024 alike, give or take seven deviations of 32.
  expect(Math.abs(agreeing - 1024)).toBeLessThan(224)
})

it('a right guess makes a compressed answer no shorter than a wrong one', async () => {
  const [first] = tokens
  const text = first!.toString('base64url')
  const wrong = tokens[1]!.toString('base64url')
  const lengthWith = (guess: string) => {
    const lengths = tokens
      .slice(2, 402)
      .map((token) => gzipSync(`<p>${guess}</p><input value="${token.toString('base64url')}">`).length)
    return lengths.reduce((sum, length) => sum + length, 0) / lengths.length
  }

  expect(Math.abs(lengthWith(text.slice(0, 12)) - lengthWith(wrong.slice(0, 12)))).toBeLessThan(1)
  // What the attack lives on: an answer that does repeat the guess is shorter.
  const repeating = gzipSync(`<p>${text}</p><input value="${text}">`).length
  expect(gzipSync(`<p>${wrong}</p><input value="${text}">`).length - repeating).toBeGreaterThan(30)
})
