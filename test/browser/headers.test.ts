import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { nodeSession } from '../../src/adapters/node.ts'
import { cspNonce, type SecurityHeadersOptions, securityHeaders } from '../../src/http/headers.ts'
import { returnTo } from '../../src/http/input.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { setUp } from '../core/support.ts'
import { BYPASSES } from '../http/input/bypasses.ts'
import { type Listener, serve } from '../http/support/servers.ts'
import { launchBrowser } from './browser.ts'
import { originsOf, takeLoot } from './in-page.js'

let browser: Browser
beforeAll(async () => {
  browser = await launchBrowser()
})
afterAll(() => browser?.close())

const COOKIE = '__Host-sjn'

/** A shop over TLS with a page that repeats the query unescaped: the hole every test here begins with. */
async function startShop(options: SecurityHeadersOptions = {}, { asksNonce = true } = {}) {
  const { sessions } = setUp({ clock: fakeClock(Date.now()) })
  const open = nodeSession(sessions)
  const protect = securityHeaders(options)
  const posts: (string | undefined)[] = []
  const url = await serve(
    async (req, res) => {
      protect(req, res)
      const session = await open(req, res)
      const { pathname, searchParams } = new URL(req.url!, 'https://localhost')
      const injected = searchParams.get('q') ?? ''
      if (req.method === 'POST') posts.push(req.headers.origin)
      if (pathname === '/login') await session.signIn({ subject: 'ada', method: 'pwd' })
      if (pathname === '/logout') await session.signOut()
      if (pathname === '/go') {
        res.writeHead(303, { Location: returnTo(searchParams.get('next')) }).end()
        return
      }
      if (pathname === '/unsafe-go') {
        res.writeHead(303, { Location: searchParams.get('next')! }).end()
        return
      }
      if (pathname === '/me') {
        res.setHeader('Content-Type', 'application/json')
        res.end(JSON.stringify({ subject: session.subject ?? null }))
        return
      }
      if (pathname.endsWith('.js')) {
        res.setHeader('Content-Type', 'text/javascript')
        res.end(`document.body.dataset.${pathname.slice(1, -3)} = 'ran'`)
        return
      }
      const nonce = asksNonce ? cspNonce(res) : ''
      res.setHeader('Content-Type', 'text/html')
      res.end(`<!doctype html><title>Shop</title><body><h1>Shop</h1>${injected.replaceAll('OWN-NONCE', nonce)}
        <form method="post" action="/logout"><button>Sign out</button></form>
        <script nonce="${nonce}">document.body.dataset.inline = 'ran'</script>
        <script src="/file.js"></script><script nonce="${nonce}" src="/noncefile.js"></script>
        <script nonce="${nonce}">document.body.append(Object.assign(document.createElement('script'), { src: '/loaded.js' }))</script>`)
    },
    { tls: true },
  )
  return { url, sessions, posts }
}

async function newPage(): Promise<{ page: Page; console: string[]; asked: string[] }> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(10_000)
  const console: string[] = []
  const asked: string[] = []
  context.on('console', (message) => console.push(message.text()))
  context.on('request', (request) => asked.push(request.url()))
  return { page: await context.newPage(), console, asked }
}

const attribute = (page: Page, name: string) => page.locator('body').getAttribute(`data-${name}`)
const openSearch = (page: Page, url: string, markup: string) => page.goto(`${url}/?q=${encodeURIComponent(markup)}`)

describe('markup an attacker got into a page', () => {
  const RUN = "document.body.dataset.evil='ran'"
  const payloads: [string, string][] = [
    ['a script', `<script>${RUN}</script>`],
    ['a script with a nonce of another answer', `<script nonce="AAAAAAAAAAAAAAAAAAAAAAAA">${RUN}</script>`],
    ['a script with an empty nonce', `<script nonce="">${RUN}</script>`],
    ['an event handler', `<img src=x onerror="${RUN}"><svg onload="${RUN}"></svg>`],
    ['a script file of theirs', '<script src="https://127.0.0.1:1/evil.js"></script>'],
    ['a script in a URL', `<script src="data:text/javascript,${RUN}"></script>`],
    ['a document in a frame', `<iframe srcdoc="<script>parent.${RUN}</script>"></iframe>`],
    ['a frame with a script for an address', `<iframe src="javascript:parent.${RUN}"></iframe>`],
    ['an object', `<object data="data:text/html,<script>top.${RUN}</script>"></object>`],
  ]

  it.each(payloads)('%s does not run; ours do', async (_what, markup) => {
    const { url } = await startShop()
    const { page } = await newPage()
    await openSearch(page, url, markup)
    await page.locator('body[data-loaded][data-noncefile]').waitFor()

    expect(await attribute(page, 'evil')).toBeNull()
    expect([await attribute(page, 'inline'), await attribute(page, 'noncefile')]).toEqual(['ran', 'ran'])
    expect(await attribute(page, 'file'), 'with strict-dynamic a file needs the nonce too').toBeNull()
  })

  it('would run without the headers: the same page reports only', async () => {
    const { url } = await startShop({ reportOnly: true })
    const { page } = await newPage()
    await openSearch(page, url, payloads[0]![1])
    await page.locator('body[data-loaded]').waitFor()

    expect(await attribute(page, 'evil')).toBe('ran')
  })

  it('a link with a script for an address does nothing when it is clicked', async () => {
    const { url } = await startShop()
    const { page } = await newPage()
    await openSearch(page, url, `<a href="javascript:void(${RUN})">x</a>`)
    await page.getByText('x', { exact: true }).click()

    expect(await attribute(page, 'evil')).toBeNull()
  })

  it('a <base> does not move our own addresses, and a form of theirs does not take what is typed to them', async () => {
    const { url } = await startShop()
    const { page, asked, console } = await newPage()
    await openSearch(
      page,
      url,
      '<base href="https://127.0.0.1:1/"><form action="https://127.0.0.1:1/take"><button>Prize</button></form>',
    )
    await page.locator('body[data-loaded]').waitFor()
    await page.getByText('Prize').click({ noWaitAfter: true })
    await expect.poll(() => console.join()).toContain('form-action')

    expect(asked.filter((address) => !address.startsWith(url))).toEqual([])
  })

  it('a page that asks for no nonce runs its files and nothing inline', async () => {
    const { url } = await startShop({}, { asksNonce: false })
    const { page } = await newPage()
    await openSearch(page, url, payloads[0]![1])
    await page.locator('body[data-file]').waitFor()

    expect([await attribute(page, 'evil'), await attribute(page, 'inline'), await attribute(page, 'file')]).toEqual([
      null,
      null,
      'ran',
    ])
  })
})

describe('a page of another origin, that is the same site, so that the cookie travels', () => {
  const frameOf =
    (inner: string): Listener =>
    (_req, res) => {
      res.setHeader('Content-Type', 'text/html')
      res.end(`<!doctype html><title>Prize</title><iframe src="${inner}" style="width:300px;height:200px;opacity:0.01"></iframe>`)
    }
  async function clickInside(options: SecurityHeadersOptions, allowed?: (evil: string) => SecurityHeadersOptions) {
    let shopUrl = ''
    const evil = await serve((req, res) => frameOf(`${shopUrl}/`)(req, res), { tls: true })
    const shop = await startShop(allowed === undefined ? options : allowed(evil))
    shopUrl = shop.url
    const { page } = await newPage()
    await page.goto(`${shop.url}/login`)
    await page.goto(evil)
    const frame = page.frames().find((other) => other !== page.mainFrame())!
    const isShown = (await frame.content().catch(() => '')).includes('Sign out')
    await page.mouse.click(50, 101)
    // A browser passes over clicks into a frame that has only just appeared.
    const clickAgain = async () => {
      await page.mouse.click(50, 101)
      return shop.posts.length
    }
    if (isShown) await expect.poll(clickAgain, { interval: 200, timeout: 10_000 }).toBeGreaterThan(0)
    await page.goto(`${shop.url}/me`)
    return { isShown, hasPosted: shop.posts.length > 0, me: await page.locator('body').textContent() }
  }

  it('cannot show the page with the sign-out in a frame and have it clicked', async () => {
    expect(await clickInside({})).toMatchObject({ isShown: false, hasPosted: false, me: '{"subject":"ada"}' })
  })

  it('cannot while the policy is only reported either', async () => {
    expect(await clickInside({ reportOnly: true })).toMatchObject({ isShown: false, hasPosted: false, me: '{"subject":"ada"}' })
  })

  it('can when the policy names it: the click signs out, so the test above would see it', async () => {
    const shown = await clickInside({}, (evil) => ({ preset: 'embedded', directives: { 'frame-ancestors': [evil] } }))

    expect(shown).toMatchObject({ isShown: true, me: '{"subject":null}' })
  })
})

it('a script that does run in a page finds no token: not in cookies, storage, markup, addresses or answers', async () => {
  const { url } = await startShop({ dangerouslyAllowInlineScripts: true }, { asksNonce: false })
  const { page } = await newPage()
  await page.goto(`${url}/login`)
  await openSearch(page, url, `<script>addEventListener('load', () => (${takeLoot})())</script>`)
  await page.locator('body[data-loot]').waitFor({ state: 'attached' })
  const loot = (await attribute(page, 'loot'))!
  const cookies = await page.context().cookies()

  expect(cookies.map(({ name, httpOnly }) => [name, httpOnly])).toEqual([[COOKIE, true]])
  expect(loot).toContain('"subject":"ada"')
  expect(cookies.filter(({ value }) => loot.includes(value))).toEqual([])
  expect(loot).not.toMatch(/sjn1_|__Host-sjn|set-cookie/i)
  expect(loot.split('\n').slice(0, 6)).toEqual(['', '[]', '{}', '{}', '[]', '[]'])
})

describe('what the browser makes of the headers themselves', () => {
  it.each<[string, SecurityHeadersOptions]>([
    ['page', {}],
    ['api', { preset: 'api' }],
    ['embedded', { preset: 'embedded', directives: { 'frame-ancestors': ['https://portal.example'] } }],
    ['page with all there is', { reportTo: '/reports', embedderPolicy: 'require-corp', hsts: { includeSubDomains: true } }],
  ])('%s: it understands every word of them', async (_name, options) => {
    const protect = securityHeaders(options)
    const url = await serve(
      (req, res) => [protect(req, res), res.setHeader('Content-Type', 'text/html'), res.end('<h1>x</h1>')],
      {
        tls: true,
      },
    )
    const { page, console } = await newPage()
    await page.goto(url)

    expect(console.filter((line) => !line.includes('favicon'))).toEqual([])
  })

  it('a form of the page says where it comes from, so that the CSRF guard can tell; under no-referrer it would not', async () => {
    const origins = []
    for (const referrerPolicy of ['same-origin', 'no-referrer'] as const) {
      const { url, posts } = await startShop({ referrerPolicy })
      const { page } = await newPage()
      await page.goto(url)
      await page.getByText('Sign out').click()
      await expect.poll(() => posts.length).toBe(1)
      origins.push(posts[0] === url ? 'own' : posts[0])
    }

    expect(origins).toEqual(['own', 'null'])
  })

  it('JSON with markup in it, opened as a page of the api preset, runs nothing even if it is taken for HTML', async () => {
    const protect = securityHeaders({ preset: 'api' })
    const url = await serve(
      (req, res) => {
        protect(req, res)
        res.setHeader('Content-Type', 'text/html')
        res.end('{"name":"<img src=x onerror=document.title=1><script>document.title=1</script>"}')
      },
      { tls: true },
    )
    const { page } = await newPage()
    await page.goto(url)

    expect(await page.title()).toBe('')
  })
})

describe('an address to go on to', () => {
  test('of the known tricks this browser follows many away from the site, and none that returnTo lets through', async () => {
    const { url } = await startShop()
    const { page } = await newPage()
    await page.goto(url)
    const before = await page.evaluate(originsOf, BYPASSES)
    const after = await page.evaluate(
      originsOf,
      BYPASSES.map((value) => returnTo(value)),
    )

    expect(before.filter((origin) => origin !== url).length).toBeGreaterThan(40)
    expect(after.filter((origin) => origin !== url)).toEqual([])
  })

  test.each(['//HOST/', '/\\HOST/', '/\t/HOST/', '/..//HOST/', 'https:HOST/', '\\\\HOST/'])(
    '%j ends on the site',
    async (trick) => {
      const evil = await serve((_req, res) => res.end('evil'), { tls: true })
      const { url } = await startShop()
      const { page } = await newPage()
      const next = encodeURIComponent(trick.replace('HOST', evil.slice('https://'.length)))
      await page.goto(`${url}/go?next=${next}`)

      expect(page.url()).toBe(`${url}/`)
    },
  )

  test.each(['//HOST/', '/\\HOST/', '/\t/HOST/'])('without returnTo %j leads the browser away', async (trick) => {
    const evil = await serve((_req, res) => res.end('evil'), { tls: true })
    const { url } = await startShop()
    const { page } = await newPage()
    const next = encodeURIComponent(trick.replace('HOST', evil.slice('https://'.length)))
    await page.goto(`${url}/unsafe-go?next=${next}`)

    expect(page.url()).toBe(`${evil}/`)
  })
})
