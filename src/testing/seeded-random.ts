import type { Random } from '../core/crypto.ts'

/**
 * Makes a source of bytes that gives the same sequence for the same seed, so that a failing test fails again.
 *
 * For tests only: who knows the seed knows every token made from it. Sojourn's own source is the system's CSPRNG.
 *
 * @param seed - Any number; its lower 32 bits count.
 * @returns A function that gives as many bytes as asked for.
 * @example
 * const random = seededRandom(42)
 * random(2) // the same two bytes in every run
 */
export function seededRandom(seed: number): Random {
  // mulberry32: one 32-bit word of state, plenty for tests.
  let state = seed >>> 0
  const nextWord = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }
  return (size) => Uint8Array.from({ length: size }, () => nextWord() >>> 24)
}
