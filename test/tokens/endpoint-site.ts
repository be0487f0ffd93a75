/** The endpoints on a real server, on a fake clock, with clients of every kind. Refresh tokens are replaced by a table: they have tests of their own. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'
import { serviceOf } from '../../src/core/service.ts'
import type { Session } from '../../src/core/session.ts'
import { ledgerCalls } from '../../src/core/store-calls.ts'
import { endpointsOf } from '../../src/http/endpoints.ts'
import { createAccessTokens } from '../../src/tokens/access-token.ts'
import { createClients } from '../../src/tokens/clients.ts'
import type { TokenContext } from '../../src/tokens/context.ts'
import { createDenials } from '../../src/tokens/denials.ts'
import { createFeed } from '../../src/tokens/feed.ts'
import { feedEndpoint } from '../../src/tokens/feed-endpoint.ts'
import { introspectionEndpoint } from '../../src/tokens/introspection-endpoint.ts'
import { resolveTokensOptions, type TokenClient, type TokensOptions } from '../../src/tokens/options.ts'
import type { MintOptions, RefreshTokens } from '../../src/tokens/parts.ts'
import { revocationEndpoint } from '../../src/tokens/revocation-endpoint.ts'
import { createSigningKeys } from '../../src/tokens/signing-keys.ts'
import { type LooseOptions, setUp } from '../core/support.ts'

export const ISSUER = 'https://shop.example'
export const AUDIENCE = 'https://api.shop.example'
export const ORDERS = { id: 'orders', clientSecret: randomBytes(32).toString('base64url') }
export const STOCK = { id: 'stock', clientSecret: randomBytes(32).toString('base64url') }

/** A key of a client that signs. */
export function clientKey(kid: string, kind: 'ec' | 'ed25519' | 'rsa' = 'ec') {
  const { publicKey, privateKey } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519')
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid } }
}

export const REPORTS_KEY = clientKey('reports-1')

/** Everybody who may call. */
export const CLIENTS: readonly TokenClient[] = [
  { id: 'app', authentication: 'public' },
  { id: 'other-app', authentication: 'public' },
  { id: 'orders', authentication: { clientSecret: ORDERS.clientSecret }, may: ['introspect', 'feed'] },
  {
    id: 'stock',
    authentication: { clientSecret: STOCK.clientSecret },
    audiences: ['https://stock.example'],
    may: ['introspect'],
  },
  { id: 'idle', authentication: { clientSecret: STOCK.clientSecret } },
  { id: 'reports', authentication: { jwks: { keys: [REPORTS_KEY.jwk] } }, may: ['introspect', 'feed'] },
]

const servers: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

/** A family of the table that stands for refresh tokens. */
export interface Family {
  readonly clientId: string
  readonly sessionId: string
  readonly subject: string
  readonly scope: readonly string[]
  readonly deadline: number
  readonly jkt: string | undefined
}

export async function endpointSite(options: LooseOptions & { tokens?: Partial<TokensOptions> } = {}) {
  const { tokens, ...forSessions } = options
  const core = setUp(forSessions)
  const service = serviceOf(core.sessions)
  const settings = resolveTokensOptions({
    issuer: ISSUER,
    audience: AUDIENCE,
    clients: CLIENTS,
    dangerouslyAllowHttp: true,
    ...tokens,
  })
  const { config, events } = service
  const ledger = ledgerCalls(config.store, {
    timeout: config.storeTimeout,
    circuitBreaker: config.circuitBreaker,
    random: () => 0.5,
    events,
  })
  const context: TokenContext = { sessions: core.sessions as TokenContext['sessions'], service, ledger, settings }
  const accessTokens = createAccessTokens(context, createSigningKeys(context))
  const families = new Map<string, Family>()
  const refreshTokens: RefreshTokens = {
    grant: () => Promise.reject(new Error('not here')),
    refresh: () => Promise.reject(new Error('not here')),
    inspect: async (token) => families.get(token),
    grantOf: async (token) => families.get(token),
    async revoke(token, { clientId }) {
      return families.get(token)?.clientId === clientId && families.delete(token)
    },
  }
  const [clients, denials, feed] = [createClients(context), createDenials(context), createFeed(context)]
  const parts = { context, clients, denials, feed, accessTokens, refreshTokens } as unknown as Parameters<
    typeof introspectionEndpoint
  >[0]
  const warnings: Error[] = []
  const endpoints = endpointsOf(
    new Map([
      [settings.paths.introspection, introspectionEndpoint(parts)],
      [settings.paths.revocation, revocationEndpoint(parts)],
      [settings.paths.feed, feedEndpoint(parts)],
    ]),
    settings.transport,
    (warning) => warnings.push(warning),
  )
  const server = createServer((request, response) => endpoints.node(request, response, () => response.writeHead(404).end()))
  await listening(server)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  servers.push({
    async close() {
      await feed.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })

  const post = (path: string, form: Record<string, string> | string | URLSearchParams, headers: Record<string, string> = {}) =>
    fetch(origin + path, { method: 'POST', body: typeof form === 'string' ? form : new URLSearchParams(form), headers })

  async function mint({ id, subject, facts, idleDeadline }: Session, options: MintOptions): Promise<string> {
    const from = { id: id!, subject: subject!, facts, doubtedAt: undefined, deadline: idleDeadline! }
    return (await accessTokens.mint(from, options)).accessToken
  }

  return {
    ...core,
    context,
    origin,
    endpoints,
    feed,
    denials,
    families,
    warnings,
    post,
    /** Signs somebody in and mints a token from the session. */
    async token(subject = 'ada', options: MintOptions = { clientId: 'app', scope: ['read'] }) {
      const session = await core.sessions.signIn({ subject, method: 'pwd' })
      const accessToken = await mint(session, options)
      return { session, sessionId: session.id!, accessToken, claims: claimsIn(accessToken) }
    },
    /** Another token from the same session. */
    mintAgain: (session: Session, options: MintOptions = { clientId: 'app' }) => mint(session, options),
    introspect: (token: string, headers: Record<string, string> = basic('orders', ORDERS.clientSecret)) =>
      post('/oauth/introspect', { token }, headers),
    /** The answer's body. */
    async ask(token: string, headers?: Record<string, string>) {
      const answer = await (headers === undefined ? this.introspect(token) : this.introspect(token, headers))
      return (await answer.json()) as Record<string, unknown>
    },
  }
}
export type EndpointSite = Awaited<ReturnType<typeof endpointSite>>

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
export function basic(id: string, secret: string): { authorization: string } {
  const encoded = [id, secret].map((part) => new URLSearchParams({ x: part }).toString().slice(2)).join(':')
  return { authorization: `Basic ${Buffer.from(encoded).toString('base64')}` }
}

export function claimsIn(jwt: string): Record<string, unknown> & { jti: string; iat: number; exp: number } {
  return JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as never
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs as `private_key_jwt` wants it; everything can be made wrong. */
export function assertion(
  site: Pick<EndpointSite, 'clock'>,
  {
    key = REPORTS_KEY,
    header = {},
    claims = {},
  }: { key?: { kid: string; privateKey: KeyObject }; header?: object; claims?: object } = {},
): string {
  const now = Math.floor(site.clock() / 1000)
  const kind = key.privateKey.asymmetricKeyType
  const alg = kind === 'ec' ? 'ES256' : kind === 'rsa' ? 'PS256' : 'EdDSA'
  const jti = randomBytes(16).toString('base64url')
  const body = `${encode({ alg, kid: key.kid, ...header })}.${encode({
    iss: 'reports',
    sub: 'reports',
    aud: ISSUER,
    iat: now,
    exp: now + 60,
    jti,
    ...claims,
  })}`
  const hash = kind === 'ed25519' ? null : 'sha256'
  const options =
    kind === 'rsa'
      ? { key: key.privateKey, padding: 6, saltLength: 32 }
      : { key: key.privateKey, dsaEncoding: 'ieee-p1363' as const }
  return `${body}.${sign(hash, Buffer.from(body), options).toString('base64url')}`
}

export function asserted(jwt: string): Record<string, string> {
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: jwt,
  }
}
