import { describe, expect, it } from 'vitest'
import { withSession } from '../../../src/adapters/web.ts'
import { cspNonce, withSecurityHeaders } from '../../../src/http/headers.ts'
import { setUp, thrownBy } from '../../core/support.ts'
import { answerWith, directivesOf } from './support.ts'

const request = (url = 'https://shop.example/') => new Request(url)

it('a Web response has the headers that a Node response has', async () => {
  const node = await answerWith({ isSecure: () => true })
  const web = await withSecurityHeaders(() => new Response('x'))(request())
  const names = [
    'content-security-policy',
    'strict-transport-security',
    'x-frame-options',
    'permissions-policy',
    'referrer-policy',
  ]

  expect(names.map((name) => web.headers.get(name))).toEqual(names.map((name) => node.headers[name]))
})

it('the handler’s response is not changed: it may be a constant, or one whose headers cannot change', async () => {
  const constant = new Response(null, { headers: { 'x-own': '1', 'x-powered-by': 'us' }, status: 404, statusText: 'Nothing' })
  const redirect = Response.redirect('https://shop.example/me', 303)
  const first = await withSecurityHeaders(() => constant)(request())
  const second = await withSecurityHeaders(() => redirect)(request())

  expect([...constant.headers.keys()]).toEqual(['x-own', 'x-powered-by'])
  expect([first.status, first.statusText, first.headers.get('x-own'), first.headers.get('x-powered-by')]).toEqual([
    404,
    'Nothing',
    '1',
    null,
  ])
  expect([second.status, second.headers.get('location'), second.headers.get('x-frame-options')]).toEqual([
    303,
    'https://shop.example/me',
    'DENY',
  ])
})

it('a header of the handler’s own stays, and so does what an inner wrapper says', async () => {
  const inner = withSecurityHeaders(() => Response.json({}, { headers: { 'referrer-policy': 'strict-origin' } }), {
    preset: 'api',
  })
  const { headers } = await withSecurityHeaders(inner)(request())

  expect(headers.get('referrer-policy')).toBe('strict-origin')
  expect(directivesOf(headers.get('content-security-policy')!)).toHaveProperty('sandbox')
})

it('a policy of the handler’s own forbids foreign frames too, unless it says who may', async () => {
  const policies = ["default-src 'none'", 'Frame-Ancestors https://portal.example']
  const answers = await Promise.all(
    policies.map((policy) =>
      withSecurityHeaders(() => new Response('x', { headers: { 'content-security-policy': policy } }))(request()),
    ),
  )

  expect(answers.map(({ headers }) => headers.get('content-security-policy'))).toEqual([
    "default-src 'none', frame-ancestors 'none'",
    'Frame-Ancestors https://portal.example',
  ])
})

it('Strict-Transport-Security is said over TLS only', async () => {
  const respond = withSecurityHeaders(() => new Response('x'))
  const behindProxy = withSecurityHeaders(() => new Response('x'), { isSecure: () => true })
  const answers = await Promise.all([
    respond(request()),
    respond(request('http://shop.example/')),
    behindProxy(request('http://a/')),
  ])

  expect(answers.map(({ headers }) => headers.get('strict-transport-security'))).toEqual([
    'max-age=31536000',
    null,
    'max-age=31536000',
  ])
})

it('further arguments of the platform reach the handler, and what it throws its caller', async () => {
  const respond = withSecurityHeaders((_request: Request, env: { name: string }) => {
    if (env.name === '') throw new Error('a bug')
    return new Response(env.name)
  })

  expect(await (await respond(request(), { name: 'ada' })).text()).toBe('ada')
  await expect(respond(request(), { name: '' })).rejects.toThrow('a bug')
})

describe('the nonce', () => {
  it('reaches a handler behind the session by its request, and the header of that answer alone', async () => {
    const { sessions } = setUp()
    const respond = withSecurityHeaders(
      withSession(sessions, async (asked, session) => {
        await session.signIn({ subject: 'ada', method: 'pwd' })
        return new Response(asked.url.endsWith('?nonce') ? cspNonce(asked) : '')
      }),
    )
    const [one, other] = await Promise.all([respond(request('https://shop.example/?nonce')), respond(request())])

    expect(one.headers.get('content-security-policy')).toContain(`'nonce-${await one.text()}'`)
    expect(one.headers.getSetCookie().length).toBe(1)
    expect(other.headers.get('content-security-policy')).not.toContain('nonce')
  })

  it('cannot be had once the headers are made, nor for a request nobody saw', async () => {
    const asked = request()
    await withSecurityHeaders(() => new Response('x'))(asked)

    expect([thrownBy(() => cspNonce(asked)), thrownBy(() => cspNonce(request()))]).toMatchObject([
      { code: 'ERR_ARGUMENT_INVALID' },
      { code: 'ERR_ARGUMENT_INVALID' },
    ])
  })
})
