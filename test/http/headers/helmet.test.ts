// helmet is the oracle: for equal settings each header means the same. Where the defaults differ, the table below says why.
import helmet, { type HelmetOptions } from 'helmet'
import { describe, expect, it, test } from 'vitest'
import type { SecurityHeadersOptions } from '../../../src/http/headers.ts'
import { ask, serve } from '../support/servers.ts'
import { answerWith, directivesOf, membersOf } from './support.ts'

async function helmetAnswer(options?: HelmetOptions) {
  const protect = helmet(options)
  return ask(await serve((req, res) => protect(req, res, () => res.end('x'))))
}

/** Equal in meaning: directives and members as sets, the rest as text in lower case. */
function meaning(name: string, value: unknown): unknown {
  const text = value as string | undefined
  if (text === undefined) return undefined
  if (name.startsWith('content-security-policy')) return directivesOf(text)
  return membersOf(text.toLowerCase(), name === 'strict-transport-security' ? /;/ : /,/)
}

const CSP = {
  'default-src': ["'self'"],
  'script-src': ["'self'", 'https://cdn.example'],
  'style-src': ["'self'", 'https:'],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'", 'https://pay.example:8443/path'],
  'frame-ancestors': ["'self'"],
  'upgrade-insecure-requests': true,
} as const
const HELMET_CSP = { useDefaults: false, directives: { ...CSP, 'upgrade-insecure-requests': [] } } as never

const equal: [string, string, SecurityHeadersOptions, HelmetOptions][] = [
  ['a whole policy', 'content-security-policy', { directives: CSP }, { contentSecurityPolicy: HELMET_CSP }],
  [
    'a policy that is only reported',
    'content-security-policy-report-only',
    { directives: CSP, reportOnly: true },
    { contentSecurityPolicy: { ...(HELMET_CSP as object), reportOnly: true } },
  ],
  [
    'a sandbox',
    'content-security-policy',
    { preset: 'api', directives: { sandbox: ['allow-forms', 'allow-scripts'] } },
    {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          objectSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
          sandbox: ['allow-scripts', 'allow-forms'],
        },
      },
    },
  ],
  ['a year of TLS', 'strict-transport-security', {}, { strictTransportSecurity: { includeSubDomains: false } }],
  [
    'two years of TLS for all subdomains, built in',
    'strict-transport-security',
    { hsts: { maxAge: 63_072_000_000, includeSubDomains: true, preload: true } },
    { strictTransportSecurity: { maxAge: 63_072_000, preload: true } },
  ],
  [
    'TLS taken back',
    'strict-transport-security',
    { hsts: { maxAge: 0 } },
    { strictTransportSecurity: { maxAge: 0, includeSubDomains: false } },
  ],
  ['no promise of TLS', 'strict-transport-security', { hsts: false }, { strictTransportSecurity: false }],
  ['no frame', 'x-frame-options', {}, { xFrameOptions: { action: 'deny' } }],
  ['a frame of one’s own', 'x-frame-options', { directives: { 'frame-ancestors': ["'self'"] } }, {}],
  ['nosniff', 'x-content-type-options', {}, {}],
  ['the own origin as opener', 'cross-origin-opener-policy', {}, {}],
  [
    'an opener with pop-ups',
    'cross-origin-opener-policy',
    { openerPolicy: 'same-origin-allow-popups' },
    { crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' } },
  ],
  ['no opener policy', 'cross-origin-opener-policy', { openerPolicy: false }, { crossOriginOpenerPolicy: false }],
  ['resources for oneself', 'cross-origin-resource-policy', {}, {}],
  [
    'resources for all',
    'cross-origin-resource-policy',
    { resourcePolicy: 'cross-origin' },
    { crossOriginResourcePolicy: { policy: 'cross-origin' } },
  ],
  ['no embedder policy', 'cross-origin-embedder-policy', {}, {}],
  [
    'an embedder policy',
    'cross-origin-embedder-policy',
    { embedderPolicy: 'require-corp' },
    { crossOriginEmbedderPolicy: { policy: 'require-corp' } },
  ],
  [
    'a credentialless one',
    'cross-origin-embedder-policy',
    { embedderPolicy: 'credentialless' },
    { crossOriginEmbedderPolicy: { policy: 'credentialless' } },
  ],
  ['an agent cluster of its own', 'origin-agent-cluster', {}, {}],
  ['no referrer', 'referrer-policy', { referrerPolicy: 'no-referrer' }, {}],
  [
    'the origin as referrer',
    'referrer-policy',
    { referrerPolicy: 'strict-origin' },
    { referrerPolicy: { policy: 'strict-origin' } },
  ],
]

test.each(equal)('%s is said as helmet says it (%s)', async (_what, name, ours, theirs) => {
  const [own, oracle] = await Promise.all([answerWith({ isSecure: () => true, ...ours }), helmetAnswer(theirs)])

  expect(meaning(name, own.headers[name])).toEqual(meaning(name, oracle.headers[name]))
})

describe('by default', () => {
  /** Each difference with its reason; `docs/guide/headers.md` has the same table. */
  const DIFFERENT: Record<string, string> = {
    'content-security-policy': 'no inline styles, no styles and fonts from any https host, no frame, no <base>',
    'strict-transport-security': 'subdomains are asked for: one without TLS could not be reached any more',
    'x-frame-options': 'DENY, as frame-ancestors says',
    'referrer-policy': 'no-referrer makes browsers send Origin: null with forms, which the CSRF guard refuses',
    'permissions-policy': 'helmet has none',
    'x-dns-prefetch-control': 'what it hides, the page’s own links show; browsers ask for links only where the page says so',
    'x-download-options': 'for Internet Explorer 8',
    'x-permitted-cross-domain-policies': 'for Flash and Acrobat, which read no such file any more',
    'x-xss-protection': 'no browser has the filter it switches off',
  }

  it('ours differ from helmet’s in these headers and no others', async () => {
    const [own, oracle] = await Promise.all([answerWith({ isSecure: () => true }), helmetAnswer()])
    const names = new Set([...Object.keys(own.headers), ...Object.keys(oracle.headers)])
    const different = [...names].filter((name) => {
      const [mine, theirs] = [meaning(name, own.headers[name]), meaning(name, oracle.headers[name])]
      return name !== 'date' && JSON.stringify(mine) !== JSON.stringify(theirs)
    })

    expect(different.toSorted()).toEqual(Object.keys(DIFFERENT).toSorted())
  })

  it('no directive of ours lets in what helmet’s keeps out', async () => {
    const [own, oracle] = await Promise.all([answerWith({}), helmetAnswer()])
    const mine = directivesOf(own.headers['content-security-policy'] as string)
    const theirs = directivesOf(oracle.headers['content-security-policy'] as string)
    const looser = Object.entries(theirs).filter(([name, sources]) => {
      // What these two say of theirs is said by another of ours: attributes by script-src, mixed content by 'self'.
      if (name === 'script-src-attr' || name === 'upgrade-insecure-requests') return false
      const ours = (mine[name] ?? mine['default-src'])!
      return ours.some((source) => source !== "'none'" && !sources.includes(source))
    })

    expect(looser).toEqual([])
  })
})
