/**
 * A real OpenID Provider, `oidc-provider`, on a port of this machine, with people who sign in by saying who they are. It tries a logout again that did not arrive,
 * which `oidc-provider` leaves to whoever runs it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { type ClientMetadata, Provider } from 'oidc-provider'

export interface RealProvider {
  readonly issuer: string
  readonly port: number
  /** Logouts that have not arrived yet. */
  readonly waiting: number
  close(): Promise<void>
}

/** Who signs in at the form: sent to the interaction's address, as a form. */
export interface Proof {
  readonly as: string
  /** RFC 8176 names, separated by blanks. */
  readonly amr?: string
  readonly acr?: string
}

const RETRY_AFTER = 50

/**
 * @param clients - Given once the port is known; see `RelyingParty.registration`.
 * @param port - For one that comes back after it was away. Default: any.
 */
export async function realProvider(clients: (issuer: string) => readonly ClientMetadata[], port = 0): Promise<RealProvider> {
  let listener: (request: IncomingMessage, response: ServerResponse) => unknown = (_request, response) =>
    response.writeHead(503).end()
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  const issuer = `http://localhost:${own}`
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  let waiting = 0
  let isClosed = false

  const provider: Provider = new Provider(issuer, {
    clients: clients(issuer).map((client) => ({ ...client })),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: ['a key of this test'], names: { session: 'op', interaction: 'op-visit', resume: 'op-resume' } },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    acrValues: ['urn:example:mfa'],
    claims: { acr: null, amr: null, auth_time: null, iss: null, sid: null, openid: ['sub', 'amr'] } as never,
    // It keeps its hands off loopback addresses by itself, where everything of a test is.
    fetch: (url, { signal, method, headers, body, redirect }: RequestInit = {}) =>
      fetch(url, { signal: signal ?? null, method, headers, body, redirect } as RequestInit),
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    async loadExistingGrant({ oidc }) {
      const known = oidc.session!.grantIdFor(oidc.client!.clientId)
      if (known !== undefined) return provider.Grant.find(known)
      const grant = new provider.Grant({ clientId: oidc.client!.clientId, accountId: oidc.session!.accountId! })
      grant.addOIDCScope('openid')
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = form
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = 'signed out'
        },
      },
    },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, IdToken: 600, AccessToken: 600 },
  })
  const serve = provider.callback()

  type Client = { backchannelLogout(accountId: string, sid: string): Promise<void> }
  provider.on('backchannel.error', (_ctx, _error, client, accountId, sid) => {
    waiting++
    const again = (): void => {
      if (isClosed) return
      ;(client as unknown as Client).backchannelLogout(accountId, sid!).then(
        () => {
          waiting--
        },
        () => void setTimeout(again, RETRY_AFTER).unref(),
      )
    }
    setTimeout(again, RETRY_AFTER).unref()
  })

  listener = (request, response) => {
    if (!request.url!.startsWith('/interaction/')) return void serve(request, response)
    if (request.method !== 'POST') return void response.end('Who are you?')
    let body = ''
    request.on('data', (piece: Buffer) => {
      body += piece.toString()
    })
    request.on('end', () => {
      const form = new URLSearchParams(body)
      const refused = { error: 'access_denied' }
      const amr = form.get('amr')?.split(' ')
      const acr = form.get('acr') ?? undefined
      const login = { accountId: form.get('as')!, ...(amr && { amr }), ...(acr && { acr }) }
      void provider.interactionFinished(request, response, form.has('as') ? { login } : refused, {
        mergeWithLastSubmission: false,
      })
    })
  }

  return {
    issuer,
    port: own,
    get waiting() {
      return waiting
    },
    close() {
      isClosed = true
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
