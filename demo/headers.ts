/** What every answer tells the browser, whether it is a page, a picture or a refusal. */
import type { RequestHandler } from 'express'
import { type SecurityHeadersOptions, securityHeaders, withSecurityHeaders } from 'sojourn/headers'
import type { Shop } from './shop.ts'

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

/** OPAQUE's part in the browser is WebAssembly, which is asked for by name and only where it is used. */
function optionsFor({ opaque, sso }: Pick<Shop, 'opaque' | 'sso'>) {
  const directives = {
    ...OPTIONS.directives,
    ...(opaque && { 'script-src': ["'self'", "'wasm-unsafe-eval'"] }),
    // A form that signs in or out leads on to the provider, and browsers hold that against it.
    ...(sso && { 'form-action': ["'self'", sso.provider] }),
  }
  return { ...OPTIONS, directives } satisfies SecurityHeadersOptions
}

export function sendSecurityHeaders(shop: Shop): RequestHandler {
  return securityHeaders(optionsFor(shop))
}

/** The same headers as they leave, for the page that shows them: those of an answer made for that. */
export async function headersAsSent(shop: Shop): Promise<Headers> {
  const handle = withSecurityHeaders(async () => new Response(null), optionsFor(shop))
  const { headers } = await handle(new Request('https://localhost/'))
  return headers
}
