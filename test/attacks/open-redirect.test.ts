// The attacker has: a link to our sign-in page with a `next` of their own, sent in a mail that people trust because of our name.
// The attacker does: every known way to make `next` look like a path and lead elsewhere.
// The attacker must not obtain: a redirect from our site to theirs, a script in place of an address, or a header of their own.
import { expect, it, test } from 'vitest'
import { returnTo } from '../../src/http/input.ts'
import { BYPASSES } from '../http/input/bypasses.ts'
import { ask, serve } from '../http/support/servers.ts'

const ORIGIN = 'https://shop.example'

test.each(BYPASSES)('%j leads to the front door', (evil) => {
  expect(returnTo(evil)).toBe('/')
})

it('a prefix or a suffix that looks like us does not help, nor do characters around it', () => {
  const around = ['', ' ', '\t', '\n', '\0', '\\', '/', '.', '/.', '/..', '%2f', '%5c', '@', '#', '?', '/a', '/a/..', ';']
  const left = around.flatMap((before) =>
    around.flatMap((after) => ['//evil.example', 'https://evil.example', '\\evil.example'].map((host) => before + host + after)),
  )
  const results = left.map((text) => returnTo(text))

  expect(results.filter((result) => new URL(result, ORIGIN).origin !== ORIGIN || /^\/[/\\]/.test(result))).toEqual([])
  // What is left of the attempts is a query or a fragment, which no browser goes to.
  expect(results.filter((result) => result.split(/[?#]/)[0]!.includes('evil'))).toEqual([])
})

it('no header comes out of it on a real server', async () => {
  const base = await serve((req, res) => {
    const next = new URL(req.url!, ORIGIN).searchParams.get('next')
    res.writeHead(303, { Location: returnTo(next) }).end()
  })
  const evil = ['/a\r\nSet-Cookie: sid=evil', '/a%0d%0aSet-Cookie:%20sid=evil', '/\u010d\u010aSet-Cookie: sid=evil', '/a\u0000']
  const answers = await Promise.all(evil.map((next) => ask(`${base}/?next=${encodeURIComponent(next)}`)))

  expect(answers.map(({ headers, setCookies }) => [headers.location, setCookies])).toEqual(evil.map(() => ['/', []]))
})

it('neither does length: a value of a megabyte costs no time', () => {
  const long = ['/'.repeat(1_000_000), `/${'%2e'.repeat(300_000)}`, `/${'a/../'.repeat(200_000)}`]
  const before = performance.now()

  expect(long.map((text) => returnTo(text))).toEqual(['/', '/', '/'])
  expect(performance.now() - before).toBeLessThan(100)
})
