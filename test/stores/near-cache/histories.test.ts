import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEASE, type Step, World } from './world.ts'

const NODES = 3
const node = fc.nat(NODES - 1)
const pick = fc.nat(30)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('read' as const), node, session: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'update' as const,
        'update' as const,
        'revoke' as const,
        'revokeSubject' as const,
        'replace' as const,
      ),
      node,
      session: fc.nat(5),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('perform' as const), pick }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('answer' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose-answer' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver' as const), node, pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lose-message' as const), node, pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('interrupt' as const, 'resume' as const, 'begin' as const), node }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), milliseconds: fc.constantFrom(1, 100, 2000, LEASE) }),
  },
)

/** Most histories begin with every node listening already; some do not. */
const opening = fc.constantFrom(true, true, true, false)

describe('however answers and messages are delayed, reordered or lost', () => {
  it('no copy is older than its lease, none outlives a message about it, a write of its own process or an interruption', async () => {
    const judged = { copies: 0, outdatedCopies: 0, lastCopies: 0 }
    const history = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' })
    const rule = fc.asyncProperty(opening, history, async (isOpen, steps) => {
      const world = new World(NODES)
      if (isOpen) {
        for (let index = 0; index < NODES; index++) {
          await world.take({ kind: 'read', node: index, session: 0 })
          await world.take({ kind: 'begin', node: index })
        }
      }
      for (const each of steps) await world.take(each)
      for (const key of ['copies', 'outdatedCopies', 'lastCopies'] as const) judged[key] += world.judged[key]
    })

    await fc.assert(rule, { numRuns: 400 })

    // It says something only if there were copies to judge, among them ones that a late or lost message had left.
    expect(judged.copies).toBeGreaterThan(5000)
    expect(judged.outdatedCopies).toBeGreaterThan(100)
    expect(judged.lastCopies).toBeGreaterThan(1000)
  }, 60_000)
})
