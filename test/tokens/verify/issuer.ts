/** The real issuer on a real server: sessions, tokens minted from them, their endpoints. Its clock runs. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions, type Session } from 'sojourn'
import { memoryStore } from 'sojourn/stores/memory'
import { createTokens, type Tokens, type TokensOptions } from 'sojourn/tokens'
import { createTokenVerifier, type TokenVerifierOptions, type VerifierEvent } from 'sojourn/tokens/verify'
import { onTestFinished } from 'vitest'
import { AUDIENCE, CLIENT } from './support.ts'

export async function realIssuer(options: Partial<TokensOptions> = {}) {
  const sessions = createSessions({ store: memoryStore(), keys: randomBytes(32).toString('base64url') })
  let tokens: Tokens | undefined
  const server = createServer((request, response) => {
    tokens!.node(request, response, () => void response.writeHead(404).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  tokens = createTokens(sessions, {
    issuer: url,
    audience: AUDIENCE,
    dangerouslyAllowHttp: true,
    clients: [{ id: CLIENT.id, authentication: { clientSecret: SECRET }, may: ['introspect', 'feed'] }],
    ...options,
  })
  const close = async () => {
    await tokens.close()
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(close)
  const signIn = (subject = 'ada') => sessions.signIn({ subject, method: 'pwd' })
  const mint = async (session: Session<unknown>, mintOptions?: Parameters<Tokens['mint']>[1]) =>
    (await tokens.mint(session, mintOptions)).accessToken

  function service(more: Partial<TokenVerifierOptions> = {}) {
    const events: VerifierEvent[] = []
    const verifier = createTokenVerifier({
      issuer: url,
      audience: AUDIENCE,
      dangerouslyAllowHttp: true,
      client: { id: CLIENT.id, clientSecret: SECRET },
      onEvent: (event) => void events.push(event),
      ...more,
    })
    onTestFinished(() => verifier.close())
    return { verifier, events }
  }

  return { sessions, tokens, url, port, close, signIn, mint, service }
}

const SECRET = randomBytes(32).toString('base64url')
