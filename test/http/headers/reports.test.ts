import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { parseReports } from '../../../src/http/headers.ts'

const legacy = {
  'csp-report': {
    'document-uri': 'https://shop.example/search?q=illness#x',
    'effective-directive': 'script-src-elem',
    'violated-directive': 'script-src-elem',
    'blocked-uri': 'https://evil.example/x.js?cookie=abc',
    'source-file': 'https://shop.example/app.js?v=1',
    'line-number': 7,
    disposition: 'enforce',
    referrer: 'https://mail.example/inbox',
    'script-sample': 'alert(document.cookie)',
  },
}
const modern = [
  {
    type: 'csp-violation',
    url: 'https://shop.example/me?id=1',
    user_agent: 'Mozilla',
    body: {
      documentURL: 'https://shop.example/me?id=1',
      effectiveDirective: 'style-src',
      blockedURL: 'inline',
      disposition: 'report',
    },
  },
  { type: 'coop', url: 'https://shop.example/', body: { disposition: 'enforce' } },
]

test('a report of report-uri, without query, referrer and sample', () => {
  expect(parseReports(JSON.stringify(legacy))).toEqual([
    {
      type: 'csp-violation',
      directive: 'script-src-elem',
      blocked: 'https://evil.example',
      page: '/search',
      source: '/app.js',
      line: 7,
      isEnforced: true,
    },
  ])
})

test('reports of the Reporting API', () => {
  expect(parseReports(JSON.stringify(modern))).toMatchObject([
    { type: 'csp-violation', directive: 'style-src', blocked: 'inline', page: '/me', isEnforced: false },
    { type: 'coop', directive: undefined, blocked: undefined, page: '/', isEnforced: true },
  ])
})

test.each([
  ['nothing', undefined],
  ['no JSON', '<script>'],
  ['a number', '7'],
  ['null', 'null'],
  ['a list of nonsense', '[1, null, "x", {}, [], {"type": "x"}, {"body": {}}]'],
  ['a report with a body that is none', '{"csp-report": "x"}'],
  ['a type that is none', '[{"type": "<b>", "body": {}}]'],
  ['a body over 64 KB', JSON.stringify({ ...legacy, more: 'x'.repeat(70_000) })],
  ['something deep', '['.repeat(30_000)],
])('%s gives no report', (_what, body) => {
  expect(parseReports(body)).toEqual([])
})

it('no more than 20 reports, and nothing long, comes of one body', () => {
  const evil = {
    ...modern[0],
    type: 'x'.repeat(500),
    body: { documentURL: `https://a/${'p'.repeat(600)}`, blockedURL: 'z'.repeat(300) },
  }
  const reports = parseReports(JSON.stringify(Array.from({ length: 30 }, () => evil)))

  expect(reports.length).toBe(20)
  expect(JSON.stringify(reports[0]).length).toBeLessThan(500)
})

it('never throws, and never repeats a query, whatever is posted', () => {
  const keys = fc.constantFrom(
    'csp-report',
    'body',
    'type',
    'url',
    'documentURL',
    'blocked-uri',
    'blockedURL',
    'lineNumber',
    '__proto__',
  )
  const values = fc.constantFrom(
    'https://a.example/x?secret=1',
    'data:text/html,secret',
    'inline',
    'csp-violation',
    '//secret',
    'x:secret',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(values, fc.jsonValue(), fc.array(tie('tree')), fc.dictionary(keys, tie('tree'))),
  }))

  fc.assert(
    fc.property(tree, (body) => {
      expect(JSON.stringify(parseReports(JSON.stringify(body)))).not.toContain('secret')
    }),
    { numRuns: 500 },
  )
})
