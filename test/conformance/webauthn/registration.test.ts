// WebAuthn level 3, 7.1: what is verified when a passkey is registered, by the ids WA-R01 to WA-R10.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { FactorVault } from '../../../src/stepup/factor-vault.ts'
import { credentialIn } from '../../../src/stepup/passkeys/credential.ts'
import { RING } from '../../core/support.ts'
import { Authenticator, BE, BS, cbor, newKey, type Tampering, UP, UV } from '../../stepup/passkeys/authenticator.ts'
import { enrolled, ORIGIN, Person, passkeySite, type SiteOptions } from '../../stepup/passkeys/support.ts'

/** What becomes of one registration: `added`, or why not. */
async function outcome(
  tampering: Tampering,
  { authenticator = new Authenticator(), ...site }: SiteOptions & { authenticator?: Authenticator } = {},
) {
  const person = new Person(passkeySite(site), authenticator)
  await person.login()
  const { ok, reason } = await person.register(tampering)
  const { length } = await person.list()
  return ok && length === 1 ? 'added' : length === 0 ? reason : 'kept all the same'
}

const bom = (honest: Buffer) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), honest])

describe('registration', () => {
  it.each<[string, Tampering, string]>([
    ['as it comes', {}, 'added'],
    ['with a byte order mark', { clientBytes: bom }, 'added'],
    [
      'with members that nobody knows',
      { client: { other_keys_can_be_added_here: 'do not compare', tokenBinding: undefined } },
      'added',
    ],
    ['no UTF-8', { clientBytes: () => Buffer.from('{"type":"webauthn.create","x":"\xff"}', 'latin1') }, 'malformed'],
    ['no JSON', { clientBytes: () => Buffer.from('type=webauthn.create') }, 'malformed'],
    ['of an assertion', { client: { type: 'webauthn.get' } }, 'malformed'],
    ['of another type', { client: { type: 'Webauthn.create' } }, 'malformed'],
    ['of no type', { client: { type: undefined } }, 'malformed'],
  ])('WA-R01: client data %s', async (_what, tampering, expected) => {
    expect(await outcome(tampering)).toBe(expected)
  })

  it('WA-R02: the challenge is this ceremony’s, has 16 random bytes, counts once and for five minutes', async () => {
    const person = new Person(passkeySite())
    await person.login()
    const options = await person.registrationOptions()
    const other = await person.registrationOptions()
    const create = ({ challenge }: typeof options) => ({
      response: new Authenticator().create({ ...options, challenge }, ORIGIN),
    })
    const random = [options, other].map(({ challenge }) => Buffer.from(challenge, 'base64url').subarray(7, 23))

    expect(random[0]!.equals(random[1]!)).toBe(false)
    expect(options.timeout).toBe(minutes(5))
    for (const challenge of ['', 'AAAA', Buffer.alloc(39).toString('base64url'), (await person.signInOptions()).challenge])
      expect(await person.ask('/register', create({ ...options, challenge }))).toEqual({ ok: false, reason: 'challenge' })
    expect(await person.ask('/register', create(options))).toMatchObject({ ok: true })
    person.site.clock.advance(minutes(5))
    await person.login('bob')
    const late = await person.registrationOptions()
    person.site.clock.advance(minutes(5))
    expect(await person.ask('/register', create(late))).toEqual({ ok: false, reason: 'expired' })
  })

  it.each<[string, string, object, string]>([
    [ORIGIN, 'expected', {}, 'added'],
    [ORIGIN, 'without a word on frames', { crossOrigin: undefined }, 'added'],
    ['https://sh0p.example', 'another', {}, 'origin'],
    ['https://www.shop.example', 'a neighbour', {}, 'origin'],
    ['https://shop.example:444', 'another port', {}, 'origin'],
    ['http://shop.example', 'another scheme', {}, 'origin'],
    ['android:apk-key-hash:abc', 'an app', {}, 'origin'],
    [ORIGIN, 'framed', { crossOrigin: true }, 'origin'],
    [ORIGIN, 'framed by', { crossOrigin: true, topOrigin: 'https://evil.example' }, 'origin'],
    [ORIGIN, 'framed by itself', { topOrigin: ORIGIN }, 'origin'],
  ])('WA-R03: origin %s, %s', async (origin, _what, client, expected) => {
    expect(await outcome({ client: { origin, ...client } })).toBe(expected)
  })

  it.each([
    ['shop.example', 'added'],
    ['example', 'origin'],
    ['www.shop.example', 'origin'],
    ['https://shop.example', 'origin'],
    ['SHOP.example', 'origin'],
    ['', 'origin'],
  ])('WA-R04: made for the RP id %j', async (rpId, expected) => {
    expect(await outcome({ rpId })).toBe(expected)
  })

  it.each([
    ['all of them', UP | UV, 'required', 'added'],
    ['nobody there', UV, 'required', 'wrong'],
    ['nobody verified', UP, 'required', 'unverified'],
    ['nobody verified, and need not be', UP, 'preferred', 'added'],
    ['nobody there, and nobody verified', 0, 'preferred', 'wrong'],
    ['backed up', UP | UV | BE | BS, 'required', 'added'],
    ['not backed up yet', UP | UV | BE, 'required', 'added'],
    ['backed up without being eligible', UP | UV | BS, 'required', 'wrong'],
  ] as const)('WA-R05: flags that say %s', async (_what, flags, userVerification, expected) => {
    expect(await outcome({ flags }, { passkeys: { userVerification } })).toBe(expected)
  })

  it.each([
    ['ES256', newKey(-7).cose, 'added'],
    ['EdDSA', newKey(-8).cose, 'added'],
    ['RS256', newKey(-257).cose, 'added'],
    ['PS256, which nobody offered', newKey(-37).cose, 'wrong'],
    ['ES256 on another curve', newKey(-7, 'P-384').cose, 'wrong'],
    [
      'ES256 with a compressed point',
      cbor(
        new Map<number, number | Buffer>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, Buffer.alloc(32)],
          [-3, 1],
        ]),
      ),
      'wrong',
    ],
    [
      'RS256 of 1,024 bits',
      cbor(
        new Map<number, number | Buffer>([
          [1, 3],
          [3, -257],
          [-1, Buffer.alloc(128, 1)],
          [-2, Buffer.from([1, 0, 1])],
        ]),
      ),
      'wrong',
    ],
    [
      'RS256 of 16,384 bits',
      cbor(
        new Map<number, number | Buffer>([
          [1, 3],
          [3, -257],
          [-1, Buffer.alloc(2048, 1)],
          [-2, Buffer.from([1, 0, 1])],
        ]),
      ),
      'wrong',
    ],
    [
      'none',
      cbor(
        new Map<number, number | Buffer>([
          [1, 2],
          [-1, 1],
          [-2, Buffer.alloc(32)],
          [-3, Buffer.alloc(32)],
        ]),
      ),
      'wrong',
    ],
    [
      'a name',
      cbor(
        new Map<number, number | string | Buffer>([
          [1, 2],
          [3, 'ES256'],
          [-1, 1],
          [-2, Buffer.alloc(32)],
        ]),
      ),
      'wrong',
    ],
  ])('WA-R06: a key of algorithm %s', async (_what, publicKey, expected) => {
    expect(await outcome({ publicKey })).toBe(expected)
  })

  it.each<[string, Tampering, string]>([
    ['none', {}, 'added'],
    ['none in other letters', { format: 'None' }, 'attestation'],
    ['none, with a statement', { statement: new Map([['alg', -7]]) }, 'wrong'],
    ['its own key’s', { isSelfAttested: true }, 'added'],
    ['its own key’s, signed by another', { isSelfAttested: true, key: newKey(-7).key }, 'wrong'],
    ['packed, without a signature', { format: 'packed' }, 'wrong'],
    [
      'packed, with a certificate, which was not asked for',
      {
        format: 'packed',
        statement: new Map<string, number | Buffer | Buffer[]>([
          ['alg', -7],
          ['sig', Buffer.alloc(70)],
          ['x5c', [Buffer.alloc(100)]],
        ]),
      },
      'attestation',
    ],
    ['of a security key of old', { format: 'fido-u2f' }, 'attestation'],
    ['of a phone', { format: 'android-safetynet' }, 'attestation'],
    ['of no known format', { format: 'toString' }, 'attestation'],
  ])('WA-R07: attestation %s', async (_what, tampering, expected) => {
    expect(await outcome(tampering)).toBe(expected)
  })

  it('WA-R08: a credential id has at most 1,023 bytes, and is nobody’s yet, not even one’s own', async () => {
    const sized = async (size: number) => {
      const attestedId = Buffer.alloc(size, 7)
      const id = attestedId.toString('base64url')
      return outcome({ attestedId, top: { id, rawId: id } })
    }
    const { site, person, authenticator } = await enrolled()
    const { id } = authenticator.credentials[0]!
    const same: Tampering = { attestedId: Buffer.from(id, 'base64url'), top: { id, rawId: id } }
    await person.stepUp()
    const other = new Person(site)
    await other.login('bob')

    expect([await sized(16), await sized(1023), await sized(1024)]).toEqual(['added', 'added', 'malformed'])
    expect(await person.register(same)).toEqual({ ok: false, reason: 'taken' })
    expect(await other.register(same)).toEqual({ ok: false, reason: 'taken' })
    expect(await site.factors.list('bob')).toEqual([])
  })

  it('WA-R09: the record has everything a later assertion is judged by', async () => {
    const { site, authenticator } = await enrolled({ authenticator: new Authenticator({ flags: UP | UV | BE | BS }) })
    const { id, cose, userHandle } = authenticator.credentials[0]!
    const [factor] = await site.factors.list('ada')

    expect(factor).toMatchObject({ kind: 'passkey', handle: id, subject: 'ada' })
    expect(credentialIn(new FactorVault(RING, () => new Uint8Array(12)), factor!)).toEqual({
      publicKey: cose.toString('base64url'),
      signCount: 1,
      isVerifying: true,
      transports: ['internal'],
      isBackupEligible: true,
      isBackedUp: true,
      userHandle,
    })
  })

  it.each<[string, Tampering, string]>([
    ['missing', {}, 'added'],
    ['that nobody asked for', { extensions: cbor(new Map([['devicePubKey', 'x']])) }, 'added'],
    [
      'on the client’s side',
      { top: { clientExtensionResults: { credProps: { rk: false }, prf: { enabled: true }, x: [1] } } },
      'added',
    ],
    ['that are no CBOR', { extensions: Buffer.from([0xff]) }, 'wrong'],
    ['with more behind them', { extensions: cbor(new Map([['x', 1]])), trailing: Buffer.from([0]) }, 'wrong'],
  ])('WA-R10: extension outputs %s', async (_what, tampering, expected) => {
    expect(await outcome(tampering)).toBe(expected)
  })
})
