/**
 * A Chromium that binds sessions without a TPM, and what it reports about it. Two features and a certificate that verifies are all
 * needed; where one of them is missing the browser is silent. Full Chromium: a headless shell is silent as well.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { ARGS, chromiumPath } from './browser.ts'
import { fetchAll } from './in-page.js'

/** The second gives it software keys in place of a TPM's. Of two `--enable-features` the last wins, so this is one list. */
const FEATURES = 'DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting'

/** Every `.test` host is this machine. */
const HOSTS = '--host-resolver-rules=MAP *.test 127.0.0.1'

/** How it is started; `keyHash` names the one certificate it trusts, since one that it merely tolerates makes it silent. */
export function bindingOptions(keyHash: string) {
  const args = [...ARGS, HOSTS, `--ignore-certificate-errors-spki-list=${keyHash}`, `--enable-features=${FEATURES}`]
  return { executablePath: chromiumPath(), args, timeout: 60_000 }
}

/** Names the key of the certificate that a server on this port of the machine shows. */
export async function keyHashOf({ port }: { readonly port: number }): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { publicKey } = socket.getPeerX509Certificate()!
  socket.destroy()
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}

export function launchBinding(keyHash: string): Promise<Browser> {
  return chromium.launch(bindingOptions(keyHash))
}

/** What the browser says of its bindings, as far as the tests look at it. */
export interface BindingEvent {
  readonly succeeded: boolean
  readonly sessionId?: string
  readonly creationEventDetails?: { readonly fetchResult: string }
  readonly refreshEventDetails?: { readonly refreshResult: string; readonly fetchResult?: string }
  readonly challengeEventDetails?: { readonly challengeResult: string }
  readonly terminationEventDetails?: { readonly deletionReason?: string }
}

/** One person's browser, with cookies, keys and a signing quota of its own. */
export class BindingVisitor {
  readonly context: BrowserContext
  readonly page: Page
  readonly events: BindingEvent[] = []

  private constructor(context: BrowserContext, page: Page) {
    this.context = context
    this.page = page
  }

  static async in(context: BrowserContext): Promise<BindingVisitor> {
    context.setDefaultTimeout(30_000)
    const page = await context.newPage()
    const visitor = new BindingVisitor(context, page)
    const devtools = await context.newCDPSession(page)
    // Playwright's types do not know this part of the protocol yet.
    const { send, on } = devtools as unknown as {
      send(method: string, parameters?: object): Promise<unknown>
      on(event: string, listener: (event: BindingEvent) => void): void
    }
    await send.call(devtools, 'Network.enable')
    on.call(devtools, 'Network.deviceBoundSessionEventOccurred', (event) => visitor.events.push(event))
    await send.call(devtools, 'Network.enableDeviceBoundSessions', { enable: true })
    return visitor
  }

  /** In a fresh context of a browser; it ends with the test. */
  static async of(browser: Browser): Promise<BindingVisitor> {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    return BindingVisitor.in(context)
  }

  /** Bodies of the page's own requests, all sent at once. */
  async fetch(...paths: string[]): Promise<string[]> {
    return (await this.page.evaluate(fetchAll, ['GET', ...paths])).map(({ body }) => body)
  }

  async post(path: string): Promise<{ status: number; body: string }> {
    return (await this.page.evaluate(fetchAll, ['POST', path]))[0]!
  }

  /** How registrations ended so far: `Success`, or the browser's own word for why not. */
  get registrations(): string[] {
    return this.events.flatMap(({ creationEventDetails }) => (creationEventDetails ? [creationEventDetails.fetchResult] : []))
  }

  async registered(count = 1): Promise<void> {
    await expect.poll(() => this.registrations, { timeout: 30_000 }).toEqual(Array(count).fill('Success'))
  }

  /** The `Cookie` header a thief of everything would send to an origin. */
  async cookies(origin: string, ...names: string[]): Promise<string> {
    const all = await this.context.cookies(origin)
    const taken = all.filter(({ name }) => names.length === 0 || names.includes(name))
    return taken.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}

/** A browser with a profile on disk, that can be closed and started again. */
export async function profile(keyHash: string): Promise<() => Promise<BindingVisitor>> {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-profile-'))
  const opened: BrowserContext[] = []
  onTestFinished(async () => {
    for (const context of opened) await context.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
  })
  return async () => {
    const context = await chromium.launchPersistentContext(folder, bindingOptions(keyHash))
    opened.push(context)
    return BindingVisitor.in(context)
  }
}
