/** A provider that says what a test wants: signed well or badly, by its own key or another's. The real one is in `provider.ts`. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'

export type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>

export interface ScriptedProvider {
  readonly issuer: string
  readonly keys: KeyPair
  /** What its discovery document says besides or instead. */
  metadata: Record<string, unknown>
  /** Its key set. */
  jwks: { keys: JWK[] }
  /** What its token endpoint answers to the next codes; told what was posted. */
  token: (form: URLSearchParams) => { status: number; body: unknown } | Promise<{ status: number; body: unknown }>
  /** Paths asked for, in order. */
  readonly asked: string[]
  /** Signs as the provider. `undefined` leaves a claim or header out. */
  sign(claims: Record<string, unknown>, how?: Signing): Promise<string>
  close(): Promise<void>
}

export interface Signing {
  readonly key?: Parameters<SignJWT['sign']>[0]
  readonly header?: Record<string, unknown>
}

export async function scriptedProvider(alg = 'ES256'): Promise<ScriptedProvider> {
  const keys = await generateKeyPair(alg, { extractable: true })
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x')
    provider.asked.push(pathname)
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/.well-known/openid-configuration') json(200, provider.metadata)
    else if (pathname === '/jwks') json(200, provider.jwks)
    else if (pathname === '/token') {
      let body = ''
      request.on('data', (piece: Buffer) => {
        body += piece.toString()
      })
      request.on('end', async () => {
        const answer = await provider.token(new URLSearchParams(body))
        json(answer.status, answer.body)
      })
    } else json(404, {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  onTestFinished(close)
  const provider: ScriptedProvider = {
    issuer,
    keys,
    asked: [],
    metadata: {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      end_session_endpoint: `${issuer}/end`,
      authorization_response_iss_parameter_supported: true,
      id_token_signing_alg_values_supported: [alg, 'ES256', 'RS256', 'HS256'],
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
    },
    jwks: { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', use: 'sig', alg }] },
    token: () => ({ status: 400, body: { error: 'invalid_grant' } }),
    sign(claims, { key = keys.privateKey, header = {} } = {}) {
      const present = (of: Record<string, unknown>) =>
        Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined))
      return new SignJWT(present(claims) as JWTPayload)
        .setProtectedHeader(present({ alg, kid: 'k1', ...header }) as { alg: string })
        .sign(key)
    },
    close,
  }
  return provider
}
