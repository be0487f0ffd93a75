/** What a token may be minted with. A wrong value is a programming error: a token for an audience nobody has, or one that says what it must not, is found here. */
import { checkAcr } from '../../core/assurance.ts'
import { ConfigError } from '../../core/errors.ts'
import { isAudience, isScope } from '../options.ts'
import type { MintOptions } from '../parts.ts'

type Given = { readonly [Name in keyof MintOptions]-?: MintOptions[Name] | undefined }

const MOST_AUDIENCES = 10
const MOST_SCOPES = 100
/** Tokens travel in a header, and servers take 8 to 16 KiB of those. */
const LONGEST_CLAIMS = 4096
/** RFC 7638 over SHA-256. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/
/** Set here, or meant by RFCs 7519, 7800, 8693 and 9068 for what an application must not say by accident. */
const OWN_CLAIMS = new Set(
  'iss sub aud client_id iat exp nbf jti sid scope acr amr auth_time cnf act may_act events nonce'.split(' '),
)

/** @throws {ConfigError} `ERR_ARGUMENT_INVALID` */
export function checkMintOptions({ audience, scope, clientId, jkt, acr, claims }: Given): void {
  const audiences = typeof audience === 'string' ? [audience] : audience
  if (!isListOf(audiences, isAudience, MOST_AUDIENCES) || audiences!.length === 0)
    throw misuse('audience is no name, or no list of at most 10 of them, each once', "one such as 'https://api.shop.example'")
  if (!isListOf(scope, isScope, MOST_SCOPES))
    throw misuse('scope is no list of words, each once', "such as ['orders:read'] (RFC 6749, 3.3)")
  if (!isAudience(clientId)) throw misuse('clientId is no name', 'visible ASCII, at most 256 characters')
  if (jkt !== undefined && !(typeof jkt === 'string' && THUMBPRINT.test(jkt)))
    throw misuse('jkt is no thumbprint of a key', '43 base64url characters (RFC 9449, 6.1)')
  if (acr !== undefined) checkAcr(acr)
  if (claims !== undefined) checkClaims(claims)
}

function checkClaims(claims: unknown): void {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw misuse('claims is no object', 'names and values')
  const own = Object.keys(claims).find((name) => OWN_CLAIMS.has(name))
  if (own !== undefined) throw misuse(`claims has '${own}', which is set here or by nobody`, 'other names')
  if ((jsonOf(claims)?.length ?? Number.POSITIVE_INFINITY) > LONGEST_CLAIMS)
    throw misuse('claims is no plain JSON, or over 4,096 characters of it', 'a few small values')
}

function jsonOf(value: object): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function isListOf(list: unknown, isGood: (item: unknown) => boolean, most: number): boolean {
  return Array.isArray(list) && list.length <= most && list.every(isGood) && new Set(list).size === list.length
}

function misuse(given: string, expected: string): ConfigError {
  return new ConfigError(`mint: ${given}; expected ${expected}. See docs/guide/tokens.md.`, { code: 'ERR_ARGUMENT_INVALID' })
}
