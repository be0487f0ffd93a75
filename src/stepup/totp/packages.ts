/** The two packages behind time-based codes. They are loaded when first needed: who uses passkeys alone installs neither. */
import { ConfigError } from '../../core/errors.ts'
import type { Algorithm, CodeOf, Digits } from './code.ts'
import { PERIOD } from './code.ts'

/** What makes a code: shared with the person's app, and nobody else. */
export interface CodeSecret {
  readonly secret: Uint8Array
  readonly algorithm: Algorithm
  readonly digits: Digits
}

/** @throws {ConfigError} `ERR_CONFIG_INVALID` - `otpauth` is not installed. */
export async function codesOf({ secret, algorithm, digits }: CodeSecret): Promise<CodeOf> {
  const { Secret, TOTP } = await loaded('otpauth', import('otpauth'))
  const key = new Secret({ buffer: copyOf(secret) })
  return (step) => TOTP.generate({ secret: key, algorithm, digits, period: PERIOD, timestamp: step * PERIOD * 1000 })
}

/**
 * What an app is told, as the URI of the QR code and as the key that a person types.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - `otpauth` is not installed.
 */
export async function uriOf(
  { secret, algorithm, digits }: CodeSecret,
  names: { readonly issuer: string; readonly label: string },
): Promise<{ readonly uri: string; readonly typedSecret: string }> {
  const { Secret, TOTP } = await loaded('otpauth', import('otpauth'))
  const key = new Secret({ buffer: copyOf(secret) })
  const uri = new TOTP({ ...names, secret: key, algorithm, digits, period: PERIOD }).toString()
  return { uri, typedSecret: key.base32 }
}

/** The dark squares of a QR code, with the quiet zone of four that ISO/IEC 18004 asks for. @throws {ConfigError} as above, for `uqr`. */
export async function squaresOf(text: string): Promise<readonly (readonly boolean[])[]> {
  const { encode } = await loaded('uqr', import('uqr'))
  return encode(text, { ecc: 'M', border: 4 }).data
}

async function loaded<Module>(name: string, loading: Promise<Module>): Promise<Module> {
  try {
    return await loading
  } catch (cause) {
    throw new ConfigError(
      `Time-based codes need the package '${name}'; install both they need: npm install otpauth uqr. See docs/guide/totp.md.`,
      { code: 'ERR_CONFIG_INVALID', cause },
    )
  }
}

/** A buffer of its own: a pooled one is a view into memory of others. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
