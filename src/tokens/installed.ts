/** What tokens need beyond this package, looked for at start-up rather than at the first token. */
import { invalidTokens, type TokenSettings } from './options.ts'

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - the package that signs is not installed, or this runtime cannot sign so. */
export function checkInstalled(algorithm: TokenSettings['algorithm']): void {
  try {
    // Not every bundler has it; there the import itself would already have failed.
    import.meta.resolve?.('jose')
  } catch {
    throw invalidTokens("the package 'jose' is not there", 'npm install jose', 'it signs and verifies')
  }
  if (!isSupported(algorithm))
    throw invalidTokens(
      `this runtime cannot sign with ${algorithm}`,
      "Node 24.7 or later, or another algorithm such as 'ES256'",
      'ML-DSA (RFC 9964) is in its Web Crypto or nowhere',
    )
}

/** Web Crypto says what it has since it has ML-DSA (WICG "Modern Algorithms in the Web Cryptography API"); the others are everywhere. */
function isSupported(algorithm: string): boolean {
  if (!algorithm.startsWith('ML-DSA')) return true
  const { SubtleCrypto } = globalThis as { SubtleCrypto?: { supports?: (operation: string, algorithm: string) => boolean } }
  return SubtleCrypto?.supports?.('generateKey', algorithm) === true
}
