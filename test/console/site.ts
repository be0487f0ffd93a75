/** A site with a console, people in it, and operators; the clock and chance are fake, the server and its cookies are real. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions, type Policy, type SojournEvent, type Store } from 'sojourn'
import { type ConsoleOptions, createConsole } from 'sojourn/console'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { type FakeClock, fakeClock } from 'sojourn/testing'
import { onTestFinished } from 'vitest'
import { testKey } from '../http/support/keys.ts'

export const OPERATORS = ['root-librarian', 'second-librarian']

export interface Site {
  readonly url: string
  readonly clock: FakeClock
  readonly events: SojournEvent[]
  readonly sessions: ReturnType<typeof createSessions>
  /** Signs somebody in and gives what their browser would send. */
  operator(subject?: string, methods?: string[]): Promise<Browser>
  close(): void
}

/** As far as a browser is needed: a cookie, and the headers that browsers write. */
export class Browser {
  readonly #url: string
  cookie: string

  constructor(url: string, cookie: string) {
    this.#url = url
    this.cookie = cookie
  }

  get(path: string, headers: Record<string, string> = {}): Promise<BrowserAnswer> {
    return this.#send(path, { headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate', ...headers } })
  }

  /** Posts the form of a page, as it is there. */
  async submit(page: string, action: string, more: Record<string, string> = {}) {
    const { text } = await this.get(page)
    const form = text.slice(text.indexOf(`action="${action}"`))
    const fields = [...form.slice(0, form.indexOf('</form>')).matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [name, unescaped(value)],
    )
    return this.post(action, { ...Object.fromEntries(fields), ...more })
  }

  post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    return this.#send(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: {
        accept: 'text/html',
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        origin: this.#url,
        ...headers,
      },
    })
  }

  /** Not by `fetch`, which says of itself that it is no page. */
  #send(path: string, init: { method?: string; body?: string; headers: Record<string, string> }): Promise<BrowserAnswer> {
    const headers = Object.fromEntries(
      Object.entries({ cookie: this.cookie, ...init.headers }).filter(([, value]) => value !== ''),
    )
    return new Promise((resolve, reject) => {
      const sent = request(this.#url + path, { method: init.method ?? 'GET', headers }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => {
          text += piece
        })
        response.on('end', () => {
          const given = new Headers()
          for (const [name, value] of Object.entries(response.headersDistinct))
            for (const one of value ?? []) given.append(name, one)
          const set = given.getSetCookie()[0]?.split(';')[0]
          if (set !== undefined) this.cookie = set
          resolve({ status: response.statusCode ?? 0, text, headers: given })
        })
      })
      sent.on('error', reject)
      sent.end(init.body)
    })
  }
}

interface BrowserAnswer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

const unescaped = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')

interface SiteOptions {
  readonly console?: Partial<ConsoleOptions>
  readonly policy?: Policy
  readonly store?: Store
  /** The adapter looks away: the console's own rules are all there is. */
  readonly dangerouslyDisableCsrf?: boolean
  /** Default `fakeClock()`. */
  readonly clock?: FakeClock
}

export async function startSite({
  console: given,
  policy,
  store = memoryStore(),
  clock = fakeClock(),
  dangerouslyDisableCsrf = false,
}: SiteOptions = {}): Promise<Site> {
  const events: SojournEvent[] = []
  const sessions = createSessions({
    store,
    clock,
    keys: testKey(),
    onEvent: (event) => events.push(event),
    ...(policy === undefined ? {} : { policy }),
  })
  const operators = createConsole(sessions, {
    allows: ({ subject }) => OPERATORS.includes(subject ?? ''),
    product: 'Reading Room',
    ...given,
  })
  const listener = withSession(
    sessions,
    async (req, res, session) => {
      if (await operators.node(req, res, session)) return
      const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost')
      if (req.method === 'POST' && pathname === '/login') {
        await session.signIn({ subject: searchParams.get('subject') ?? '', method: searchParams.getAll('method') })
        res.writeHead(204).end()
      } else res.writeHead(200, { 'content-type': 'text/plain' }).end(`page ${pathname}`)
    },
    { dangerouslyAllowHttp: true, dangerouslyDisableCsrf, stepUpPage: '/step-up', signInPage: '/login' },
  )
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const close = () => {
    operators.close()
    server.close()
    server.closeAllConnections()
  }
  return {
    url,
    clock,
    events,
    sessions,
    close,
    async operator(subject = OPERATORS[0]!, methods = ['pwd', 'otp']) {
      const browser = new Browser(url, '')
      const query = new URLSearchParams([['subject', subject], ...methods.map((method): [string, string] => ['method', method])])
      await browser.post(`/login?${query}`, {})
      return browser
    },
  }
}

/** The same, closed when the test is over. */
export async function siteFor(options: SiteOptions = {}): Promise<Site> {
  const site = await startSite(options)
  onTestFinished(() => site.close())
  return site
}

/** Names and devices that try to be more than that. */
export const HOSTILE = {
  subject: '<script>alert("subject")</script>',
  device: `"><img src=x onerror=alert(1)>\u202E<b>${'W'.repeat(980)}`,
  reversed: '\u202Egnp.exe\u0000\u2028',
}
