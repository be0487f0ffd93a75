/** Signatures of webhooks: Standard Webhooks 1.0.0, symmetric scheme `v1`. Receivers verify with any of its libraries. */
import { Hmac } from '../../core/crypto.ts'

const PREFIX = 'whsec_'
/** "At least 24 bytes (192 bits, 512 maximum)". */
const FEWEST_BYTES = 24
const MOST_BYTES = 64
/** So many at a time: the new one and the one that receivers still know. */
export const MOST_SECRETS = 2

/** Signs under each secret, the newest first. */
export interface WebhookSigner {
  /** The headers of one try. `id` holds no full stop, or two messages could be read as one another. */
  headersFor(id: string, at: number, body: string): Record<string, string>
}

/**
 * @param secrets - `whsec_` and the base64 of 24 to 64 random bytes each; one, or two while receivers change to the new one.
 * @returns `undefined` where one of them is none.
 */
export function webhookSigner(secrets: readonly unknown[]): WebhookSigner | undefined {
  const decoded = secrets.map(decodeSecret)
  const keys = decoded.flatMap((secretKey) => (secretKey === undefined ? [] : [new Hmac(secretKey)]))
  if (keys.length !== decoded.length || keys.length === 0 || keys.length > MOST_SECRETS) return undefined
  return {
    headersFor(id, at, body) {
      // The instant of the try, not of what happened: receivers refuse old ones as replays.
      const timestamp = String(Math.floor(at / 1000))
      const signed = Buffer.from(`${id}.${timestamp}.${body}`)
      const signatures = keys.map((key) => `v1,${key.digest(signed).toString('base64')}`)
      return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
    },
  }
}

function decodeSecret(text: unknown): Buffer | undefined {
  if (typeof text !== 'string' || !text.startsWith(PREFIX)) return undefined
  const base64 = text.slice(PREFIX.length)
  if (!/^[A-Za-z0-9+/]{32,88}={0,2}$/.test(base64)) return undefined
  const secretKey = Buffer.from(base64, 'base64')
  const isLong = secretKey.length >= FEWEST_BYTES && secretKey.length <= MOST_BYTES
  // A run of one byte, or a phrase, is no key.
  return isLong && new Set(secretKey).size >= FEWEST_BYTES / 2 ? secretKey : undefined
}
