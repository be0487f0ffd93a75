import { expect, it } from 'vitest'
import { AssuranceError } from '../../src/core/errors.ts'
import { assurancePages, stepUpLocation } from '../../src/http/assurance-pages.ts'
import { errorResponse } from '../../src/http/error-response.ts'
import { refuseUpgrade } from '../../src/http/node.ts'
import { thrownBy } from '../core/support.ts'

const error = new AssuranceError({ acr: 'aal2', maxAge: 90_999, isSignedIn: true })
const pages = { stepUp: '/step-up', signIn: '/sign-in' }

function request(target: string, headers: Record<string, string> = {}, method = 'GET') {
  const all: Record<string, string> = { accept: 'text/html', ...headers }
  return { method, target, path: target.split('?')[0]!, authority: 'shop.example', header: (name: string) => all[name] }
}

it('seconds are cut, so that a client that keeps to them is early, never late', () => {
  expect(error.headers['WWW-Authenticate']).toContain('max_age="90"')
  expect(stepUpLocation(error, request('/a'), pages)).toBe('/step-up?acr=aal2&max_age=90&returnTo=%2Fa')
})

it('without an age there is none in the challenge, nor for an endless one', () => {
  for (const maxAge of [undefined, Number.POSITIVE_INFINITY]) {
    const any = new AssuranceError({ acr: 'aal3', maxAge, isSignedIn: true })

    expect(any.headers['WWW-Authenticate']).toBe('Bearer error="insufficient_user_authentication", acr_values="aal3"')
    expect(stepUpLocation(any, request('/'), pages)).toBe('/step-up?acr=aal3&returnTo=%2F')
  }
})

it('only the error that asks for more leads there', () => {
  expect(stepUpLocation(new Error('x'), request('/'), pages)).toBeUndefined()
  expect(stepUpLocation(undefined, request('/'), pages)).toBeUndefined()
  expect(stepUpLocation(error, request('/'), { stepUp: undefined, signIn: undefined })).toBeUndefined()
})

it.each([
  ['a program', { accept: 'application/json' }],
  ['a program that takes all', { accept: '*/*' }],
  ['a script', { 'sec-fetch-mode': 'cors' }],
  ['an image', { 'sec-fetch-mode': 'no-cors' }],
  ['one whose Accept is a flood before it comes to HTML', { accept: `${'a/b,'.repeat(400)}text/html` }],
])('%s is not sent to a page', (_who, headers) => {
  expect(stepUpLocation(error, request('/', headers), pages)).toBeUndefined()
})

it.each([
  ['/a?b=c&d=%2F', '/a?b=c&d=%2F'],
  ['//evil.example', '/'],
  ['https://evil.example/', '/'],
  ['/a\\b', '/'],
  [`/${'x'.repeat(3000)}`, '/'],
])('who asked for %.20s comes back to %s', (target, back) => {
  const location = stepUpLocation(error, request(target), pages)!

  expect(new URLSearchParams(location.split('?')[1]).get('returnTo')).toBe(back)
})

it.each([
  ['https://shop.example/form?a=b', '/form?a=b'],
  ['https://evil.example/form', '/'],
  ['https://shop.example@evil.example/form', '/'],
  ['https://shop.example//evil.example', '/'],
  ['nonsense', '/'],
  ['', '/'],
])('a form on %s leads back to %s', (referer, back) => {
  const location = stepUpLocation(error, request('/pay', { referer }, 'POST'), pages)!

  expect(new URLSearchParams(location.split('?')[1]).get('returnTo')).toBe(back)
})

it('pages are paths of this site, or the adapter does not start', () => {
  for (const page of ['step-up', '//evil.example', 'https://evil.example/', '/a?b', '/a b', '/a\\b', 4 as never, '']) {
    expect(thrownBy(() => assurancePages({ stepUpPage: page }, [])).code).toBe('ERR_CONFIG_INVALID')
    expect(thrownBy(() => assurancePages({ signInPage: page }, [])).code).toBe('ERR_CONFIG_INVALID')
  }
})

it('the adapter’s own page goes before that of a guard', () => {
  expect(assurancePages({}, [{}, { stepUpPage: '/b' }])).toEqual({ stepUp: '/b', signIn: '/b' })
  expect(assurancePages({ stepUpPage: '/a' }, [{ stepUpPage: '/b' }])).toEqual({ stepUp: '/a', signIn: '/a' })
})

it.each([
  [Number.NaN, ''],
  [-5000, ', max_age="0"'],
  [999, ', max_age="0"'],
  [1000, ', max_age="1"'],
])('an age of %d is written as %j', (maxAge, written) => {
  const any = new AssuranceError({ acr: 'aal1', maxAge, isSignedIn: true })

  expect(any.headers['WWW-Authenticate']).toBe(`Bearer error="insufficient_user_authentication", acr_values="aal1"${written}`)
})

it('the answer to a program has the challenge, and says nothing else of the error', () => {
  const { status, headers, body } = errorResponse(error, 'application/json')

  expect([status, headers['WWW-Authenticate']]).toEqual([
    401,
    'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="90"',
  ])
  expect(JSON.parse(body)).toEqual({ status: 401, error: 'Unauthorized' })
})

it('the answer to a page is a redirect that no cache keeps', () => {
  expect(errorResponse(error, 'text/html', '/step-up?acr=aal2')).toMatchObject({
    status: 303,
    headers: { Location: '/step-up?acr=aal2', 'Cache-Control': 'no-store' },
  })
})

it('a socket that is not opened is told the same', () => {
  const written: string[] = []
  const socket = { on: () => {}, end: (text: string) => written.push(text) }

  refuseUpgrade(error, { headers: {} } as never, socket as never)

  expect(written[0]).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
  expect(written[0]).toContain('WWW-Authenticate: Bearer error="insufficient_user_authentication"')
})
