/**
 * Time-based codes (RFC 6238): the clock in steps of 30 seconds, what a person typed, and which step a code is of. `otpauth` computes the codes;
 * what is compared, and how, is decided here.
 */
import { equalInConstantTime } from '../../core/crypto.ts'

/** Length of a step in seconds: the one that authenticator apps know, and the longest of ASVS 5.0, 6.5.5. */
export const PERIOD = 30
const STEP = PERIOD * 1000

/** Nobody types more; what is longer is not looked at. */
const LONGEST_TYPED = 32
const SPACE = /^\p{Zs}$/u
const ZERO = 0x30
const FULL_WIDTH_ZERO = 0xff10

export type Digits = 6 | 8
/** Hash under the HMAC. */
export type Algorithm = 'SHA1' | 'SHA256' | 'SHA512'

/** Gives the code of a step. */
export type CodeOf = (step: number) => string

/** The step that an instant is in. */
export function stepAt(now: number): number {
  return Math.floor(now / STEP)
}

/** Instant at which a step leaves every window, the widest included. */
export function endOf(step: number): number {
  return (step + 3) * STEP
}

/**
 * The digits a person typed: spaces between them, and the full-width digits of East Asian keyboards, are theirs to use. Anything else is no
 * code (`undefined`): signs, letters, other scripts' digits, and whatever is no text at all.
 */
export function parseCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_TYPED) return undefined
  let code = ''
  for (const character of typed) {
    if (SPACE.test(character)) continue
    const point = character.codePointAt(0)!
    const value = point - (point >= FULL_WIDTH_ZERO ? FULL_WIDTH_ZERO : ZERO)
    if (value < 0 || value > 9) return undefined
    code += value
  }
  return code.length === 6 || code.length === 8 ? code : undefined
}

/** What a code is: of a step, of one that is spent, or of none. */
export type Match = { readonly kind: 'step'; readonly step: number } | { readonly kind: 'replayed' | 'wrong' }

/**
 * Which step around now a code is of. Steps up to the last one used are spent, whether used or passed by: a code that somebody saw is worth
 * nothing once a later one was accepted. Every step of the window is computed and compared in constant time, whichever it is.
 */
export function match(code: string, codeOf: CodeOf, window: { now: number; skew: number; lastStep: number }): Match {
  const given = Buffer.from(code)
  const current = stepAt(window.now)
  let found: Match = { kind: 'wrong' }
  for (let step = current + window.skew; step >= current - window.skew; step--) {
    if (!equalInConstantTime(Buffer.from(codeOf(step)), given)) continue
    if (step > window.lastStep) found = { kind: 'step', step }
    else if (found.kind === 'wrong') found = { kind: 'replayed' }
  }
  return found
}
