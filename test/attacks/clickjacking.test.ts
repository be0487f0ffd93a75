// The attacker has: a site of their own, on another origin or a sibling subdomain, that a signed-in person visits.
// The attacker does: lays the page with the sign-out, invisible, under something worth a click.
// The attacker must not obtain: a frame that shows any page of ours. (In a real browser: test/browser/headers.test.ts.)
import { describe, expect, it, test } from 'vitest'
import { withSession } from '../../src/adapters/web.ts'
import { type SecurityHeadersOptions, withSecurityHeaders } from '../../src/http/headers.ts'
import { setUp, thrownBy } from '../core/support.ts'
import { directivesOf } from '../http/headers/support.ts'

const asked = (path = '/logout') => new Request(`https://shop.example${path}`)
const framing = ({ headers }: Response) => [
  directivesOf(headers.get('content-security-policy') ?? '')['frame-ancestors'],
  headers.get('x-frame-options'),
]
const shopWith = (options: SecurityHeadersOptions<Request> = {}) => {
  const { sessions, store } = setUp()
  const respond = withSecurityHeaders(
    withSession(sessions, async (request, session) => {
      if (request.url.endsWith('/throws')) throw new Response('no', { status: 403 })
      if (request.url.endsWith('/in')) await session.signIn({ subject: 'ada', method: 'pwd' })
      return new Response('<form method=post action=/logout><button>Sign out</button></form>')
    }),
    options,
  )
  return { respond, store }
}

it('every page says that nobody may frame it, to browsers new and old', async () => {
  const { respond } = shopWith()

  for (const path of ['/logout', '/in', '/throws']) expect(framing(await respond(asked(path)))).toEqual([["'none'"], 'DENY'])
})

it('so does the answer while the store is away', async () => {
  const { respond, store } = shopWith()
  const cookie = (await respond(asked('/in'))).headers.getSetCookie()[0]!.split(';')[0]!
  store.setFaults({ read: { kind: 'error' } })
  const response = await respond(new Request(asked(), { headers: { cookie } }))

  expect([response.status, ...framing(response)]).toEqual([503, ["'none'"], 'DENY'])
})

describe.each<[string, SecurityHeadersOptions<Request>]>([
  ['a policy under trial', { reportOnly: true }],
  ['data', { preset: 'api' }],
  ['dangerous pages', { dangerouslyAllowInlineScripts: true, dangerouslyAllowEval: true }],
])('%s', (_what, options) => {
  it('is not framed either', async () => {
    expect(framing(await shopWith(options).respond(asked()))).toEqual([["'none'"], 'DENY'])
  })
})

test.each([['*'], ['https:'], ['http://*'], ['https://*:443']])('no configuration lets %s frame a page by accident', (source) => {
  const error = thrownBy(() => shopWith({ directives: { 'frame-ancestors': [source] } }))

  expect(error.code).toBe('ERR_CONFIG_INVALID')
})

it('an embedded page names who may frame it, and sends no X-Frame-Options that old browsers would read otherwise', async () => {
  const directives = { 'frame-ancestors': ['https://portal.example'] }

  expect(framing(await shopWith({ preset: 'embedded', directives }).respond(asked()))).toEqual([['https://portal.example'], null])
})
