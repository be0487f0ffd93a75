import type { TokenContext } from './context.ts'
import type { SigningKeys } from './parts.ts'

export function createSigningKeys(context: TokenContext): SigningKeys {
  const { issuer, algorithm } = context.settings
  const missing = () => Promise.reject(new Error('not built yet'))
  return { issuer, algorithm, sign: missing, jwks: missing, status: missing, publicKey: missing }
}
