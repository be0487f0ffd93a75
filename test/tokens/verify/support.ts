/** An issuer to test verifiers against: real HTTP, keys, a feed that says what a test wants, and a count of who asked for what. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { fakeClock } from 'sojourn/testing'
import { createTokenVerifier, type TokenVerifier, type TokenVerifierOptions, type VerifierEvent } from 'sojourn/tokens/verify'
import { expect, onTestFinished } from 'vitest'

export const AUDIENCE = 'https://api.example'
export const CLIENT = { id: 'api', clientSecret: 'a-secret-of-32-characters-or-more' }

export interface SigningKey {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly jwk: Record<string, unknown>
}

export async function signingKey(kid: string, algorithm = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } }
}

export type Claims = Record<string, unknown>

export interface Stream {
  send(event: string, data: unknown, id?: string): void
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export class TestIssuer {
  readonly clock = fakeClock()
  readonly #startedAt = performance.now()
  readonly #server = createServer((request, response) => this.#answer(request, response))
  /** Requests by path. */
  readonly requests = new Map<string, number>()
  readonly streams: Stream[] = []
  /** Everything ever asked for, introspection bodies included. */
  readonly authorizations: (string | undefined)[] = []
  readonly lastEventIds: (string | undefined)[] = []
  keys: SigningKey[] = []
  jwksBody: string | undefined
  jwksHeaders: Record<string, string> = {}
  jwksStatus = 200
  introspect: (token: string) => unknown = () => ({ active: true })
  introspectionStatus = 200
  /** Called for each feed connection; the default says hello, that it is ready, and beats. */
  onStream: (stream: Stream) => void = (stream) => this.greet(stream)
  #beats = new Set<ReturnType<typeof setInterval>>()

  async listen(): Promise<void> {
    this.keys = [await signingKey('key-1')]
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  close(): void {
    for (const beat of this.#beats) clearInterval(beat)
    this.#server.close()
    this.#server.closeAllConnections()
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** A clock that runs, from where the fake one stands. */
  now(): number {
    return this.clock() + (performance.now() - this.#startedAt)
  }

  asked(path: string): number {
    return this.requests.get(path) ?? 0
  }

  greet(
    stream: Stream,
    { since = this.clock() - 600_000, beat = 200, ended = [] as string[], id = undefined as string | undefined } = {},
  ): void {
    stream.send('hello', { now: this.now(), since, beat }, id)
    for (const sid of ended) stream.send('session', { sid, at: this.now() })
    stream.send('ready', {})
    this.beat(stream, beat)
  }

  beat(stream: Stream, every = 200): void {
    const say = () => stream.send('beat', { now: this.now() })
    say()
    const timer = setInterval(say, every)
    this.#beats.add(timer)
    stream.response.on('close', () => clearInterval(timer))
  }

  tell(event: string, data: Record<string, unknown>, id?: string): void {
    for (const stream of this.streams) stream.send(event, { at: this.now(), ...data }, id)
  }

  claims(changes: Claims = {}): Claims {
    const iat = Math.floor(this.clock() / 1000)
    // What a test sets to undefined is left out by JSON.
    return {
      iss: this.url,
      sub: 'ada',
      aud: AUDIENCE,
      client_id: 'app',
      iat,
      exp: iat + 300,
      jti: `jti-${Math.random()}`,
      sid: 'session-of-ada',
      scope: 'read write',
      acr: 'aal1',
      auth_time: iat - 60,
      ...changes,
    }
  }

  async mint(
    changes: Claims = {},
    { header = {}, key = this.keys[0]! }: { header?: Claims; key?: SigningKey } = {},
  ): Promise<string> {
    return signed(this.claims(changes), { alg: key.algorithm, typ: 'at+jwt', kid: key.kid, ...header }, key)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!.split('?')[0]!
    this.requests.set(path, this.asked(path) + 1)
    this.authorizations.push(request.headers.authorization)
    if (path === '/.well-known/jwks.json') {
      const body = this.jwksBody ?? JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) })
      response.writeHead(this.jwksStatus, { 'Content-Type': 'application/json', ...this.jwksHeaders }).end(body)
    } else if (path === '/oauth/introspect') {
      let form = ''
      request.on('data', (piece) => (form += piece))
      request.on('end', () => {
        const answer = this.introspect(new URLSearchParams(form).get('token') ?? '')
        response.writeHead(this.introspectionStatus, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
      })
    } else if (path === '/oauth/feed') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' })
      this.lastEventIds.push(request.headers['last-event-id'] as string | undefined)
      const stream: Stream = {
        request,
        response,
        send: (event, data, id) =>
          void response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
      }
      response.on('close', () => this.streams.splice(this.streams.indexOf(stream), 1))
      this.streams.push(stream)
      this.onStream(stream)
    } else response.writeHead(404).end()
  }
}

export async function startIssuer(): Promise<TestIssuer> {
  const issuer = new TestIssuer()
  await issuer.listen()
  onTestFinished(() => issuer.close())
  return issuer
}

/** A compact JWS, whatever its header says. */
export async function signed(claims: unknown, header: Claims, { privateKey, algorithm }: SigningKey): Promise<string> {
  const [first, second] = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = await signatureOver(`${first}.${second}`, privateKey, algorithm)
  return `${first}.${second}.${signature}`
}

const PARAMETERS: Record<string, object> = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
  'ML-DSA-44': { name: 'ML-DSA-44' },
  'ML-DSA-65': { name: 'ML-DSA-65' },
}

async function signatureOver(text: string, privateKey: CryptoKey, algorithm: string): Promise<string> {
  const bytes = await crypto.subtle.sign(PARAMETERS[algorithm] as never, privateKey as never, Buffer.from(text))
  return Buffer.from(bytes).toString('base64url')
}

export interface Watched {
  readonly verifier: TokenVerifier
  readonly events: VerifierEvent[]
  /** URLs that were called. */
  readonly called: string[]
}

/** A verifier of this issuer, which is closed with the test; without a client unless one is given. */
export function verifierOf(issuer: TestIssuer, options: Partial<TokenVerifierOptions> = {}): Watched {
  const events: VerifierEvent[] = []
  const called: string[] = []
  const verifier = createTokenVerifier({
    issuer: issuer.url,
    audience: AUDIENCE,
    dangerouslyAllowHttp: true,
    clock: issuer.clock,
    onEvent: (event) => void events.push(event),
    fetch: (input, init) => {
      called.push(String(input))
      return fetch(input, init)
    },
    ...options,
  })
  onTestFinished(() => verifier.close())
  return { verifier, events, called }
}

/** State, status and reason of an outcome, for one comparison. */
export async function outcome(verifying: Promise<{ state: string; status?: number; reason?: string; revocation?: string }>) {
  const access = await verifying
  return access.state === 'active' ? `active by ${access.revocation}` : `${access.status} ${access.reason}`
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 20 }).toBe(true)
}

export function thumbprint(jwk: { kty?: unknown; crv?: unknown; x?: unknown; y?: unknown }): string {
  const { crv, kty, x, y } = jwk
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}

/** A DPoP proof of a fresh key, or of this one. */
export async function proofOf(
  key: SigningKey,
  claims: { method: string; url: string; accessToken: string; at: number; jti?: string },
): Promise<string> {
  const { kty, crv, x, y } = key.jwk
  return signed(
    {
      jti: claims.jti ?? `proof-${Math.random()}`,
      htm: claims.method,
      htu: claims.url,
      iat: Math.floor(claims.at / 1000),
      ath: createHash('sha256').update(claims.accessToken).digest('base64url'),
    },
    { typ: 'dpop+jwt', alg: key.algorithm, jwk: { kty, crv, x, y } },
    key,
  )
}
