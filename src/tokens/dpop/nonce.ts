/** Nonces of the server: text that a client can put into a proof only after it was told, so that no proof is made in advance (RFC 9449, 8 and 9). */
import { equalInConstantTime, Hmac } from '../../core/crypto.ts'
import { minutes } from '../../core/duration.ts'

/** Makes and knows nonces. None is kept anywhere: a nonce is the MAC of a span of time, and the same for all who ask within it. */
export interface Nonces {
  /** The nonce of now: 22 characters of base64url, which RFC 9449 allows in the header (NQCHAR). */
  current(now: number): string
  /** Until when this nonce counts; `undefined` where it is none of ours, or over. */
  deadlineOf(nonce: string, now: number): number | undefined
}

/** A nonce is given out for this long and counts for as long again: an app that renews a token of five minutes still has one that counts. */
export const NONCE_SPAN = minutes(5)
const BYTES = 16

/**
 * Nonces under keys of their own. Every process that serves one address needs the same keys, or a client is asked again and again.
 *
 * @param secretKeys - Newest first, 32 random bytes each, made for this and nothing else: nonces of an authorization server and of a service must differ
 *   (RFC 9449, 9). Whoever knows one can make proofs in advance.
 * @param skew - How far the clocks of those processes are apart, in milliseconds.
 */
export function serverNonces(secretKeys: readonly Uint8Array[], skew: number): Nonces {
  const macs = secretKeys.map((secretKey) => new Hmac(secretKey))
  const nonceOf = (mac: Hmac, span: number) => mac.digest(Buffer.from(`dpop-nonce/${span}`)).subarray(0, BYTES)
  let latest = { span: Number.NaN, nonce: '' }

  return {
    current(now) {
      const span = Math.floor(now / NONCE_SPAN)
      if (span !== latest.span) latest = { span, nonce: nonceOf(macs[0]!, span).toString('base64url') }
      return latest.nonce
    },
    deadlineOf(nonce, now) {
      if (nonce.length !== Math.ceil((BYTES * 8) / 6)) return undefined
      const given = Buffer.from(nonce, 'base64url')
      // Another process may be ahead by the skew, and in the next span already.
      const spans = new Set([now + skew, now, now - NONCE_SPAN].map((instant) => Math.floor(instant / NONCE_SPAN)))
      for (const span of spans)
        if (macs.some((mac) => equalInConstantTime(nonceOf(mac, span), given))) return (span + 2) * NONCE_SPAN
      return undefined
    },
  }
}
