// The picture of an enrolment: it is the URI, and nothing of it needs more than the strictest Content Security Policy allows.
import { encode } from 'uqr'
import { expect, it } from 'vitest'
import { qrSvg } from '../../src/stepup/totp/qr.ts'
import { codes } from './codes-support.ts'

/** The dark squares that the paths draw. */
function drawn(svg: string): boolean[][] {
  const side = Number(svg.match(/viewBox="0 0 (\d+) \1"/)![1])
  const squares = Array.from({ length: side }, () => Array<boolean>(side).fill(false))
  const path = svg.match(/<path fill="#000" d="([^"]*)"/)![1]!
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
    squares[Number(y)]!.fill(true, Number(x), Number(x) + Number(length))
  // Nothing is drawn by any other command.
  expect(path.replaceAll(/M\d+ \d+h(\d+)v1h-\1z/g, '')).toBe('')
  return squares
}

it('the squares are those of the URI, inside the quiet zone of four', async () => {
  const { totp, signIn } = codes()
  const { uri, svg } = await totp.begin(await signIn(), { account: 'ada@example.org' })
  const squares = drawn(svg)
  const inside = squares.slice(4, -4).map((row) => row.slice(4, -4))

  expect(inside).toEqual(encode(uri, { ecc: 'M', border: 0 }).data)
  expect(squares.flat().filter(Boolean)).toHaveLength(inside.flat().filter(Boolean).length)
})

it('there is white under it, whatever the page’s colours are', async () => {
  const svg = await qrSvg('otpauth://totp/x', 'QR')
  const side = svg.match(/viewBox="0 0 (\d+)/)![1]

  expect(svg).toContain(`<path fill="#fff" d="M0 0h${side}v${side}H0z"/>`)
})

it('there is no script, style, handler, reference or foreign element in it', async () => {
  const svg = await qrSvg('otpauth://totp/x', '</title><script>alert(1)</script> onload="x" style=\'y\'')
  const markup = svg.replaceAll(/"[^"]*"/g, '""').replace(/<title>[^<]*<\/title>/, '<title></title>')
  const names = (pattern: RegExp) => [...new Set([...markup.matchAll(pattern)].map(([, name]) => name))]

  expect(names(/<\/?([^\s/>]+)/g)).toEqual(['svg', 'title', 'path'])
  expect(names(/\s([^\s=]+)=/g)).toEqual([
    'xmlns',
    'viewBox',
    'width',
    'height',
    'role',
    'aria-label',
    'shape-rendering',
    'fill',
    'd',
  ])
  expect(svg).toContain('&lt;script&gt;')
})

it('who cannot see it is told what it is', async () => {
  const svg = await qrSvg('otpauth://totp/x', 'QR-Code für deine App')

  expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="QR-Code für deine App"[^>]*><title>QR-Code für deine App<\/title>/)
})

it('a title may be handed in, and has a default', async () => {
  const { totp, signIn } = codes()
  const session = await signIn()
  const titled = await totp.begin(session, { account: 'ada', title: 'Scanne mich' })

  expect(titled.svg).toContain('<title>Scanne mich</title>')
  expect((await totp.begin(session, { account: 'ada' })).svg).toContain('<title>QR code for your authenticator app</title>')
})

it('the longest names there may be still fit', async () => {
  const { totp, signIn } = codes({ issuer: '界'.repeat(64), totp: { algorithm: 'SHA512', digits: 8 } })
  const { svg, uri } = await totp.begin(await signIn(), { account: '😀'.repeat(64) })

  expect([uri.length > 1000, svg.length > 1000]).toEqual([true, true])
})
