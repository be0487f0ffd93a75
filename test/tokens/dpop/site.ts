/**
 * One server that signs people in, grants tokens to apps, and is a service of its own that verifies them: real HTTP, one fake clock for all. `Host` says
 * nothing: issuer and service are known by the server's address.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { createTokens, type TokensOptions } from '../../../src/tokens/tokens.ts'
import { createTokenVerifier, type TokenVerifierOptions } from '../../../src/tokens/verify.ts'
import { type LooseOptions, setUp } from '../../core/support.ts'
import { App } from './app.ts'

export interface Given {
  readonly core?: LooseOptions
  readonly tokens?: Partial<TokensOptions>
  readonly verifier?: Partial<TokenVerifierOptions>
}

export async function dpopSite({ core, tokens: options, verifier: forVerifier }: Given = {}) {
  const service = setUp(core)
  const { clock, sessions } = service
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const api = { id: 'api', clientSecret: randomBytes(32).toString('base64url') }
  const tokens = createTokens(sessions, {
    issuer: origin,
    audience: `${origin}/api`,
    dangerouslyAllowHttp: true,
    lifetimeJitter: 0,
    clients: [
      { id: 'app', authentication: 'public', scopes: ['read', 'write'] },
      { id: 'lax-app', authentication: 'public', scopes: ['read'], dpop: 'allowed' },
      { id: api.id, authentication: { clientSecret: api.clientSecret }, may: ['introspect', 'feed'] },
    ],
    ...options,
  })
  /** Why the service refused so far. */
  const refusals: string[] = []
  const verifier = createTokenVerifier({
    issuer: origin,
    audience: `${origin}/api`,
    origin,
    dangerouslyAllowHttp: true,
    clock,
    onEvent: (event) => {
      if (event.type === 'access-token.refused') refusals.push([event.reason, event.detail].filter(Boolean).join(': '))
    },
    ...forVerifier,
  })
  server.on('request', (request, response) => {
    tokens.node(request, response, async () => {
      const access = await verifier.node(request)
      if (access.state === 'refused') response.writeHead(access.status, access.headers).end()
      else response.writeHead(200).end(access.claims.sub)
    })
  })
  const close = async () => {
    verifier.close()
    await tokens.close()
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)

  const tokenUrl = `${origin}/oauth/token`
  const app = new App()
  const now = () => clock()
  /** A refresh as an app sends it; without a proof where none is given. */
  const refresh = async (refreshToken: string, proof: string | string[] | undefined, form: Record<string, string> = {}) => {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      headers: (Array.isArray(proof) ? proof : proof === undefined ? [] : [proof]).map((each): [string, string] => [
        'DPoP',
        each,
      ]),
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken, ...form }),
    })
    return { response, status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  /** The app's proof for its next refresh. */
  const proof = (changes: Parameters<App['proof']>[1] = {}, nonce?: string) =>
    app.proof({ now: now(), url: tokenUrl, ...(nonce !== undefined && { nonce }) }, changes)
  /** Signs somebody in and grants the app a pair, bound to its key unless told otherwise. */
  const granted = async (jkt: string | null = app.jkt, clientId = 'app') => {
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await session.commit()
    return { session, ...(await tokens.grant(session, { clientId, scope: ['read'], ...(jkt !== null && { jkt }) })) }
  }
  /** Calls the service; `headers` as they are, several of a name too. */
  const call = (headers: [string, string][], path = '/api/orders', method = 'GET') => fetch(origin + path, { method, headers })
  /** The app's own call, as it should be. */
  const used = (accessToken: string, path = '/api/orders') =>
    call(
      [
        ['authorization', `DPoP ${accessToken}`],
        ['dpop', app.proof({ now: now(), method: 'GET', url: origin + path, accessToken })],
      ],
      path,
    )
  /** Sends bytes, for what no client would. @returns The status line and the head. */
  const raw = async (lines: readonly string[]) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return answer.toString('latin1')
  }
  return {
    ...service,
    tokens,
    verifier,
    origin,
    tokenUrl,
    api,
    app,
    now,
    refusals,
    refresh,
    proof,
    granted,
    call,
    used,
    raw,
    close,
  }
}
export type DpopSite = Awaited<ReturnType<typeof dpopSite>>
