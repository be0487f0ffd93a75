import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readProof, unquoted } from '../../../src/binding/dbsc/proof.ts'
import { skippedFor } from '../../../src/binding/dbsc/skipped.ts'
import { Device } from './device.ts'
import { BindingBrowser, boundSite } from './support.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value) ?? '').toString('base64url')
const device = new Device()

describe('a proof', () => {
  it('that is any text is read without an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (text) => {
        expect(await readProof(text)).toBeUndefined()
      }),
    )
  })

  it('whose parts are any JSON is read without an error, and what is read has the right types', async () => {
    const header = fc.record(
      { typ: fc.constantFrom('dbsc+jwt', 'jwt', 1), alg: fc.constantFrom('ES256', 'RS256', 'none', {}), jwk: fc.jsonValue() },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(header, fc.jsonValue(), fc.jsonValue(), async (protectedHeader, jti, more) => {
        const proof = await readProof(`${encode(protectedHeader)}.${encode({ jti, more })}.AAAA`)
        expect(proof === undefined || (typeof proof.challenge === 'string' && proof.key === undefined)).toBe(true)
      }),
    )
  })

  it('with members of prototypes in its key is none', async () => {
    for (const jwk of [
      '__proto__',
      'constructor',
      [],
      [1],
      { __proto__: device.jwk },
      { kty: 'EC', crv: 'P-256', x: ['x'], y: {} },
    ]) {
      const proof = await readProof(device.registration('challenge', { header: { jwk } }))
      expect([proof?.namesKey, proof?.key]).toEqual([true, undefined])
    }
  })

  it('costs no more for being long', async () => {
    const startedAt = performance.now()
    for (const text of ['.'.repeat(1e6), 'a'.repeat(1e6), `"${'\\'.repeat(1e6)}"`, `${'a.'.repeat(5e5)}`])
      expect(await readProof(text)).toBeUndefined()

    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

it('quotes are taken off in pairs only', () => {
  expect(['"a"', ' "a" ', 'a', '"a', 'a"', '"', '""', ''].map(unquoted)).toEqual(['a', 'a', 'a', '"a', 'a"', '"', '', ''])
})

it('Secure-Session-Skipped of any text is read without an error, and only known words come of it', () => {
  const parts = fc.constantFrom(
    'unreachable',
    'server_error',
    'quota_exceeded',
    ';',
    ',',
    '=',
    '"',
    'session_identifier',
    'ID',
    ' ',
    '\t',
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 60 }), (words) => {
      expect([undefined, 'unreachable', 'server_error', 'quota_exceeded']).toContain(skippedFor(words.join(''), 'ID'))
    }),
  )
})

it('headers that come twice are no two chances', async () => {
  const site = boundSite()
  const browser = new BindingBrowser(site)
  await browser.signIn()
  const proof = browser.device.refresh(browser.challenge!)
  const headers = new Headers({ 'sec-secure-session-id': browser.boundId! })
  headers.append('secure-session-response', 'garbage')
  headers.append('secure-session-response', proof)
  const twoIds = new Headers({ 'sec-secure-session-id': browser.boundId! })
  twoIds.append('sec-secure-session-id', browser.boundId!)

  const answers = [headers, twoIds].map((sent) => site.answer('/dbsc/refresh', { method: 'POST', headers: sent }))

  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([403, 400])
})
