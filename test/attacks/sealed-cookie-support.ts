/** A site whose sessions are in their cookies: with a list of what was ended, or without. */
import type { WebSessionOptions } from '../../src/adapters/web.ts'
import { type CookieStoreOptions, cookieStore } from '../../src/stores/cookie.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import type { LooseOptions } from '../core/support.ts'
import { browser, COOKIE, ORIGIN, type Site, site } from './support.ts'

type Options = Omit<LooseOptions, 'store'> & { readonly http?: WebSessionOptions; readonly cookies?: CookieStoreOptions }

export const sealedSite = ({ http, cookies, ...options }: Options = {}): Site =>
  site({ ...options, store: faultyStore(cookieStore({ ledger: memoryStore(), ...cookies })) }, http)

export const sealedSiteWithoutLedger = (options: Omit<Options, 'cookies'> = {}): Site =>
  site({ ...options, store: faultyStore(cookieStore()) }, options.http)

/** A browser, and what a thief with a look into it takes: the whole `Cookie` header. */
export function visitor(shop: Site) {
  const each = browser(shop)
  const header = () => each.jar.header(ORIGIN) ?? ''
  const parts = () => Object.fromEntries(each.jar.cookies(ORIGIN).map(({ name, value }) => [name.slice(COOKIE.length), value]))
  return { ...each, header, parts }
}

/** Who the server takes whoever sends this header for. */
export async function whoSends(shop: Site, cookie: string): Promise<string | null> {
  return ((await (await shop.answer('/me', { headers: { cookie } })).json()) as { subject: string | null }).subject
}

/** Fills a session so that its cookie needs several parts. */
export async function fill(each: ReturnType<typeof visitor>, letters: string): Promise<number> {
  return (await each.visit('/data', { method: 'POST', body: JSON.stringify(letters) })).status
}

/** The header made of these parts. */
export const headerOf = (parts: Record<string, string>): string =>
  Object.entries(parts)
    .map(([suffix, value]) => `${COOKIE}${suffix}=${value}`)
    .join('; ')
