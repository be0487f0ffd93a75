import type { TokenContext } from './context.ts'
import type { DpopProofs } from './parts.ts'

export function createDpopProofs(_context: TokenContext): DpopProofs {
  throw new Error('not built yet')
}
