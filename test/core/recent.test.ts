import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Recent } from '../../src/core/recent.ts'

const keys = (count: number) => Array.from({ length: count }, () => randomBytes(16).toString('base64url'))

/** Asks for each key in turn as core does, and says how many were found. */
function round(recent: Recent<string>, all: readonly string[]): number {
  let found = 0
  for (const key of all) {
    if (recent.get(key) !== undefined) found++
    else if (recent.cameUpBefore(key)) recent.keep(key, key)
  }
  return found
}

describe('what is remembered of the last values', () => {
  it('is every one of a thousand that come up in turn, from the third round on', () => {
    const recent = new Recent<string>()
    const all = keys(1000)
    round(recent, all)
    round(recent, all)
    expect(round(recent, all)).toBe(1000)
    expect(round(recent, all)).toBe(1000)
  })

  it('is very little of ten thousand that come up in turn, since each would go before it is asked for again', () => {
    const recent = new Recent<string>()
    const all = keys(10_000)
    for (let i = 0; i < 5; i++) expect(round(recent, all)).toBeLessThan(300)
  })

  it('is a visitor who comes back among ten thousand who do not', () => {
    const recent = new Recent<string>()
    const [visitor] = keys(1) as [string]
    let found = 0
    for (const passing of keys(10_000)) {
      round(recent, [passing])
      found += round(recent, [visitor])
    }
    expect(found).toBeGreaterThan(9990)
  })

  it('takes at most one key in a hundred for one that came up before', () => {
    const recent = new Recent<string>()
    const taken = keys(20_000).filter((key) => recent.cameUpBefore(key)).length
    expect(taken).toBeLessThan(200)
  })

  it('is never another key’s value', () => {
    const recent = new Recent<string>()
    for (const key of [...keys(5000), ...keys(5000)]) {
      const value = recent.get(key)
      if (value !== undefined) expect(value).toBe(key)
      recent.keep(key, key)
      expect(recent.get(key)).toBe(key)
    }
  })
})
