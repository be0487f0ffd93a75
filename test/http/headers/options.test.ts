import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FEATURES } from '../../../src/http/headers/permissions.ts'
import { type SecurityHeadersOptions, securityHeaders } from '../../../src/http/headers.ts'
import { thrownBy } from '../../core/support.ts'
import { answerWith, directivesOf } from './support.ts'

const refused = (options: unknown) => thrownBy(() => securityHeaders(options as SecurityHeadersOptions))
const csp = (directives: unknown, more: object = {}) => ({ directives, ...more }) as SecurityHeadersOptions
const cspOf = async (options: SecurityHeadersOptions) =>
  directivesOf((await answerWith(options)).headers['content-security-policy'] as string)

describe('refused at start-up', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['an unknown option', { frameAncestors: [] }, /no option "frameAncestors"/],
    ['a preset there is not', { preset: 'strict' }, /preset is none of page/],
    ['a policy as text', { directives: "default-src 'self'" }, /directives is no object/],
    ['a misspelt directive', csp({ 'script-scr': [] }), /"script-scr" is no directive/],
    ['a directive in camel case', csp({ scriptSrc: [] }), /"scriptSrc" is no directive/],
    ['__proto__ as a directive', csp(JSON.parse('{"__proto__": ["x"]}')), /no directive/],
    ['a source as text', csp({ 'img-src': "'self'" }), /img-src is no list/],
    ['a source that is no text', csp({ 'img-src': [1] }), /img-src/],
    ['an empty source', csp({ 'img-src': [''] }), /img-src/],
    ['two sources in one', csp({ 'img-src': ['a.example b.example'] }), /img-src/],
    ['self without quotes', csp({ 'img-src': ['self'] }), /without quotes.*expected "'self'"/],
    ['unsafe-inline without quotes', csp({ 'script-src': ['unsafe-inline'] }), /without quotes/],
    ['a nonce without quotes', csp({ 'script-src': ['nonce-abc'] }), /without quotes/],
    ['a keyword there is not', csp({ 'script-src': ["'slef'"] }), /unknown keyword/],
    ['a fixed nonce', csp({ 'script-src': ["'nonce-abcdef'"] }), /fixed nonce/],
    ['a malformed hash', csp({ 'script-src': ["'sha256-x'"] }), /malformed hash/],
    ['none beside others', csp({ 'img-src': ["'none'", 'a.example'] }), /'none' beside/],
    ['unsafe-inline', csp({ 'script-src': ["'unsafe-inline'"] }), /dangerouslyAllowInlineScripts/],
    ['unsafe-inline for styles', csp({ 'style-src': ["'UNSAFE-INLINE'"] }), /dangerouslyAllowInlineStyles/],
    ['unsafe-hashes', csp({ 'script-src': ["'unsafe-hashes'"] }), /dangerouslyAllowInlineScripts/],
    ['unsafe-eval', csp({ 'script-src': ["'unsafe-eval'"] }), /dangerouslyAllowEval/],
    ['scripts from anywhere', csp({ 'script-src': ['*'] }), /anybody/],
    ['scripts from any https host', csp({ 'script-src': ['https:'] }), /anybody/],
    ['scripts from any host, said long', csp({ 'script-src': ['https://*'] }), /anybody/],
    ['scripts in URLs', csp({ 'script-src': ['data:'] }), /anybody/],
    ['everything from anywhere', csp({ 'default-src': ['*'] }), /anybody/],
    ['frames of anybody', csp({ 'frame-ancestors': ['*'] }), /any site could/],
    ['frames of any https site', csp({ 'frame-ancestors': ['https:'] }), /any site could/],
    ['no word on frames', csp({ 'frame-ancestors': false }), /frame-ancestors is missing/],
    ['no word on <base>', csp({ 'base-uri': false }), /base-uri is missing/],
    ['no word on scripts', csp({ 'default-src': false, 'script-src': false }), /any script would run/],
    ['an embedded page without sites', { preset: 'embedded' }, /frame-ancestors is missing/],
    ['an embedded page for nobody', { preset: 'embedded', directives: { 'frame-ancestors': [] } }, /no site may frame/],
    ['report-uri beside reportTo', csp({ 'report-uri': ['/x'] }), /expected the option reportTo/],
    ['a report address that ends the policy', { reportTo: '/x; script-src *' }, /reportTo/],
    ['a report address that ends the string', { reportTo: '/x"' }, /reportTo/],
    ['a report address over plain HTTP', { reportTo: 'http://a.example/x' }, /reportTo/],
    ['a report address of another host', { reportTo: '//a.example' }, /reportTo/],
    ['hsts in seconds', { hsts: { maxAge: 31_536_000 } }, /under a day/],
    ['hsts without a number', { hsts: { maxAge: '1y' } }, /under a day/],
    ['hsts, misspelt', { hsts: { includeSubdomains: true } }, /no option "includeSubdomains"/],
    ['preload alone', { hsts: { preload: true } }, /preload needs/],
    ['preload for a month', { hsts: { preload: true, includeSubDomains: true, maxAge: 30 * 86_400_000 } }, /preload needs/],
    ['a referrer policy that leaks', { referrerPolicy: 'unsafe-url' }, /referrerPolicy is none of/],
    ['a resource policy there is not', { resourcePolicy: false }, /resourcePolicy is none of/],
    ['a header in an opener policy', { openerPolicy: 'same-origin\r\nX: y' }, /openerPolicy is none of/],
    ['a feature there is not', { permissions: { cammera: [] } }, /"cammera" is no feature/],
    ['a feature for something that is no origin', { permissions: { camera: ['maps.example'] } }, /no origin/],
    ['a feature for an origin with a quote', { permissions: { camera: ['https://a.example")'] } }, /no origin/],
    ['a feature for an origin and a header', { permissions: { camera: ['https://a.example\r\nX: y'] } }, /no origin/],
    ['a feature as text', { permissions: { camera: 'self' } }, /no list/],
  ]
  it.each(wrong)('%s', (_what, options, message) => {
    const error = refused(options)

    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
    expect(error.message).toMatch(message)
    expect(error.message).toContain('docs/guide/headers.md')
    expect(error.message).not.toMatch(/[\r\n]/)
  })

  it('any source with a mark that ends a directive, a list or a header, wherever it stands', () => {
    const mark = fc.constantFrom(';', ',', '\n', '\r', ' ', '\t', '\0', '\u2028', 'é', '\x7f')
    const around = fc.string({ maxLength: 5 })
    const name = fc.constantFrom('default-src', 'script-src', 'img-src', 'frame-ancestors', 'sandbox', 'trusted-types')

    fc.assert(
      fc.property(name, around, mark, around, (directive, before, evil, after) => {
        expect(refused(csp({ [directive]: [`a${before}${evil}${after}`] })).message).toContain(directive)
      }),
    )
  })
})

it('whatever is accepted as a source changes its own directive and nothing else', async () => {
  const part = fc.constantFrom('a', '-', '.', ':', '/', '*', "'", 'https://', 'self', 'none', '\\', '"', '%', '0', '@', '?', '#')
  const source = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
  const accepted: string[] = []
  fc.assert(
    fc.property(source, (text) => {
      try {
        securityHeaders({ directives: { 'img-src': [text] } })
        accepted.push(text)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' })
      }
    }),
    { numRuns: 2000 },
  )

  expect(accepted.filter((text) => /[\s;,\\"?#]|^(?:self|none)$/.test(text))).toEqual([])
  expect(accepted.length).toBeGreaterThan(20)
})

describe('accepted', () => {
  it('a list replaces that of the preset, false removes it, an empty list stands for none', async () => {
    const directives = await cspOf(csp({ 'img-src': ['https://cdn.example'], 'form-action': [], 'style-src': false }))

    expect(directives).toMatchObject({ 'img-src': ['https://cdn.example'], 'form-action': ["'none'"], 'default-src': ["'self'"] })
    expect(directives).not.toHaveProperty('style-src')
  })

  it.each([
    "'self'",
    "'strict-dynamic'",
    "'wasm-unsafe-eval'",
    "'report-sample'",
    "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='",
    'https://cdn.example',
    'cdn.example:8443',
    '*.cdn.example',
    'https://cdn.example/lib/app.js',
    'http://[::1]:3000',
  ])('%s as a source of scripts', async (source) => {
    expect((await cspOf(csp({ 'script-src': [source] })))['script-src']).toEqual([source])
  })

  it('trusted types, as the demo uses them', async () => {
    const directives = await cspOf(csp({ 'require-trusted-types-for': ["'script'"], 'trusted-types': ["'none'"] }))

    expect(directives).toMatchObject({ 'require-trusted-types-for': ["'script'"], 'trusted-types': ["'none'"] })
  })

  it('what is dangerous, by its name', async () => {
    const directives = await cspOf({
      dangerouslyAllowInlineScripts: true,
      dangerouslyAllowInlineStyles: true,
      dangerouslyAllowEval: true,
    })

    expect(directives['script-src']).toEqual(["'self'", "'unsafe-eval'", "'unsafe-inline'"])
    expect(directives['style-src']).toEqual(["'self'", "'unsafe-inline'"])
  })

  it('an embedded page names its sites, or anybody, and sends no X-Frame-Options, which knows no list', async () => {
    const options = {
      preset: 'embedded',
      directives: { 'frame-ancestors': ['https://portal.example', 'https://b.example'] },
    } as const
    const { headers } = await answerWith(options)

    expect(directivesOf(headers['content-security-policy'] as string)['frame-ancestors']).toEqual([
      'https://b.example',
      'https://portal.example',
    ])
    expect([headers['x-frame-options'], headers['cross-origin-resource-policy']]).toEqual([undefined, 'cross-origin'])
    expect((await cspOf(csp({ 'frame-ancestors': ['*'] }, { preset: 'embedded' })))['frame-ancestors']).toEqual(['*'])
  })

  it('permissions over the refused ones, in the notation of the header', async () => {
    const { headers } = await answerWith({
      permissions: { camera: ['self', 'https://meet.example'], fullscreen: ['*'], usb: false, 'web-share': [] },
    })

    expect(String(headers['permissions-policy']).split(', ').toSorted()).toEqual(
      [
        'camera=(self "https://meet.example")',
        'display-capture=()',
        'fullscreen=*',
        'geolocation=()',
        'hid=()',
        'microphone=()',
        'midi=()',
        'payment=()',
        'serial=()',
        'web-share=()',
      ].toSorted(),
    )
    expect(FEATURES.length).toBeGreaterThan(30)
  })
})

describe('reports', () => {
  it('an endpoint is named in the policy, for old browsers too, and for the opener', async () => {
    const { headers } = await answerWith({ reportTo: '/reports' })
    const directives = directivesOf(headers['content-security-policy'] as string)

    expect(headers['reporting-endpoints']).toBe('reports="/reports"')
    expect([directives['report-to'], directives['report-uri']]).toEqual([['reports'], ['/reports']])
    expect(headers['cross-origin-opener-policy']).toBe('same-origin; report-to="reports"')
  })

  it('report-only forbids nothing but foreign frames', async () => {
    const { headers } = await answerWith({ reportOnly: true, reportTo: '/reports', embedderPolicy: 'require-corp' })

    expect(directivesOf(headers['content-security-policy'] as string)).toEqual({ 'frame-ancestors': ["'none'"] })
    expect(directivesOf(headers['content-security-policy-report-only'] as string)).toMatchObject({ 'script-src': ["'self'"] })
    expect([headers['cross-origin-opener-policy'], headers['cross-origin-embedder-policy']]).toEqual([undefined, undefined])
    expect(headers['cross-origin-opener-policy-report-only']).toBe('same-origin; report-to="reports"')
    expect(headers['cross-origin-embedder-policy-report-only']).toBe('require-corp; report-to="reports"')
  })
})
