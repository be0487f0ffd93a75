/** What the tests of security headers share: headers taken apart into what they mean, where order and spelling do not matter. */
import type { SecurityHeadersOptions } from '../../../src/http/headers.ts'
import { securityHeaders } from '../../../src/http/headers.ts'
import { type Answer, ask, type Listener, serve } from '../support/servers.ts'

/** Directives of a policy as sets of sources. */
export function directivesOf(policy: string | undefined): Record<string, string[]> {
  return Object.fromEntries(
    (policy ?? '').split(';').flatMap((part) => {
      const [name, ...sources] = part.trim().split(/\s+/)
      return name === '' ? [] : [[name!, sources.toSorted()]]
    }),
  )
}

/** Lists such as those of HSTS and Permissions-Policy, without order. */
export const membersOf = (value: string | undefined, separator: RegExp): string[] =>
  (value ?? '')
    .split(separator)
    .map((part) => part.trim())
    .toSorted()

/** What a browser gets from a server that answers with `listener` behind these headers. */
export async function answerWith(
  options: SecurityHeadersOptions,
  listener: Listener = (_req, res) => res.end('x'),
  { tls = false } = {},
): Promise<Answer> {
  const protect = securityHeaders(options)
  const base = await serve(
    (req, res) => {
      protect(req, res)
      return listener(req, res)
    },
    { tls },
  )
  return ask(base)
}
