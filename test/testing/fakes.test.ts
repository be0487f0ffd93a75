import { fakeClock, seededRandom } from 'sojourn/testing'
import { describe, expect, it } from 'vitest'

describe('fakeClock', () => {
  it('stands still until it is told to move', () => {
    const clock = fakeClock(1000)

    expect([clock(), clock.advance(500), clock()]).toEqual([1000, 1500, 1500])
  })

  it('can be turned back and set', () => {
    const clock = fakeClock(1000)

    clock.advance(-400)
    const turnedBack = clock()
    clock.set(9000)

    expect([turnedBack, clock()]).toEqual([600, 9000])
  })

  it('starts on the first of January 2030', () => {
    expect(new Date(fakeClock()()).toISOString()).toBe('2030-01-01T00:00:00.000Z')
  })
})

describe('seededRandom', () => {
  it('gives the same bytes for the same seed', () => {
    expect(seededRandom(7)(64)).toEqual(seededRandom(7)(64))
  })

  it('gives other bytes for another seed, and other bytes each time', () => {
    const random = seededRandom(7)
    const first = random(32)

    expect(random(32)).not.toEqual(first)
    expect(seededRandom(8)(32)).not.toEqual(first)
  })

  it('gives every byte value about equally often', () => {
    const counts = new Array<number>(256).fill(0)
    for (const byte of seededRandom(1)(256_000)) counts[byte]! += 1

    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(Math.max(...counts)).toBeLessThan(1150)
  })

  it('gives as many bytes as asked for, none included', () => {
    expect([seededRandom(1)(0).length, seededRandom(1)(1000).length]).toEqual([0, 1000])
  })
})
