// OWASP ASVS 5.0.0, V3.2, V3.4 and V3.7: what an answer tells the browser, and where it sends it on.
import { describe, expect, it } from 'vitest'
import { withSession } from '../../../src/adapters/web.ts'
import { cspNonce, parseReports, type SecurityHeadersOptions, withSecurityHeaders } from '../../../src/http/headers.ts'
import { returnTo } from '../../../src/http/input.ts'
import { browser, ORIGIN, site } from '../../attacks/support.ts'
import { setUp } from '../../core/support.ts'
import { directivesOf } from '../../http/headers/support.ts'
import { BYPASSES } from '../../http/input/bypasses.ts'

async function headersOf(options: SecurityHeadersOptions<Request> = {}, handler = (_request: Request) => new Response('x')) {
  const { sessions } = setUp()
  const respond = withSecurityHeaders(
    withSession(sessions, (request) => handler(request)),
    options,
  )
  return (await respond(new Request(`${ORIGIN}/`))).headers
}
const cspOf = (headers: Headers) => directivesOf(headers.get('content-security-policy')!)

it('ASVS-3.2.1: data opened as a page is in a sandbox, of the type it says, and loads nothing', async () => {
  const headers = await headersOf({ preset: 'api' })

  expect(cspOf(headers)).toMatchObject({ sandbox: [], 'default-src': ["'none'"] })
  expect([headers.get('x-content-type-options'), headers.get('cross-origin-resource-policy')]).toEqual(['nosniff', 'same-origin'])
})

describe('ASVS-3.4.1: Strict-Transport-Security', () => {
  it('ASVS-3.4.1: is a year on every answer over TLS, with all subdomains where the application says so', async () => {
    const plain = await headersOf()
    const whole = await headersOf({ hsts: { includeSubDomains: true } })

    expect(plain.get('strict-transport-security')).toBe('max-age=31536000')
    expect(whole.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains')
  })
})

it('ASVS-3.4.2: no answer of ours allows another origin, whichever asks, and none sends a star', async () => {
  const ada = browser(site())
  const paths = ['/login', '/me', '/rotate', '/logout', '/nowhere']
  const origins = ['https://evil.example', 'null', ORIGIN]
  const answers = await Promise.all(
    paths.flatMap((path) =>
      origins.flatMap((origin) => [
        ada.visit(path, { headers: { origin } }),
        ada.visit(path, { method: 'OPTIONS', headers: { origin } }),
      ]),
    ),
  )
  const allowing = answers.filter(({ headers }) => [...headers.keys()].some((name) => name.startsWith('access-control-')))
  const own = await headersOf()

  expect([allowing.length, answers.length]).toEqual([0, 30])
  expect([...own.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
})

it('ASVS-3.4.3: the policy has no plugins, no <base>, its own files, and a nonce of its own in each answer that asks', async () => {
  const quiet = cspOf(await headersOf())
  const nonces = await Promise.all(
    [1, 2].map(async () => cspOf(await headersOf({}, (request) => new Response(cspNonce(request))))),
  )

  expect(quiet).toMatchObject({
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'script-src': ["'self'"],
    'default-src': ["'self'"],
  })
  expect(nonces[0]!['script-src']!.join()).toMatch(/'nonce-[\w-]{24}'/)
  expect(nonces[0]!['script-src']).not.toEqual(nonces[1]!['script-src'])
})

it('ASVS-3.4.4: every answer says nosniff', async () => {
  for (const preset of ['page', 'api'] as const) {
    expect((await headersOf({ preset })).get('x-content-type-options')).toBe('nosniff')
  }
})

it('ASVS-3.4.5: no other site learns an address of ours from a browser', async () => {
  expect((await headersOf()).get('referrer-policy')).toBe('same-origin')
  expect((await headersOf({ preset: 'api' })).get('referrer-policy')).toBe('no-referrer')
})

it('ASVS-3.4.6: every answer says who may frame it: nobody, or those the application names', async () => {
  expect(cspOf(await headersOf())['frame-ancestors']).toEqual(["'none'"])
  expect(cspOf(await headersOf({ reportOnly: true }))['frame-ancestors']).toEqual(["'none'"])
  expect(cspOf(await headersOf({ preset: 'api' }))['frame-ancestors']).toEqual(["'none'"])
})

it('ASVS-3.4.7: the policy says where its violations are reported, and a report can be read', async () => {
  const headers = await headersOf({ reportTo: '/reports' })
  const body = JSON.stringify([{ type: 'csp-violation', body: { effectiveDirective: 'img-src', documentURL: `${ORIGIN}/a` } }])

  expect(cspOf(headers)).toMatchObject({ 'report-to': ['reports'], 'report-uri': ['/reports'] })
  expect(headers.get('reporting-endpoints')).toBe('reports="/reports"')
  expect(parseReports(body)).toMatchObject([{ directive: 'img-src', page: '/a' }])
})

it('ASVS-3.4.8: a document shares its browsing context group with its own origin only', async () => {
  expect((await headersOf()).get('cross-origin-opener-policy')).toBe('same-origin')
})

it('ASVS-3.7.2: a redirect leads to a path of this site, or to an origin that is listed', () => {
  const allowedOrigins = ['https://account.example']

  expect(BYPASSES.filter((value) => returnTo(value) !== '/')).toEqual([])
  expect(returnTo('https://account.example/me', { allowedOrigins })).toBe('https://account.example/me')
  expect(returnTo('https://account.example.evil.example/', { allowedOrigins })).toBe('/')
})

it('SMCS-13: an application that uses sojourn/headers sends HSTS', async () => {
  expect((await headersOf()).has('strict-transport-security')).toBe(true)
})
