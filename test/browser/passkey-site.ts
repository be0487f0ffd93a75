/** A site with passkeys over TLS for a real browser, and a person with a virtual authenticator in it. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { withSession } from '../../src/adapters/node.ts'
import type { Session } from '../../src/core/session.ts'
import { createStepUp, type PasskeyResult, type RegistrationResult, type StepUp } from '../../src/stepup/stepup.ts'
import { memoryFactorStore } from '../../src/stepup/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { setUp } from '../core/support.ts'
import type { Certificate } from '../http/support/certificate.ts'
import { ceremony, postJson } from './in-page.js'

/** Sets the global `SimpleWebAuthnBrowser`. Its own file, since pages here have no bundler. */
const LIBRARY = readFileSync(new URL('../dist/bundle/index.umd.min.js', import.meta.resolve('@simplewebauthn/browser')))
const PAGE = `<!doctype html><title>Shop</title><script src="/webauthn.js"></script>
<label>Name <input name="username" autocomplete="username webauthn" autofocus></label>`

export const HOSTS = ['localhost', 'app.test', 'sub.app.test', 'evil.test']

type Route = (session: Session, body: unknown, stepUp: StepUp) => unknown

const routes: Record<string, Route> = {
  '/me': ({ subject = null, acr, id = null }) => ({ subject, acr, id }),
  '/login': (session, body, stepUp) => stepUp.signIn(session, { subject: (body as { as: string }).as, method: 'pwd' }),
  '/logout': (session) => session.signOut(),
  '/register-options': (session, _body, { passkeys }) => passkeys.registrationOptions(session, { account: 'Ada' }),
  '/register': (session, body, { passkeys }) => passkeys.register(session, body, { name: 'Chromium' }),
  '/sign-in-options': (session, _body, { passkeys }) => passkeys.signInOptions(session),
  '/sign-in': (session, body, { passkeys }) => passkeys.signIn(session, body),
  '/step-up-options': async (session, _body, { passkeys }) => (await passkeys.stepUpOptions(session)) ?? null,
  '/step-up': (session, body, { passkeys }) => passkeys.stepUp(session, body),
  '/list': (session, _body, { passkeys }) => passkeys.list(session),
}

/** @param host - Whose pages may use passkeys; its parent `app.test` is the RP id of `sub.app.test`, too. */
export async function startPasskeySite(certificate: Certificate, host = 'localhost') {
  const service = setUp({ clock: fakeClock(Date.now()) })
  let respond: ReturnType<typeof withSession>
  const server = createServer(certificate, (request, response) => {
    if (request.method === 'GET') {
      const isScript = request.url === '/webauthn.js'
      response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html').end(isScript ? LIBRARY : PAGE)
    } else void respond(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const at = (name: string) => `https://${name}:${port}`
  const stepUp = createStepUp(service.sessions, {
    factors: memoryFactorStore(),
    issuer: 'Shop',
    origins: [at(host)],
    pages: { stepUp: '/step-up', whilePending: ['/step-up', '/step-up-options'] },
  })
  respond = withSession(
    service.sessions,
    async (request, response, session) => {
      const answer = await routes[request.url!]!(session, await json(request), stepUp)
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer ?? null))
    },
    { guards: [stepUp] },
  )
  return { ...service, at, origin: at(host) }
}
export type PasskeyChromiumSite = Awaited<ReturnType<typeof startPasskeySite>>

/** A credential as the DevTools protocol tells it. */
interface VirtualCredential {
  readonly credentialId: string
  readonly isResidentCredential: boolean
  readonly rpId?: string
  readonly privateKey: string
  readonly userHandle?: string
  readonly signCount: number
}

/** One person's browser, with an authenticator that answers by itself. */
export class PasskeyVisitor {
  readonly page: Page
  readonly #devtools: CDPSession
  readonly #authenticatorId: string

  private constructor(page: Page, devtools: CDPSession, authenticatorId: string) {
    this.page = page
    this.#devtools = devtools
    this.#authenticatorId = authenticatorId
  }

  static async of(browser: Browser, origin: string, more: { hasBackup?: boolean } = {}): Promise<PasskeyVisitor> {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    context.setDefaultTimeout(20_000)
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    await devtools.send('WebAuthn.enable')
    const { hasBackup = false } = more
    const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        ctap2Version: 'ctap2_1',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
        ...(hasBackup && { defaultBackupEligibility: true, defaultBackupState: true }),
      },
    })
    await page.goto(origin)
    return new PasskeyVisitor(page, devtools, authenticatorId)
  }

  /** @returns What the site answers. */
  async post<T = Record<string, unknown>>(path: string, body: unknown = {}): Promise<T> {
    return (await this.page.evaluate(postJson, { path, body })) as T
  }

  me() {
    return this.post<{ subject: string | null; acr: string; id: string | null }>('/me')
  }

  async create(options?: object) {
    const optionsJSON = options ?? (await this.post('/register-options'))
    return this.page.evaluate(ceremony, { kind: 'create', optionsJSON, useBrowserAutofill: false } as const)
  }

  async get(optionsJSON: object, useBrowserAutofill = false) {
    return this.page.evaluate(ceremony, { kind: 'get', optionsJSON, useBrowserAutofill } as const)
  }

  async register(): Promise<RegistrationResult> {
    return this.post('/register', (await this.create()).answer)
  }

  async signIn(isConditional = false): Promise<PasskeyResult> {
    return this.post('/sign-in', (await this.get(await this.post('/sign-in-options'), isConditional)).answer)
  }

  async stepUp(): Promise<PasskeyResult> {
    return this.post('/step-up', (await this.get(await this.post('/step-up-options'))).answer)
  }

  async verifies(isUserVerified: boolean): Promise<void> {
    await this.#devtools.send('WebAuthn.setUserVerified', { authenticatorId: this.#authenticatorId, isUserVerified })
  }

  async credentials(): Promise<VirtualCredential[]> {
    return (await this.#devtools.send('WebAuthn.getCredentials', { authenticatorId: this.#authenticatorId })).credentials
  }

  /** Puts a credential into this authenticator in place of its own, as one that was copied would be. */
  async hold(credential: VirtualCredential): Promise<void> {
    const authenticatorId = this.#authenticatorId
    await this.#devtools.send('WebAuthn.clearCredentials', { authenticatorId })
    await this.#devtools.send('WebAuthn.addCredential', { authenticatorId, credential })
  }
}
