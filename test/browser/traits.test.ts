// What a real browser sends with each kind of request: none of them may look like another client, or people would be signed out by a picture.
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { createSessions, type SojournEvent } from 'sojourn'
import { upgradeSession, withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { presets, traitChecks, traitsOf } from 'sojourn/traits'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { testCertificate } from '../http/support/servers.ts'
import { launchBrowser } from './browser.ts'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

/** Kinds of requests, and whether Chromium sends client hints with them. */
const KINDS: Record<string, boolean> = {
  image: true,
  style: true,
  script: true,
  frame: true,
  object: true,
  video: true,
  fetch: true,
  post: true,
  xhr: true,
  beacon: true,
  keepalive: true,
  events: true,
  prefetch: true,
  report: true,
  worker: false,
  'worker-import': false,
  'worker-fetch': false,
  'shared-worker': false,
  download: false,
  socket: false,
}

const PAGE = `<!doctype html><title>kinds</title>
<link rel="stylesheet" href="/kind/style"><link rel="prefetch" href="/kind/prefetch"><img src="/kind/image" alt=""><iframe src="/kind/frame"></iframe>
<object data="/kind/object"></object><video src="/kind/video"></video><a href="/kind/download" download>take</a><img src="https://elsewhere.example/" alt="">
<script src="/kind/script"></script>
<script>
  fetch('/kind/fetch'); fetch('/kind/post', { method: 'POST', body: '{}' }); fetch('/kind/keepalive', { keepalive: true })
  const xhr = new XMLHttpRequest(); xhr.open('GET', '/kind/xhr'); xhr.send()
  navigator.sendBeacon('/kind/beacon', 'x'); new EventSource('/kind/events')
  new Worker('/kind/worker'); new SharedWorker('/kind/shared-worker')
  new WebSocket('wss://' + location.host + '/kind/socket').onerror = () => {}
  document.querySelector('a').click()
</script>`
const WORKER = "importScripts('/kind/worker-import'); fetch('/kind/worker-fetch')"
const TYPES: Record<string, string> = {
  style: 'text/css',
  script: 'text/javascript',
  worker: 'text/javascript',
  'shared-worker': 'text/javascript',
  'worker-import': 'text/javascript',
}

/** A site that ends a session at any change, and remembers which requests came with a live one. */
async function strictest() {
  const events: SojournEvent[] = []
  const onEvent = (event: SojournEvent) => events.push(event)
  const sessions = createSessions({ store: memoryStore(), keys: testKey(), onEvent })
  const changes = Object.keys(presets.strict).filter((name) => name !== 'together')
  const guards = [traitChecks({ policy: Object.fromEntries(changes.map((change) => [change, 'revoke'])) })]
  const came = new Map<string, { isSignedIn: boolean; hasHints: boolean }>()
  const note = (kind: string, subject: string | undefined, brands: unknown) =>
    came.set(kind, { isSignedIn: subject === 'ada', hasHints: brands !== undefined })

  const listener = withSession(
    sessions,
    async (req, res, session) => {
      if (req.url === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      const kind = req.url?.startsWith('/kind/') ? req.url.slice('/kind/'.length) : undefined
      if (kind !== undefined) note(kind, session.subject, req.headers['sec-ch-ua'])
      res.setHeader('content-type', TYPES[kind ?? ''] ?? 'text/html')
      if (req.url === '/') res.setHeader('content-security-policy', "img-src 'self'; report-uri /kind/report")
      const seen = JSON.stringify({ state: session.state, ...traitsOf(session) })
      res.end(req.url === '/' ? PAGE : req.url === '/seen' ? seen : kind === 'worker' ? WORKER : '')
    },
    { guards },
  )
  const open = upgradeSession(sessions, { guards })
  const server = createServer(testCertificate(), listener)
  server.on('upgrade', async (request, socket) => {
    note('socket', (await open(request)).subject, request.headers['sec-ch-ua'])
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const drifts = async () => {
    await sessions.events.drained()
    return events.filter(({ type }) => type === 'traits.drifted')
  }
  return { origin: `https://localhost:${(server.address() as AddressInfo).port}`, came, drifts }
}

it('pictures, scripts, frames, beacons, downloads, workers and sockets of one browser are one client, where any change would end the session', async () => {
  const { origin, came, drifts } = await strictest()
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.goto(`${origin}/login`)
  const missing = () => Object.keys(KINDS).filter((kind) => !came.has(kind))
  // A browser on a busy machine now and then leaves a request out.
  for (let visits = 0; visits < 5 && missing().length > 0; visits++) {
    await page.goto(`${origin}/`)
    await expect
      .poll(missing, { timeout: 5000 })
      .toEqual([])
      .catch(() => {})
  }
  expect(missing()).toEqual([])
  await page.goto(`${origin}/seen`)

  expect(await drifts()).toEqual([])
  expect([...came].filter(([, { isSignedIn }]) => !isSignedIn)).toEqual([])
  expect(JSON.parse((await page.textContent('body'))!)).toMatchObject({ state: 'active', seen: { os: 'Linux' } })
  // When this changes, what `observation.ts` says of browsers has to.
  expect(Object.fromEntries([...came].map(([kind, { hasHints }]) => [kind, hasHints]))).toEqual(KINDS)
})

it('a browser that becomes a phone is seen, and the session over', async () => {
  const { origin, drifts } = await strictest()
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.goto(`${origin}/login`)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Network.setUserAgentOverride', {
    userAgent: 'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36',
    userAgentMetadata: { platform: 'Android', platformVersion: '10', architecture: '', model: '', mobile: true },
  })
  await page.goto(`${origin}/seen`)

  expect(JSON.parse((await page.textContent('body'))!)).toMatchObject({ state: 'revoked' })
  expect(await drifts()).toHaveLength(1)
})
