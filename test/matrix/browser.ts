import { type CookieJar, cookieJar } from 'sojourn/testing'
import { type Answer, type Ask, ask } from '../http/support/servers.ts'

/** A person's browser: keeps cookies as browsers do, follows nothing by itself. */
export class Browser {
  readonly jar: CookieJar
  readonly #origin: string

  constructor(origin: string, jar: CookieJar = cookieJar()) {
    this.#origin = origin
    this.jar = jar
  }

  async get(path: string, options: Ask = {}): Promise<Answer> {
    const url = this.#origin + path
    const cookie = this.jar.header(url)
    // As a page of the site's own makes browsers send it.
    const site = options.method === undefined ? undefined : { 'sec-fetch-site': 'same-origin' }
    const answer = await ask(url, { ...options, headers: { ...(cookie && { cookie }), ...site, ...options.headers } })
    this.jar.store(url, answer.setCookies)
    return answer
  }

  post(path: string, options: Ask = {}): Promise<Answer> {
    return this.get(path, { ...options, method: 'POST' })
  }

  /** The session cookie's value, as a thief would take it. */
  get token(): string | undefined {
    return this.jar.cookies(`${this.#origin}/`).find(({ name }) => name.endsWith('sjn'))?.value
  }
}
