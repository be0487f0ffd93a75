/** The model against the real service: the same random histories, compared step by step. */
import { describe, expect, it } from 'vitest'
import { PATIENCE } from './bounds.ts'
import { Replay } from './replay.ts'

const HISTORIES = 1000
const STEPS = 100

describe('the model', () => {
  it('agrees with the real service on every step of random histories', { timeout: PATIENCE }, async () => {
    const seeds = Array.from({ length: HISTORIES }, (_, seed) => seed)

    const lengths = await seeds.reduce(
      async (before, seed) => [...(await before), await replayed(seed)],
      Promise.resolve<number[]>([]),
    )

    expect(lengths).toHaveLength(HISTORIES)
  })
})

/** Fails with the seed and the history where the two part ways. */
async function replayed(seed: number): Promise<number> {
  const replay = new Replay(seed)
  try {
    await replay.run(STEPS)
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error })
  }
  return replay.history.length
}
