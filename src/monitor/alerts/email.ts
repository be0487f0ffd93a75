import { seconds } from '../../core/duration.ts'
import type { Alert, AlertChannel } from './alert.ts'
import { invalid, within } from './invalid.ts'

/**
 * Hands alerts to a function of yours that sends mail, or a message to wherever your operators read.
 *
 * @param send - Sends one alert; a rejection is a failure, and it is tried again. Take the words from `alert.sentence`, and put nothing of it into a header of the
 * mail unescaped: `subject` is whatever your application calls people, line breaks included.
 * @param options.timeout - Longest wait for it, in milliseconds. Default `seconds(15)`; 100 ms to 2 minutes.
 * @throws {ConfigError} `ERR_CONFIG_INVALID` - at start-up, when `send` is no function.
 * @example
 * email(async (alert) => mailer.send({ to: 'ops@shop.example', subject: `[${alert.level}] ${alert.rule}`, text: alert.sentence }))
 */
export function email(
  send: (alert: Alert, signal: AbortSignal) => Promise<unknown> | unknown,
  options: { readonly timeout?: number } = {},
): AlertChannel {
  if (typeof send !== 'function')
    throw invalid('email', 'send is no function', 'one that takes an alert and sends it', 'alerts would reach nobody')
  return {
    timeout: within('email', 'timeout', options.timeout, seconds(15), 100, seconds(120)),
    async send(alert, { signal }) {
      await send(alert, signal)
      return { kind: 'sent' }
    },
  }
}
