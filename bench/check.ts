/** `--check`: whether every variant answers right, the peers included, which no test starts. */
import { stop } from './children.ts'
import { startServer } from './http/measure.ts'
import type { Surroundings, Variant } from './http/variant.ts'

/** Starts one after the other and says of each what is wrong; ends with code 1 if anything is. */
export async function checkVariants(variants: readonly Variant[], surroundings: Surroundings): Promise<void> {
  let failed = 0
  for (const variant of variants) {
    try {
      await stop((await startServer(variant, surroundings)).child)
      console.log(`ok      ${variant.name}`)
    } catch (error) {
      failed++
      console.log(`failed  ${variant.name}\n        ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  console.log(`\n${variants.length - failed} answer right, ${failed} do not`)
  if (failed > 0) process.exitCode = 1
}
