import type { TokenContext } from './context.ts'
import type { Clients } from './parts.ts'

export function createClients(_context: TokenContext): Clients {
  throw new Error('not built yet')
}
