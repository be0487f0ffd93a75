/** What every answer tells the browser, whether it is a page, a picture or a refusal. */
import type { RequestHandler } from 'express'
import { type SecurityHeadersOptions, securityHeaders, withSecurityHeaders } from 'sojourn/headers'

/** Nothing inline but what carries the answer's nonce, nothing from elsewhere, nobody around it; and no text becomes markup in a script. */
const OPTIONS = {
  // A browser would keep to HTTPS for every server on this machine, whatever its port. A site with a name of its own leaves this line out.
  hsts: false,
  directives: {
    'default-src': [],
    'connect-src': ["'self'"],
    'font-src': ["'self'"],
    'img-src': ["'self'"],
    'require-trusted-types-for': ["'script'"],
    'trusted-types': ["'none'"],
  },
} as const satisfies SecurityHeadersOptions

export function sendSecurityHeaders(): RequestHandler {
  return securityHeaders(OPTIONS)
}

/** The same headers as they leave, for the page that shows them: those of an answer made for that. */
export async function headersAsSent(): Promise<Headers> {
  const handle = withSecurityHeaders(async () => new Response(null), OPTIONS)
  const { headers } = await handle(new Request('https://localhost/'))
  return headers
}
