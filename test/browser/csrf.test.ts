// What Chromium sends of itself, and what becomes of it: a shop on app.test and another site on evil.test, over TLS.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { createSessions, type Session } from 'sojourn'
import { refuseUpgrade, upgradeSession, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { testCertificate } from '../http/support/servers.ts'
import { launchBrowser } from './browser.ts'

let browser: Browser
let server: Server
let port: number
/** What came to the shop and was to change something: where Chromium said it began, whether the session cookie came, and the answer's status. */
const seen: { path: string; site: unknown; origin: unknown; hasCookie: boolean; status: number }[] = []
const deeds: string[] = []

const sessions = createSessions({ store: memoryStore(), keys: testKey() })
// None: the cookie goes along with other sites' forms, so that nothing but the guard stands in their way.
const options = { cookie: { sameSite: 'none' } } as const

const TRANSFER = '<form method="post" action="https://app.test:PORT/transfer"><button>Send</button></form>'
const PAGES: Record<string, string> = {
  'app.test/': `${TRANSFER}<form method="post" action="/login"><button>Sign in</button></form>`,
  'app.test/sandbox': `<iframe sandbox="allow-forms" srcdoc='${TRANSFER}'></iframe>`,
  'app.test/no-referrer': `<meta name="referrer" content="no-referrer">${TRANSFER}`,
  'evil.test/': `${TRANSFER}<form method="post" action="https://app.test:PORT/login"><button>Win a prize</button></form>`,
  'evil.test/no-referrer': `<meta name="referrer" content="no-referrer">${TRANSFER}`,
  'evil.test/sandbox': `<iframe sandbox="allow-forms" srcdoc='${TRANSFER}'></iframe>`,
  'sub.app.test/': TRANSFER,
}

async function handle(request: IncomingMessage, session: Session): Promise<string> {
  if (request.url === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
  if (request.method === 'POST') deeds.push(`${request.url} by ${session.subject ?? 'nobody'}`)
  return `<h1>${session.subject ?? 'nobody'}</h1>`
}

beforeAll(async () => {
  const shop = withSession(
    sessions,
    async (request, response, session) => {
      const text = await handle(request, session)
      response.setHeader('Content-Type', 'text/html').end(text)
    },
    options,
  )
  const openUpgrade = upgradeSession(sessions, options)
  server = createServer(testCertificate(), (request, response) => {
    const page = PAGES[`${request.headers.host?.split(':')[0]}${request.url}`]
    if (request.method === 'GET' && page !== undefined) {
      response.setHeader('Content-Type', 'text/html').end(page.replaceAll('PORT', String(port)))
      return
    }
    if (request.method !== 'GET') response.on('finish', () => note(request, response.statusCode))
    void shop(request, response)
  })
  server.on('upgrade', async (request, socket) => {
    try {
      const session = await openUpgrade(request)
      const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
      )
      const text = Buffer.from(session.subject ?? 'nobody')
      socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]))
    } catch (error) {
      note(request, 403)
      refuseUpgrade(error, request, socket)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
  browser = await launchBrowser([
    '--host-resolver-rules=MAP *.test 127.0.0.1',
    `--ignore-certificate-errors-spki-list=${testCertificate().keyHash}`,
  ])
})
afterAll(async () => {
  await browser?.close()
  server?.closeAllConnections()
  server?.close()
})

function note({ url = '', headers }: IncomingMessage, status: number): void {
  const hasCookie = headers.cookie?.includes('__Host-sjn=') ?? false
  seen.push({ path: url, site: headers['sec-fetch-site'], origin: headers.origin, hasCookie, status })
}

/** A browser whose owner is signed in at the shop, looking at a page. */
async function looking(at: string): Promise<Page> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  await page.goto(`https://app.test:${port}/`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'ada' }).waitFor()
  seen.length = 0
  deeds.length = 0
  await page.goto(`https://${at.replace('/', `:${port}/`)}`)
  return page
}

async function press(page: Page, name = 'Send', inFrame = false): Promise<void> {
  const where = inFrame ? page.frameLocator('iframe') : page
  const answered = page.waitForResponse((response) => response.request().method() === 'POST')
  await where.getByRole('button', { name }).click()
  await (await answered).finished()
}

describe('a form in Chromium', () => {
  it.each(['app.test/', 'app.test/no-referrer'])('of the site’s own (%s) does what it says', async (at) => {
    await press(await looking(at))

    expect(deeds).toEqual(['/transfer by ada'])
    expect(seen).toMatchObject([{ site: 'same-origin', hasCookie: true, status: 200 }])
  })

  it.each([
    ['evil.test/', 'cross-site'],
    ['evil.test/no-referrer', 'cross-site'],
    ['sub.app.test/', 'same-site'],
  ])('of another (%s) comes with the cookie and is refused', async (at, site) => {
    await press(await looking(at))

    expect(deeds).toEqual([])
    expect(seen).toMatchObject([{ path: '/transfer', site, hasCookie: true, status: 403 }])
  })

  it.each(['app.test/sandbox', 'evil.test/sandbox'])('in a sandboxed frame (%s) has no origin and is refused', async (at) => {
    await press(await looking(at), 'Send', true)

    expect(deeds).toEqual([])
    expect(seen).toMatchObject([{ path: '/transfer', site: 'cross-site', origin: 'null', status: 403 }])
  })

  it('of another signs nobody in (login CSRF)', async () => {
    await press(await looking('evil.test/'), 'Win a prize')

    expect(deeds).toEqual([])
    expect(seen).toMatchObject([{ path: '/login', status: 403 }])
  })
})

describe('a script in Chromium', () => {
  const post = (init: string) =>
    `fetch('https://app.test:${port}/transfer', { method: 'POST', credentials: 'include', ${init} }).then((r) => r.type, () => 'failed')`

  it('of another site gets nothing done, by whatever request needs no preflight', async () => {
    const page = await looking('evil.test/')
    const answers = [
      await page.evaluate(post("mode: 'no-cors'")),
      await page.evaluate(post("mode: 'no-cors', body: new URLSearchParams('a=b')")),
      await page.evaluate(post("mode: 'no-cors', body: JSON.stringify({})")),
      await page.evaluate(post("mode: 'no-cors', keepalive: true, body: new FormData()")),
    ]

    expect([answers, deeds]).toEqual([['opaque', 'opaque', 'opaque', 'opaque'], []])
    expect(seen.map(({ status }) => status)).toEqual([403, 403, 403, 403])
  })

  it('of another site that would need one sends nothing but the question', async () => {
    const page = await looking('evil.test/')
    const answers = [
      await page.evaluate(post("headers: { 'content-type': 'application/json' }, body: '{}'")),
      await page.evaluate(post("headers: { 'x-csrf-token': 'x' }")),
    ]

    expect([answers, deeds]).toEqual([['failed', 'failed'], []])
    expect(seen.every(({ status }) => status !== 403)).toBe(true)
  })

  it('of another site gets no socket, and one of the site’s own does', async () => {
    const open = `new Promise((resolve) => {
      const socket = new WebSocket('wss://app.test:${port}/live')
      socket.onmessage = ({ data }) => resolve(data)
      socket.onerror = () => resolve('refused')
    })`
    const own = await (await looking('app.test/')).evaluate(open)
    const others = await (await looking('evil.test/')).evaluate(open)

    expect([own, others]).toEqual(['ada', 'refused'])
    expect(seen).toMatchObject([{ path: '/live', origin: `https://evil.test:${port}`, status: 403 }])
  })
})
