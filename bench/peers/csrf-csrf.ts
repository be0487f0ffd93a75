/** csrf-csrf, as its manual has it, with cookie-parser, which it needs. Its token is bound to the session's id. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Session } from 'sojourn'
import type { Middleware, PeerCsrf } from '../http/protected.ts'
import { newKey } from '../sample.ts'
import { loadPeer } from './install.ts'

interface Options {
  readonly getSecret: () => string
  readonly getSessionIdentifier: (req: IncomingMessage) => string
  readonly cookieName: string
  readonly cookieOptions: { readonly secure: boolean }
}

interface Utilities {
  readonly generateCsrfToken: (req: IncomingMessage, res: ServerResponse) => string
  readonly doubleCsrfProtection: Middleware
}

export async function csrfCsrf(): Promise<PeerCsrf> {
  const { default: cookieParser } = await loadPeer<{ default: () => Middleware }>('cookie-parser')
  const { doubleCsrf } = await loadPeer<{ doubleCsrf: (options: Options) => Utilities }>('csrf-csrf')
  const secret = newKey()
  const { generateCsrfToken, doubleCsrfProtection } = doubleCsrf({
    getSecret: () => secret,
    getSessionIdentifier: (req) => (req as unknown as { session: Session<unknown> }).session.id ?? '',
    cookieName: 'x-csrf',
    cookieOptions: { secure: false },
  })
  return { middleware: [cookieParser(), doubleCsrfProtection], token: generateCsrfToken }
}
