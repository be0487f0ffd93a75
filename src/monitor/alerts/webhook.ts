/** The webhook channel: a signed POST of JSON (Standard Webhooks 1.0.0). */
import { seconds } from '../../core/duration.ts'
import type { Alert, AlertChannel, SendOutcome } from './alert.ts'
import { checkNames, invalid, within } from './invalid.ts'
import { MOST_SECRETS, webhookSigner } from './signature.ts'

/** Options of `webhook`. */
export interface WebhookOptions {
  /**
   * Where alerts are posted to: an https URL without user, password and fragment. It comes from your configuration alone: an address that a stranger chose would
   * make this server ask whatever it can reach (server-side request forgery).
   */
  readonly url: string
  /**
   * What it is signed with: `whsec_` and the base64 of 24 to 64 random bytes, as receivers of Standard Webhooks want it. Two, the new one first, while receivers
   * change to it: each alert is then signed with both. Whoever knows it can send your operators alerts of their own.
   */
  readonly secret: string | readonly string[]
  /** Longest wait for an answer, in milliseconds. Default `seconds(15)`; 100 ms to 30 seconds. */
  readonly timeout?: number
  /** Allows plain HTTP at loopback hosts. Default `false`. For developers' machines: alerts say who was attacked, and when. */
  readonly dangerouslyAllowHttp?: boolean
  /** Sends the requests, instead of the global `fetch`: through a proxy that keeps to the outside, say. It must not follow redirects. */
  readonly fetch?: typeof globalThis.fetch
}

const KNOWN: ReadonlySet<string> = new Set([
  'url',
  'secret',
  'timeout',
  'dangerouslyAllowHttp',
  'fetch',
] satisfies (keyof WebhookOptions)[])
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
/** What is read of an answer's body, so that its connection can be used again; nobody looks at it. */
const MOST_BODY_BYTES = 4096

/**
 * Sends alerts to an HTTPS address, signed.
 *
 * The body is `{ type: 'sojourn.alert', timestamp, data }` with the `Alert` in `data`; `webhook-id` is the alert's id in every try. Any 2xx is success; 410 ends the
 * channel for this process; everything else, redirects included, is tried again.
 *
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up: what was given, what was expected, why.
 * @see Standard Webhooks 1.0.0
 * @example
 * webhook({ url: 'https://hooks.example/sojourn', secret: process.env.HOOK_SECRET })
 */
export function webhook(options: WebhookOptions): AlertChannel {
  checkNames('webhook', options, KNOWN)
  const { url, secret, dangerouslyAllowHttp = false, fetch = globalThis.fetch } = options
  if (!isAddress(url, dangerouslyAllowHttp === true))
    throw invalid(
      'webhook',
      'url is no address for alerts',
      'an https URL without user, password and fragment; with dangerouslyAllowHttp also http at a loopback host',
      'whoever is on the way would read whom alerts are about, and could hold them back',
    )
  const signer = webhookSigner(typeof secret === 'string' ? [secret] : Array.isArray(secret) ? secret : [])
  if (signer === undefined)
    throw invalid(
      'webhook',
      'secret is none',
      `'whsec_' and the base64 of 24 to 64 random bytes, ${MOST_SECRETS} at most`,
      'alerts that nobody can check are anybody’s',
    )
  if (typeof fetch !== 'function')
    throw invalid('webhook', 'fetch is no function', 'one of the shape of the global fetch', 'it sends the requests')
  const timeout = within('webhook', 'timeout', options.timeout, seconds(15), 100, seconds(30))

  return {
    timeout,
    isPlain: url.startsWith('http:'),
    async send(alert, { at, signal }) {
      const body = JSON.stringify(payloadOf(alert))
      const headers = { 'content-type': 'application/json', ...signer.headersFor(alert.id, at, body) }
      try {
        const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal })
        await discard(response)
        return outcomeOf(response)
      } catch {
        return { kind: 'failed', reason: signal.aborted ? 'timeout' : 'unreachable' }
      }
    },
  }
}

function payloadOf(alert: Alert): object {
  return { type: 'sojourn.alert', timestamp: new Date(alert.lastAt).toISOString(), data: alert }
}

function outcomeOf({ status, headers }: Response): SendOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' }
  // "no longer interested in receiving webhooks from this source. Sender should disable the webhook endpoint".
  if (status === 410) return { kind: 'failed', reason: 'status-410', isOver: 'channel' }
  const text = headers.get('retry-after') ?? ''
  // In seconds (RFC 9110, 10.2.3); a date is not worth a parser.
  const retryAfter = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined
  // With `redirect: 'manual'` some runtimes answer an opaque redirect, of status 0.
  return { kind: 'failed', reason: status === 0 ? 'redirect' : `status-${status}`, retryAfter }
}

/** The answer counts whatever becomes of its body, an endless one say. */
async function discard({ body }: Response): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  try {
    for (let size = 0; size < MOST_BODY_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) return
      size += value.length
    }
  } catch {
    return
  }
  await reader.cancel().catch(() => {})
}

function isAddress(text: unknown, allowsHttp: boolean): text is string {
  if (typeof text !== 'string' || text.includes('#') || !URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && allowsHttp && LOOPBACK.test(hostname))
}
