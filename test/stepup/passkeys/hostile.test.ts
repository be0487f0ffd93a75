// Whatever comes as an answer is a result: nothing crashes, hangs, or is kept.
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/testing/seeded-random.ts'
import { Authenticator, cbor } from './authenticator.ts'
import { type AnswerJson, enrolled, type Outcome, Person, passkeySite } from './support.ts'

const NOT_ANSWERS: readonly unknown[] = [
  null,
  0,
  '',
  'text',
  [],
  [[]],
  {},
  { id: 'a' },
  { id: 1, rawId: 1, type: 'public-key', response: {} },
  { id: 'YQ', rawId: 'YQ', type: 'public-key' },
  { id: 'YQ', rawId: 'YQ', type: 'public-key', response: null },
  { id: 'YQ', rawId: 'YQ', type: 'public-key', response: 'x' },
  { id: 'YQ', rawId: 'YQ', type: 'public-key', response: { clientDataJSON: {}, attestationObject: [], signature: 1 } },
  { id: {}, rawId: {}, type: 'public-key', response: {} },
  JSON.parse('{"__proto__": {"id": "YQ"}, "constructor": 1}'),
  { id: 'YQ', rawId: 'YQ', type: 'public-key', response: { clientDataJSON: 'bnVsbA', authenticatorData: 'YQ', signature: 'YQ' } },
]

describe('what is no answer at all', () => {
  it.each(NOT_ANSWERS.map((given) => [JSON.stringify(given), given]))('%s is malformed', async (_text, given) => {
    const { person } = await enrolled()

    expect(await person.ask('/sign-in', given)).toEqual({ ok: false, reason: 'malformed' })
    expect(await person.ask('/step-up', given)).toEqual({ ok: false, reason: 'malformed' })
    await person.stepUp()
    expect(await person.ask('/register', { response: given })).toEqual({ ok: false, reason: 'malformed' })
  })

  it.each([
    ['id', { top: { id: 'YQ==', rawId: 'YQ==' } }],
    ['id that is not its raw id', { top: { rawId: 'YQ' } }],
    ['id of 1,025 bytes', { top: { id: 'A'.repeat(1366), rawId: 'A'.repeat(1366) } }],
    ['type', { top: { type: 'password' } }],
    ['client data in another alphabet', { response: { clientDataJSON: '++//' } }],
    ['client data of 1 MiB', { response: { clientDataJSON: 'A'.repeat(1 << 20) } }],
    ['client data that is no UTF-8', { clientBytes: () => Buffer.from([0xff, 0xfe, 0x7b, 0x7d]) }],
    ['client data that is no JSON', { clientBytes: () => Buffer.from('{"type":') }],
    ['client data without a challenge', { client: { challenge: undefined } }],
    ['challenge that is no text', { client: { challenge: ['a'] } }],
    ['origin that is no text', { client: { origin: {} } }],
    ['signature of 1 MiB', { response: { signature: 'A'.repeat(1 << 20) } }],
    ['signature that is a list', { response: { signature: ['A'] } }],
    ['authenticator data with its last bits set', { response: { authenticatorData: 'YR' } }],
    ['user handle of 1 MiB', { userHandle: 'A'.repeat(1 << 20) }],
    ['user handle that is a number', { response: { userHandle: 7 } }],
  ])('%s', async (_what, tampering) => {
    const { person } = await enrolled()

    expect(await person.stepUp(tampering)).toEqual({ ok: false, reason: 'malformed' })
  })
})

describe('what is almost an answer', () => {
  const isAfter = (mutant: unknown, honest: unknown) =>
    Buffer.from(mutant as string, 'base64url').indexOf(Buffer.from(honest as string, 'base64url')) === 0

  /** An honest answer with bytes of one part changed, cut or doubled, by a seed. */
  function mutants(answer: AnswerJson, part: string, count: number, seed: number): AnswerJson[] {
    const random = seededRandom(seed)
    const honest = Buffer.from(answer.response[part] as string, 'base64url')
    return Array.from({ length: count }, () => {
      const [kind, at, value] = random(3)
      const position = Math.floor((at! / 256) * honest.length)
      const changed = Buffer.from(honest)
      changed[position]! ^= value! || 1
      const bytes = [changed, honest.subarray(0, position), Buffer.concat([honest, honest.subarray(position)])][kind! % 3]!
      return { ...answer, response: { ...answer.response, [part]: bytes.toString('base64url') } }
    })
  }

  it.each(['attestationObject', 'clientDataJSON'])(
    'a registration with any bytes of %s changed is kept never, or as it says',
    async (part) => {
      const site = passkeySite()
      const wrong: string[] = []
      for (let seed = 0; seed < 150; seed++) {
        const person = new Person(site)
        await person.login(`person ${seed}`)
        const answer = new Authenticator().create(await person.registrationOptions(), person.origin)
        const { ok } = await person.ask<Outcome>('/register', { response: mutants(answer, part, 1, seed)[0] })
        // With `none` nothing signs the key itself: other bytes of it are another key, and its owner's alone.
        if ((await person.list()).length !== (ok ? 1 : 0) || (ok && part === 'clientDataJSON')) wrong.push(`${seed}`)
      }

      expect(wrong).toEqual([])
    },
  )

  it.each(['authenticatorData', 'clientDataJSON', 'signature'])(
    'an assertion with any bytes of %s changed proves nothing',
    async (part) => {
      const { site, authenticator } = await enrolled({ authenticator: new Authenticator({ counts: false }) })
      const accepted: string[] = []
      for (let seed = 0; seed < 150; seed++) {
        const visitor = new Person(site, authenticator)
        const answer = authenticator.get(await visitor.signInOptions(), visitor.origin)
        const [mutant] = mutants(answer, part, 1, seed)
        const { ok } = await visitor.ask<Outcome>('/sign-in', mutant)
        // What follows a whole signature is no part of it.
        const isWhole = part === 'signature' && isAfter(mutant!.response[part], answer.response[part])
        if (ok && !isWhole) accepted.push(`${seed}`)
      }

      expect(accepted).toEqual([])
    },
  )

  it.each([
    ['nested 4,000 deep', Buffer.alloc(4000, 0x81)],
    ['a list of 2^32 - 1 members', Buffer.from('9affffffff', 'hex')],
    ['a text of 2^63 bytes', Buffer.from('7b7fffffffffffffff', 'hex')],
    ['no end in sight', Buffer.from('9f', 'hex')],
    ['a map that is its own key', Buffer.from('a1a0a0', 'hex')],
    ['a number', cbor(7)],
    ['a list', cbor([1, 2, 3])],
    ['nothing in it', cbor(new Map())],
    [
      'members of other kinds',
      cbor(
        new Map([
          ['fmt', 1],
          ['attStmt', 'x'],
          ['authData', [1]],
        ] as never),
      ),
    ],
    [
      'a format like a property of objects',
      cbor(
        new Map([
          ['fmt', '__proto__'],
          ['attStmt', new Map()],
          ['authData', Buffer.alloc(37)],
        ] as never),
      ),
    ],
  ])('an attestation object that is %s', async (_what, bytes) => {
    const person = new Person(passkeySite())
    await person.login()

    const result = await person.register({ response: { attestationObject: bytes.toString('base64url') } })

    expect(result.ok).toBe(false)
    expect(['wrong', 'attestation']).toContain(result.reason)
  })

  it('takes no notice of transports that are no such words', async () => {
    const { site, person, authenticator } = await enrolled()
    await person.stepUp()
    site.clock.advance(1000)
    const second = new Authenticator()
    const options = await person.registrationOptions()
    const transports = ['usb', 7, '<script>', 'x'.repeat(1000), null, { a: 1 }]
    await person.ask('/register', { response: second.create(options, person.origin, { response: { transports } }) })

    const { allowCredentials } = await person.stepUpOptions()

    expect(allowCredentials.map(({ id, transports: kept }) => [id, kept])).toEqual([
      [authenticator.credentials[0]!.id, ['internal']],
      [second.credentials[0]!.id, ['usb']],
    ])
  })

  it.each([[undefined], [7], [''], ['\u0000\u0001'], [{ toString: 'x' }]])('a name that is %j is the usual one', async (name) => {
    const person = new Person(passkeySite())
    await person.login()
    await person.register({}, name)

    expect((await person.list()).map((each) => each.name)).toEqual(['Passkey'])
  })
})

describe('what is kept', () => {
  it('damaged, moved to another person, or sealed with keys that are gone, is no passkey', async () => {
    const { site, person, factorId } = await enrolled()
    const [factor] = await site.factors.list('ada')
    const { sealed, version } = factor!
    const broken = Uint8Array.from(sealed)
    broken[20]! ^= 1
    await site.factors.update('ada', factorId, version, { sealed: broken })

    expect(await person.ask('/sign-in', person.authenticator.get(await person.signInOptions(), person.origin))).toEqual({
      ok: false,
      reason: 'unknown',
    })
    expect(await person.stepUpOptions()).toBeNull()
    expect(await person.list()).toEqual([])
  })

  it('somebody else’s by the time it is recorded, is no passkey of the one who answered', async () => {
    const { site, authenticator } = await enrolled()
    const visitor = new Person(site, authenticator)
    const answer = authenticator.get(await visitor.signInOptions(), visitor.origin)
    const [own] = await site.factors.list('ada')
    const update = site.factors.update.bind(site.factors)
    Object.assign(site.factors, {
      async update() {
        await site.factors.remove('ada', own!.id)
        await site.factors.add({ ...own!, subject: 'mallory' }, { most: 20 })
        Object.assign(site.factors, { update })
        return 'conflict'
      },
    })

    expect(await visitor.ask('/sign-in', answer)).toEqual({ ok: false, reason: 'unknown' })
    expect((await visitor.me()).subject).toBeNull()
  })

  it('says nothing of the key, its count or the person’s handle in the clear', async () => {
    const { site, authenticator } = await enrolled()
    const { sealed } = (await site.factors.list('ada'))[0]!
    const { cose, userHandle } = authenticator.credentials[0]!

    expect([cose.toString('base64url'), userHandle, 'signCount'].filter((text) => Buffer.from(sealed).includes(text))).toEqual([])
  })

  it('is no more than its events say: no id of a credential, no challenge', async () => {
    const { site, person, authenticator } = await enrolled()
    const options = await person.stepUpOptions()
    await person.ask('/step-up', authenticator.get(options, 'https://evil.example'))
    await person.stepUp()
    const text = JSON.stringify(await site.seen())

    expect([options.challenge, authenticator.credentials[0]!.id].filter((secret) => text.includes(secret))).toEqual([])
    expect(text).toContain('factor.refused')
  })
})

describe('a store that is away', () => {
  it('is a fault, and nobody is signed in', async () => {
    const { site, person, authenticator } = await enrolled()
    const visitor = new Person(site, authenticator)
    const answer = authenticator.get(await visitor.signInOptions(), visitor.origin)
    const away = async () => {
      throw new Error('no connection')
    }
    Object.assign(site.factors, { byHandle: away })

    const status = await visitor.send('/sign-in', answer).then(
      (response) => response.status,
      () => 'rejected',
    )

    expect([500, 503, 'rejected']).toContain(status)
    expect((await visitor.me()).subject).toBeNull()
    expect((await person.me()).acr).toBe('aal1')
  })
})
