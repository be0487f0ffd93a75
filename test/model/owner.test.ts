/** M1, M4, M5 and the data rule, exhaustively within bounds: tabs, late and lost answers, crashes, no thief. */
import { describe, expect, it } from 'vitest'
import { exploreWithin, HOLDS, PATIENCE } from './bounds.ts'
import type { Bounds } from './protocol.ts'

const WITHIN: readonly [string, Partial<Bounds>][] = [
  ['renewals, in three tabs and with handlers of any length', { tabs: 3, rotations: 4, isSlow: true }],
  ['renewals on request, in three tabs', { tabs: 3, rotations: 3, operations: ['use', 'rotate'] }],
  ['a step-up, in three tabs', { tabs: 3, operations: ['use', 'elevate'] }],
  ['step-ups among slow requests', { isSlow: true, operations: ['use', 'elevate', 'rotate'], proofs: 2 }],
  ['every way to rotate, in two tabs', { operations: ['use', 'elevate', 'rotate', 'privilege'], proofs: 2 }],
  ['privilege changes until the lineage is full', { operations: ['privilege'], rotations: 5 }],
  ['step-ups until the lineage is full', { operations: ['elevate'], rotations: 5, proofs: 5 }],
  ['two step-ups among many renewals', { tabs: 1, rotations: 6, proofs: 2, operations: ['use', 'elevate'] }],
]

describe('nobody is signed out without a thief', () => {
  it.each(WITHIN)('by %s', { timeout: PATIENCE }, (what, bounds) => {
    const exploration = exploreWithin(what, bounds)

    expect(exploration).toMatchObject(HOLDS)
  })
})

describe('nothing of an ended session is ever active again', () => {
  it('after a sign-out or a sign-in beside other tabs', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('sign-out and sign-in, in three tabs', {
      tabs: 3,
      rotations: 1,
      operations: ['use', 'signIn', 'signOut'],
    })

    expect(exploration).toMatchObject(HOLDS)
  })

  it('by a slow writer', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('sign-out among slow writers', {
      operations: ['write', 'elevate', 'signOut'],
      writes: 2,
      isSlow: true,
    })

    expect(exploration).toMatchObject(HOLDS)
  })
})

describe('no acknowledged write is lost', () => {
  it('in three tabs that write at once, among renewals and a sign-out', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('three writers', { tabs: 3, rotations: 1, writes: 3, operations: ['write', 'signOut'] })

    expect(exploration).toMatchObject(HOLDS)
  })
})
