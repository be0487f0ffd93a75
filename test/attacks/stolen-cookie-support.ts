/** A site with trait checks on, and clients with headers and addresses of their own. */
import { type TraitOptions, traitChecks } from '../../src/binding/traits.ts'
import { AGENTS, HINTS } from '../binding/traits/agents.ts'
import { mmdb } from '../binding/traits/mmdb.ts'
import type { LooseOptions } from '../core/support.ts'
import { COOKIE, type Site, site } from './support.ts'

/** Header in which the tests' platform tells the adapter where a request came from. */
const FROM = 'x-from'

export const AT_HOME = '198.51.100.7'
export const NEARBY = '203.0.113.9'
export const ABROAD = '192.0.2.66'

const countries = mmdb('Country', {
  '198.51.100.0/24': { country: { iso_code: 'NL' } },
  '203.0.113.0/24': { country: { iso_code: 'NL' } },
  '192.0.2.0/24': { country: { iso_code: 'BR' } },
})

export function guardedSite(traits: TraitOptions = {}, options: LooseOptions = {}): Site {
  return site(options, {
    guards: [traitChecks({ geo: { country: countries }, ...traits })],
    clientAddress: (request) => request.headers.get(FROM) ?? undefined,
  })
}

export const victimsBrowser = { 'user-agent': AGENTS.chromeWindows, ...HINTS.chromeWindows, [FROM]: AT_HOME }
export const thiefsBrowser = { 'user-agent': AGENTS.firefoxLinux, [FROM]: AT_HOME }
/** The victim's client in another place. */
export const at = (address: string) => ({ ...victimsBrowser, [FROM]: address })
/** The victim's user agent in a tool that sends nothing else. */
export const toolAt = (address: string) => ({ 'user-agent': AGENTS.chromeWindows, [FROM]: address })

/** One request with a token, as any client can make it. */
export async function ask({ answer }: Site, token: string, headers: Record<string, string>, path = '/me') {
  const response = await answer(path, { headers: { ...headers, cookie: `${COOKIE}=${token}` } })
  const [line] = response.headers.getSetCookie()
  const next = line?.startsWith(`${COOKIE}=sjn1`) ? line.slice(COOKIE.length + 1, line.indexOf(';')) : token
  const body =
    path === '/me' ? ((await response.json()) as { subject: string | null; acr: string }) : { subject: null, acr: 'aal0' }
  return { ...body, token: next, setCookies: response.headers.getSetCookie() }
}

/** The victim signs in, and the thief copies the cookie. */
export async function signIn({ answer }: Site, headers: Record<string, string> = victimsBrowser): Promise<string> {
  const response = await answer('/login?as=victim', { headers })
  const [line] = response.headers.getSetCookie()
  return line!.slice(COOKIE.length + 1, line!.indexOf(';'))
}
