import { drawFrom } from './mutate.ts'
import { targetsFrom } from './targets.ts'

/** A parser's answer that breaks a rule, with what it takes to see it again. */
export interface Finding {
  readonly target: string
  readonly seed: number
  readonly at: number
  readonly input: string
  readonly finding: string
}

/**
 * Feeds `count` inputs to the targets, each in its share, and stops at the first finding.
 *
 * @param onProgress - Called after each `every` inputs.
 */
export function fuzz(
  seed: number,
  count: number,
  onProgress: (done: number) => void = () => {},
  every = 1_000_000,
): { readonly counts: ReadonlyMap<string, number>; readonly finding: Finding | undefined } {
  const draw = drawFrom(seed)
  const targets = targetsFrom(draw)
  const wheel = targets.flatMap((target) => Array<typeof target>(target.share).fill(target))
  const counts = new Map(targets.map(({ name }) => [name, 0]))
  for (let at = 0; at < count; at++) {
    const target = wheel[draw(wheel.length)]!
    counts.set(target.name, counts.get(target.name)! + 1)
    const { input, finding } = target.run(draw)
    if (finding !== undefined) return { counts, finding: { target: target.name, seed, at, input, finding } }
    if ((at + 1) % every === 0) onProgress(at + 1)
  }
  return { counts, finding: undefined }
}
