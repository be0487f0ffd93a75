/** A connected application on real HTTP: verifies logout tokens with the hub's public key, and answers as a test tells it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { LogoutSigner } from 'sojourn/oidc'
import { onTestFinished } from 'vitest'

export const ISSUER = 'https://shop.example'

const keys = await generateKeyPair('ES256', { extractable: true })
const kid = 'test'

/** Signs as `tokens.signer` does. */
export const signer: LogoutSigner & { readonly jwks: () => Promise<{ keys: object[] }> } = {
  issuer: ISSUER,
  sign: (claims, typ) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', kid, typ }).sign(keys.privateKey),
  jwks: async () => ({ keys: [{ ...(await exportJWK(keys.publicKey)), kid, alg: 'ES256', use: 'sig' }] }),
}

/** One request, as it came. */
export interface Received {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly claims: JWTPayload
  readonly header: object
}

export type Answering = (response: ServerResponse, received: Received) => void

export class Receiver {
  readonly received: Received[] = []
  /** What it does with a request that has come whole. Default: 200. */
  answer: Answering = (response) => void response.writeHead(200).end()
  readonly #server: Server = createServer((request, response) => void this.#take(request, response))

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get uri(): string {
    return `http://127.0.0.1:${this.port}/backchannel-logout`
  }

  get sids(): unknown[] {
    return this.received.map(({ claims }) => claims.sid)
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {})
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const logoutToken = new URLSearchParams(body).get('logout_token') ?? ''
    // The clock of the test is not the system's.
    const { payload, protectedHeader } = await jwtVerify(logoutToken, keys.publicKey, { currentDate: new Date(0) })
    const { method, url, headers } = request
    const received = { method, url, headers, body, claims: payload, header: protectedHeader }
    this.received.push(received)
    this.answer(response, received)
  }
}

/** One that stops with the test. */
export async function startReceiver(): Promise<Receiver> {
  const receiver = await new Receiver().start()
  onTestFinished(() => receiver.stop())
  return receiver
}
