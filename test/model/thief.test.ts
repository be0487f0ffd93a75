/** M2 and M3, exhaustively within bounds: a thief copies the jar's token at any moment and gets the answers to his own requests. */
import { describe, expect, it } from 'vitest'
import { exploreWithin, HOLDS, PATIENCE } from './bounds.ts'
import type { Bounds } from './protocol.ts'

const WITHIN: readonly [string, Partial<Bounds>][] = [
  ['beside two tabs and a step-up', { operations: ['use', 'elevate'] }],
  ['who changes privileges beside a step-up', { tabs: 1, operations: ['use', 'elevate', 'privilege'] }],
  ['beside two tabs that renew on request', { operations: ['use', 'rotate'] }],
  ['who renews and changes privileges', { tabs: 1, operations: ['use', 'rotate', 'privilege'] }],
]

describe('a thief is found out, or shares one generation with the owner, and never gains authority', () => {
  it.each(WITHIN)('%s', { timeout: PATIENCE }, (what, bounds) => {
    const exploration = exploreWithin(`thief ${what}`, { ...bounds, hasThief: true })

    expect(exploration).toMatchObject(HOLDS)
  })
})
