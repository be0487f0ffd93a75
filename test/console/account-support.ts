/** A small site with the person's own page over `sojourn/web`, and its people's browsers. */
import { type WebSessionOptions, withSession } from '../../src/adapters/web.ts'
import { type AccountPagesOptions, accountPages } from '../../src/console/account-pages.ts'
import type { Session } from '../../src/core/session.ts'
import { browser as browserOf, ORIGIN } from '../attacks/support.ts'
import { type LooseOptions, setUp } from '../core/support.ts'

export const HOME = '/account/devices'
export const END = `${HOME}/end`
export const NOT_ME = `${HOME}/not-me`

/** Real user agents, shortened to what names are made of. */
export const AGENTS = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  phone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
  windows: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
} as const

export function accountSite(options: LooseOptions = {}, account: AccountPagesOptions = {}, http: WebSessionOptions = {}) {
  const service = setUp(options)
  const pages = accountPages(service.sessions, account)
  const respond = withSession(
    service.sessions,
    async (request, session: Session) => {
      const { pathname, searchParams } = new URL(request.url)
      if (pathname === '/login') {
        const due = searchParams.has('due') ? ('aal2' as const) : undefined
        await session.signIn({ subject: searchParams.get('as') ?? 'ada', method: 'pwd', ...(due && { due }) })
        return new Response('in')
      }
      if (pathname === '/prove') {
        await session.elevate({ method: 'pwd' })
        return new Response('proved')
      }
      if (pathname === '/me')
        return Response.json({ subject: session.subject ?? null, id: session.id ?? null, acr: session.acr, data: {} })
      return (await pages.web(request, session)) ?? new Response('the application', { status: 404 })
    },
    { stepUpPage: '/step-up', signInPage: '/login', ...http },
  )
  const answer = (path: string, init: RequestInit = {}) => respond(new Request(new URL(path, ORIGIN), init))
  return { ...service, pages, answer }
}
export type AccountSite = ReturnType<typeof accountSite>

/** A person's browser. */
export function person(target: AccountSite, agent: string = AGENTS.firefox) {
  const own = browserOf(target as never)
  const visit = (path: string, init: RequestInit = {}) =>
    own.visit(path, {
      ...init,
      redirect: 'manual',
      headers: {
        'user-agent': agent,
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        ...(init.headers as Record<string, string>),
      },
    })
  const text = async (path: string) => (await visit(path)).text()
  const send = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    visit(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers },
    })
  return {
    ...own,
    visit,
    text,
    send,
    async signIn(as = 'ada') {
      await visit(`/login?as=${as}`, { headers: { 'sec-fetch-site': 'same-origin' } })
      return (await own.me()).id!
    },
    prove: () => visit('/prove', { headers: { 'sec-fetch-site': 'same-origin' } }),
    /** Opens a page that asks, and presses the button of its form. */
    async press(path: string, headers: Record<string, string> = {}) {
      const asked = await text(path)
      return send(new URL(path, ORIGIN).pathname, fieldsOf(asked), headers)
    },
  }
}

/** What the first form of a page sends. */
export function fieldsOf(markup: string): Record<string, string> {
  const form = /<form[\s\S]*?<\/form>/.exec(markup)?.[0] ?? ''
  const inputs = [...form.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)]
  return Object.fromEntries(inputs.map(([, name, value]) => [name!, value!]))
}

/** Ids of the sessions in a page's list, in order. */
export function devicesIn(markup: string): string[] {
  return [...markup.matchAll(/data-session="([^"]+)"/g)].map(([, id]) => id!)
}

/** The words of a page, without its markup. */
export function wordsIn(markup: string): string {
  return markup
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
}
