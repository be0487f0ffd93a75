/**
 * Sojourn ID: the OpenID Provider of `npm start -- --sso`, made with `oidc-provider`. For development: it forgets who is signed in when it
 * closes, and its keys with it.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { type ClientMetadata, type Configuration, Provider } from 'oidc-provider'
import type { People } from '../people.ts'
import type { Guesses } from './guesses.ts'
import { keepInMemory } from './keeping.ts'
import { AFTER_LOGOUT, BACK_CHANNEL, CALLBACK } from './paths.ts'
import { failedPage, goodbyePage, leavingPage, providerStyles, signInPage } from './provider-pages.ts'

/** An application that people sign in to with Sojourn ID. */
export interface ConnectedApp {
  readonly clientId: string
  readonly clientSecret: string
  readonly name: string
  /** Where it is, such as `http://localhost:3000`. */
  readonly origin: string
}

export interface ProviderOptions {
  readonly origin: string
  readonly apps: readonly ConnectedApp[]
  readonly people: People
  readonly guesses: Guesses
}

const LARGEST_FORM = 4096

/** Makes the provider, as a listener for a server. */
export async function createProvider(options: ProviderOptions): Promise<RequestListener> {
  const { origin, apps, people, guesses } = options
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const provider: Provider = new Provider(origin, {
    adapter: keepInMemory(),
    clients: apps.map(clientOf),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), use: 'sig', alg: 'ES256' }] },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: 'id-session', interaction: 'id-visit', resume: 'id-resume' },
    },
    // How somebody was signed in, and when, goes along: the shop's second factor adds to it.
    claims: { openid: ['sub', 'amr'] },
    conformIdTokenClaims: false,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    // oidc-provider keeps its hands off loopback addresses, where everything of this demonstration is.
    fetch: (url, { signal, method, headers, body, redirect } = {}) =>
      fetch(url, { signal, method, headers, body, redirect } as RequestInit),
    findAccount: (_ctx, sub) => (people.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined),
    interactions: { url: (_ctx, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: async ({ oidc }): Promise<InstanceType<Provider['Grant']> | undefined> => {
      // Both applications are the shop's own: nobody is asked whether they may know who signs in.
      const { client, session } = oidc
      const known = session?.grantIdFor(client!.clientId)
      if (known !== undefined) return provider.Grant.find(known)
      const grant = new provider.Grant({ clientId: client!.clientId, accountId: session!.accountId! })
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
          ctx.body = leavingPage(form)
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = goodbyePage(apps)
        },
      },
    },
    renderError: (ctx) => {
      ctx.type = 'html'
      ctx.body = failedPage(apps)
    },
    ttl: { Session: 12 * 3600, Interaction: 600, Grant: 12 * 3600, IdToken: 600, AccessToken: 600 },
  } satisfies Configuration)
  const serve = provider.callback()

  return (request, response) => {
    const path = request.url?.split('?')[0] ?? '/'
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'no-referrer')
    if (path === '/styles.css') return send(response, 200, providerStyles, 'text/css; charset=utf-8')
    // No form-action: a browser would hold it against the way back to the application, too.
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    if (path === '/leave.js') return send(response, 200, LEAVE, 'text/javascript; charset=utf-8')
    if (path === '/') return send(response, 200, goodbyePage(apps))
    if (!path.startsWith('/sign-in/')) return serve(request, response)
    signIn(provider, { people, guesses, apps }, request, response).catch(() => {
      // The visit is over, or of another browser.
      if (!response.headersSent) send(response, 400, failedPage(apps))
    })
  }
}

/** Sends the form that confirms a sign-out: who asks for it has just pressed a button that says so. */
const LEAVE = `const form = document.getElementById('op.logoutForm')
if (form) form.requestSubmit(document.querySelector('[name=logout]'))
`

function clientOf({ clientId, clientSecret, name, origin }: ConnectedApp): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    client_name: name,
    redirect_uris: [`${origin}${CALLBACK}`],
    post_logout_redirect_uris: [`${origin}${AFTER_LOGOUT}`],
    backchannel_logout_uri: `${origin}${BACK_CHANNEL}`,
    backchannel_logout_session_required: true,
    require_auth_time: true,
  }
}

async function signIn(
  provider: Provider,
  { people, guesses, apps }: Pick<ProviderOptions, 'people' | 'guesses' | 'apps'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { params, uid } = await provider.interactionDetails(request, response)
  const app = apps.find(({ clientId }) => clientId === params.client_id)?.name ?? 'an application'
  if (request.method !== 'POST') return send(response, 200, signInPage({ app, uid }))
  const form = await formOf(request)
  const [name, password] = [form?.get('username') ?? '', form?.get('password') ?? '']
  const wait = await guesses.next(name)
  if (wait > 0) return send(response, 429, signInPage({ app, uid, name, wait }))
  const reader = await people.check(name, password)
  if (reader === undefined) return send(response, 401, signInPage({ app, uid, name, isWrong: true }))
  await provider.interactionFinished(request, response, { login: { accountId: reader.name, amr: ['pwd'] } })
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let text = ''
  for await (const piece of request.setEncoding('utf8')) {
    text += piece
    if (text.length > LARGEST_FORM) return undefined
  }
  return new URLSearchParams(text)
}

function send(response: ServerResponse, status: number, body: string, type = 'text/html; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body)
}
