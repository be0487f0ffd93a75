/** helmet, with its defaults. */
import type { Middleware } from '../http/protected.ts'
import { loadPeer } from './install.ts'

export async function newHelmet(): Promise<Middleware> {
  const { default: helmet } = await loadPeer<{ default: () => Middleware }>('helmet')
  return helmet()
}
