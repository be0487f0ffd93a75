// The attacker has: a script that runs in a page of the site, whatever let it in.
// The attacker does: reads cookies, every answer the page can ask for, with all headers a script can see, and posts what others would believe.
// The attacker must not obtain: the session's token, or a nonce that lets the next page run another script. (In a browser: test/browser/headers.test.ts.)
import { describe, expect, it } from 'vitest'
import { withSession } from '../../src/adapters/web.ts'
import { cspNonce, parseReports, withSecurityHeaders } from '../../src/http/headers.ts'
import { setUp } from '../core/support.ts'
import { browser, ORIGIN, site } from './support.ts'

/** Fetch, "forbidden response-header name": these a script is never shown. */
const HIDDEN = ['set-cookie', 'set-cookie2']

describe('the token', () => {
  it('is in nothing a script can read of any answer, and in a cookie no script can read', async () => {
    const ada = browser(site())
    const answers = [await ada.visit('/login'), await ada.visit('/me'), await ada.visit('/rotate'), await ada.visit('/step-up')]
    const tokens = answers.flatMap((answer) => answer.headers.getSetCookie()).map((line) => /sjn1_[\w-]+/.exec(line)?.[0])
    const readable = await Promise.all(
      answers.map(async (answer) => {
        const headers = [...answer.headers].filter(([name]) => !HIDDEN.includes(name))
        return JSON.stringify(headers) + (await answer.text())
      }),
    )

    expect(tokens.length).toBeGreaterThanOrEqual(3)
    expect(readable.filter((text) => text.includes('sjn1_') || tokens.some((token) => text.includes(token!)))).toEqual([])
    expect(ada.jar.cookies(ORIGIN).filter(({ isHttpOnly }) => !isHttpOnly)).toEqual([])
  })
})

describe('the nonce', () => {
  const { sessions } = setUp()
  const respond = withSecurityHeaders(withSession(sessions, (request) => new Response(cspNonce(request))))
  const ask = async () => (await respond(new Request(ORIGIN))).text()

  it('of one answer is worth nothing in the next: one that was read is never used again', async () => {
    const nonces = await Promise.all(Array.from({ length: 200 }, ask))

    expect(new Set(nonces).size).toBe(200)
  })

  it('cannot be chosen by a request', async () => {
    const response = await respond(
      new Request(ORIGIN, { headers: { 'csp-nonce': 'evil', nonce: 'evil', 'content-security-policy': 'x' } }),
    )

    expect(response.headers.get('content-security-policy')).not.toMatch(/evil|\bx\b/)
  })
})

it('a made-up report carries neither markup nor a token into a log', () => {
  const evil = {
    'document-uri': `${ORIGIN}/?token=sjn1_secret`,
    'blocked-uri': '<script>',
    'effective-directive': '"><img>',
    disposition: '\r\n',
  }

  expect(parseReports(JSON.stringify({ 'csp-report': evil }))).toEqual([
    {
      type: 'csp-violation',
      directive: undefined,
      blocked: undefined,
      page: '/',
      source: undefined,
      line: undefined,
      isEnforced: undefined,
    },
  ])
})
