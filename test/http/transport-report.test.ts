import fc from 'fast-check'
import { expect, it, test, vi } from 'vitest'
import type { RequestFacts } from '../../src/http/request-facts.ts'
import { type Refusal, Transport, transportError } from '../../src/http/transport.ts'
import { detailsOf, seenIn, TransportWarnings } from '../../src/http/transport-report.ts'

function facts(headers: Record<string, string>, peer: string | undefined = '203.0.113.9'): RequestFacts {
  return {
    method: 'GET',
    isEncrypted: false,
    peer,
    host: 'shop.example',
    authority: 'shop.example',
    path: '/',
    header: (name) => headers[name],
  }
}
const refusalOf = (given: RequestFacts) => new Transport({}).judge(given) as Refusal

it.each([
  [{}, undefined],
  [{ 'x-forwarded-proto': 'http' }, 'X-Forwarded-Proto: http'],
  [{ 'x-forwarded-proto': 'HTTPS , http' }, 'X-Forwarded-Proto: https, http'],
  [{ 'x-forwarded-proto': '' }, 'X-Forwarded-Proto: (nothing)'],
  [{ 'x-forwarded-proto': 'evil' }, 'X-Forwarded-Proto: (something else)'],
  [{ 'x-forwarded-proto': 'https,'.repeat(999) }, 'X-Forwarded-Proto: https, https, https, https, ...'],
  [{ 'x-forwarded-for': '203.0.113.9' }, 'no X-Forwarded-Proto; X-Forwarded-For with 1 entry'],
  [
    { 'x-forwarded-proto': 'http', 'x-forwarded-for': '1.1.1.1, 2.2.2.2' },
    'X-Forwarded-Proto: http; X-Forwarded-For with 2 entries',
  ],
  [{ 'x-forwarded-for': ','.repeat(5000) }, 'no X-Forwarded-Proto; X-Forwarded-For with over 32 entries'],
  [
    { forwarded: 'for=203.0.113.9;proto=https', 'front-end-https': 'on' },
    'no X-Forwarded-Proto; Forwarded, Front-End-Https (not read)',
  ],
])('of %j is said: %s', (headers, seen) => {
  expect(seenIn(facts(headers))).toBe(seen)
})

test('nothing a client writes gets into it but known words', () => {
  const header = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9:., \r\n-]{0,40}$/))
  const headers = fc.record({ 'x-forwarded-proto': header, 'x-forwarded-for': header, forwarded: header })
  const word = String.raw`(?:https?|wss?|on|off|\(nothing\)|\(something else\))`

  fc.assert(
    fc.property(headers, (given) => {
      const proto = new RegExp(`^X-Forwarded-Proto: ${word}(?:, ${word}){0,3}(?:, \\.\\.\\.)?; `)

      expect(seenIn(facts(given))!.replace(proto, '')).toMatch(
        /^X-Forwarded-For with (?:\d+|over 32) entr(?:y|ies); Forwarded \(not read\)$/,
      )
    }),
  )
})

test('the error names the header; the peer only in development, and only where it may be a proxy', () => {
  const behind = facts({ 'x-forwarded-proto': 'https' }, '172.18.0.3')
  const direct = facts({})
  const message = (given: RequestFacts, isDevelopment: boolean) =>
    transportError(refusalOf(given), detailsOf(refusalOf(given), given, isDevelopment)).message

  expect(message(behind, true)).toMatch(/Seen: X-Forwarded-Proto: https\. The peer is '172\.18\.0\.3'\. See/)
  expect(message(behind, false)).toMatch(/Seen: X-Forwarded-Proto: https\. See/)
  expect(message(direct, true)).not.toMatch(/Seen|peer is|203\.0/)
})

test('a peer that is no address is not shown', () => {
  const given = facts({ 'x-forwarded-proto': 'https' }, "x'\n<script>")

  expect(detailsOf(refusalOf(given), given, true)).toMatch(/The peer is an address that cannot be shown\.$/)
})

test('a reason is warned of once: whoever sends plain HTTP could else fill the terminal', () => {
  const warn = vi.fn()
  const warnings = new TransportWarnings(warn)
  const [direct, behind] = [facts({}), facts({ 'x-forwarded-proto': 'https' })]

  for (const given of [direct, behind, direct, behind]) warnings.refused(refusalOf(given), given)

  expect(warn.mock.calls.map(([sentence]) => /plain HTTP, without|forwarding header/.exec(sentence)?.[0])).toEqual([
    'plain HTTP, without',
    'forwarding header',
  ])
})
