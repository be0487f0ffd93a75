/**
 * Recovery codes as people see them: 24 characters of Crockford's base32 in groups of four. They carry 120 bits, so that a plain hash keeps them
 * (ASVS 5.0, 6.5.2 asks a password hash below 112), and so that nobody guesses one, throttled or not.
 */
import { type Random, sha256 } from '../../core/crypto.ts'

/** No I, L, O, U: whoever reads a print-out mixes nothing up. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CODE_BYTES = 15
const CODE_LENGTH = 24
const GROUP = /.{4}(?=.)/g
/** Nobody types more; what is longer is not looked at. */
const LONGEST_TYPED = 100
const FULL_WIDTH = 0xfee0
/** What stands between groups, in hyphens and dashes of all keyboards and word processors. */
const BETWEEN = /^[\p{Zs}\p{Pd}−]$/u
const MEANT: Readonly<Record<string, string>> = { I: '1', L: '1', O: '0' }

/** A new code, from the service's random source; without hyphens. */
export function newCode(random: Random): string {
  let bits = BigInt(`0x${Buffer.from(random(CODE_BYTES)).toString('hex')}`)
  let code = ''
  for (let i = 0; i < CODE_LENGTH; i++) {
    code = ALPHABET[Number(bits & 31n)]! + code
    bits >>= 5n
  }
  return code
}

/** As it is printed: `7K3M-Q9TZ-...`. */
export function printed(code: string): string {
  return code.replace(GROUP, '$&-')
}

/**
 * The code a person typed: in small letters, with other hyphens or none, I and L for 1, O for 0, full-width from an East Asian keyboard.
 * `undefined` for whatever is no code.
 */
export function parseRecoveryCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_TYPED) return undefined
  let code = ''
  for (const character of typed) {
    if (BETWEEN.test(character)) continue
    const point = character.codePointAt(0)!
    const ascii = String.fromCodePoint(point > 0xff00 && point < 0xff5f ? point - FULL_WIDTH : point)
    // Elsewhere, capitals are made of letters that nobody printed: ı gives I.
    const letter = /^[a-z]$/.test(ascii) ? ascii.toUpperCase() : ascii
    const meant = MEANT[letter] ?? letter
    if (!ALPHABET.includes(meant)) return undefined
    code += meant
  }
  return code.length === CODE_LENGTH ? code : undefined
}

/** What is kept of a code. Of one set only: the same code elsewhere is another hash. */
export function hashOf(code: string, factorId: string): Buffer {
  return sha256(Buffer.from(`sojourn/1/recovery\0${factorId}\0${code}`))
}
