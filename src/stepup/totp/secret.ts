/** What is sealed of a TOTP factor, in the factor store and, until it is confirmed, in the ledger. */
import type { Random } from '../../core/crypto.ts'
import type { FactorVault } from '../factor-vault.ts'
import type { Algorithm, Digits } from './code.ts'
import type { CodeSecret } from './packages.ts'

/** 160 bits, as RFC 4226, 4 (R6) recommends; more is more to type and no safer. */
const SECRET_BYTES = 20

/** A factor's secret, and the latest step it was used at. */
export interface TotpSecret extends CodeSecret {
  /** -1 before its first use. */
  readonly lastStep: number
}

/** As it is sealed: `s`ecret, `a`lgorithm, `d`igits, `l`ast step. */
interface Packed {
  readonly s: string
  readonly a: Algorithm
  readonly d: Digits
  readonly l: number
}

export function newTotpSecret(random: Random, kind: { algorithm: Algorithm; digits: Digits }): TotpSecret {
  return { ...kind, secret: random(SECRET_BYTES), lastStep: -1 }
}

/** Under the newest key, so that every use moves a factor on to it. */
export function sealSecret(vault: FactorVault, { secret, algorithm, digits, lastStep }: TotpSecret, whose: Whose): Uint8Array {
  const packed: Packed = { s: Buffer.from(secret).toString('base64url'), a: algorithm, d: digits, l: lastStep }
  return vault.seal(packed, { ...whose, kind: 'totp' })
}

/** `undefined` when it is not this factor's, or its key has left the ring. What the vault opens, it sealed: its shape needs no check. */
export function openSecret(vault: FactorVault, sealed: Uint8Array, whose: Whose): TotpSecret | undefined {
  const packed = vault.open({ ...whose, kind: 'totp', sealed }) as Packed | undefined
  return packed && { secret: Buffer.from(packed.s, 'base64url'), algorithm: packed.a, digits: packed.d, lastStep: packed.l }
}

interface Whose {
  readonly id: string
  readonly subject: string
}
