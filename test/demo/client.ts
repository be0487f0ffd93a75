/** A browser without windows: keeps cookies, follows nothing, remembers what it was told. */
import { Secret, TOTP } from 'otpauth'
import { SEEDED } from '../../demo/people.ts'

export const SECOND = { name: 'edith', password: 'edith likes plain words' } as const

/** What an authenticator app with this key shows. @param step - 1 is the code that comes next, which counts already; -1 the one before. */
export function codeOf(key: string, step = 0): string {
  return TOTP.generate({ secret: Secret.fromBase32(key), timestamp: Date.now() + step * 30_000 })
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: unknown
  readonly location: string | null
}

interface Sent {
  readonly method?: string
  readonly json?: unknown
  readonly form?: Record<string, string>
  readonly headers?: Record<string, string>
  readonly body?: string
}

export class Client {
  readonly #base: string
  readonly #cookies = new Map<string, string>()
  /** Every token this client was ever given. */
  readonly tokens = new Set<string>()
  /** Everything it was told outside `Set-Cookie`. */
  readonly heard: string[] = []

  constructor(base: string, cookies: ReadonlyMap<string, string> = new Map()) {
    this.#base = base
    this.#cookies = new Map(cookies)
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies
  }

  /** The same cookies, sent to another process. */
  at(base: string): Client {
    return new Client(base, this.#cookies)
  }

  /** A program: asks for JSON. */
  api(path: string, sent: Sent = {}): Promise<Answer> {
    return this.send(path, { ...sent, headers: { accept: 'application/json', ...sent.headers } })
  }

  /** A person: asks for pages, and says where the request began, as browsers do. */
  page(path: string, sent: Sent = {}): Promise<Answer> {
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-site': 'same-origin' }
    return this.send(path, { ...sent, headers: { ...headers, ...sent.headers } })
  }

  async send(path: string, { method, json, form, headers = {}, body }: Sent): Promise<Answer> {
    const sent = new Headers(headers)
    if (this.#cookies.size > 0) sent.set('cookie', [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    if (json !== undefined) sent.set('content-type', 'application/json')
    const content = form ? new URLSearchParams(form) : json === undefined ? body : JSON.stringify(json)
    const response = await fetch(new URL(path, this.#base), {
      method: method ?? (content === undefined ? 'GET' : 'POST'),
      headers: sent,
      redirect: 'manual',
      ...(content === undefined ? {} : { body: content }),
    })
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
    const text = await response.text()
    const told = [...response.headers].filter(([name]) => name !== 'set-cookie')
    this.heard.push(text, ...told.map(([name, value]) => `${name}: ${value}`))
    const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
      location: response.headers.get('location'),
    }
  }

  signIn(username: string = SEEDED.names[0], password: string = SEEDED.password): Promise<Answer> {
    return this.api('/login', { json: { username, password } })
  }

  /** A second reader with nothing but a password: `grace` is asked for a code. Signs up where there is none yet. */
  async signInAsSecond(): Promise<Answer> {
    const answer = await this.signIn(SECOND.name, SECOND.password)
    return answer.status === 401 ? this.api('/signup', { json: { username: SECOND.name, password: SECOND.password } }) : answer
  }

  put(item: string, quantity: number, delayMs = 0): Promise<Answer> {
    return this.api(`/basket/${item}`, { method: 'PUT', json: { quantity, delayMs } })
  }

  async basket(): Promise<Record<string, number>> {
    const { json } = await this.api('/basket')
    return (json as { items: Record<string, number> }).items
  }

  #keep(cookie: string): void {
    const [pair = '', ...attributes] = cookie.split('; ')
    const name = pair.slice(0, pair.indexOf('='))
    const value = pair.slice(name.length + 1)
    if (attributes.some((attribute) => attribute.toLowerCase() === 'max-age=0')) this.#cookies.delete(name)
    else {
      this.#cookies.set(name, value)
      this.tokens.add(value)
    }
  }
}
