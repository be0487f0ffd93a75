// WebAuthn level 3, 7.2 and 14.6.1: what is verified when a passkey is used, by the ids WA-A01 to WA-A09.
import { describe, expect, it } from 'vitest'
import { FactorVault } from '../../../src/stepup/factor-vault.ts'
import { credentialIn } from '../../../src/stepup/passkeys/credential.ts'
import { RING } from '../../core/support.ts'
import { Authenticator, BE, BS, newKey, type Tampering, UP, UV } from '../../stepup/passkeys/authenticator.ts'
import { elsewhere, enrolled, ORIGIN, type PasskeySite, Person, type SiteOptions } from '../../stepup/passkeys/support.ts'

type Options = SiteOptions & { authenticator?: Authenticator }

/** What becomes of one sign-in and one step-up, which have to agree: `in`, or why not. */
async function outcome(tampering: Tampering, options: Options = {}) {
  const signIn = await elsewhere(
    await enrolled({ ...options, authenticator: new Authenticator({ ...options.authenticator }) }),
  ).signIn(tampering)
  const { person } = await enrolled({ ...options, authenticator: new Authenticator({ ...options.authenticator }) })
  const stepUp = await person.stepUp(tampering)
  expect(stepUp.reason).toBe(signIn.reason)
  return signIn.ok ? 'in' : signIn.reason
}

async function recordOf(site: PasskeySite) {
  const [factor] = await site.factors.list('ada')
  return { ...credentialIn(new FactorVault(RING, () => new Uint8Array(12)), factor!), lastUsedAt: factor!.lastUsedAt }
}

describe('authentication', () => {
  it('WA-A01: in a step-up the credential is one of those that were named', async () => {
    const { site, person } = await enrolled()
    const other = await enrolled({ site, as: 'bob' })
    const { challenge, ...options } = await person.stepUpOptions()
    const answer = other.authenticator.get({ challenge, ...options, allowCredentials: [] }, ORIGIN)

    expect(options.allowCredentials.map(({ id }) => id)).toEqual([person.authenticator.credentials[0]!.id])
    expect(await person.ask('/step-up', answer)).toEqual({ ok: false, reason: 'unknown' })
  })

  it.each<[string, 'sign-in' | 'step-up', string | null | undefined, boolean]>([
    ['somebody’s, and says whose', 'sign-in', undefined, true],
    ['somebody’s, and does not say whose', 'sign-in', null, false],
    ['somebody’s, and says another’s', 'sign-in', Buffer.alloc(32).toString('base64url'), false],
    ['the person’s own, and says so', 'step-up', undefined, true],
    ['the person’s own, and says nothing', 'step-up', null, true],
    ['the person’s own, and says another’s', 'step-up', Buffer.alloc(32).toString('base64url'), false],
  ])('WA-A02: a credential that is %s (%s)', async (_what, ceremony, userHandle, isRight) => {
    const found = await enrolled()
    const tampering = userHandle === undefined ? {} : { userHandle }
    const result = ceremony === 'sign-in' ? await elsewhere(found).signIn(tampering) : await found.person.stepUp(tampering)

    expect(result).toMatchObject(isRight ? { ok: true, subject: 'ada' } : { ok: false, reason: 'wrong' })
  })

  it.each<[string, Tampering, string]>([
    ['as it comes', {}, 'in'],
    ['of a registration', { client: { type: 'webauthn.create' } }, 'malformed'],
    ['of a payment', { client: { type: 'payment.get' } }, 'malformed'],
    ['another challenge', { client: { challenge: Buffer.alloc(39).toString('base64url') } }, 'challenge'],
    ['another origin', { client: { origin: 'https://sh0p.example' } }, 'origin'],
    ['another port', { client: { origin: `${ORIGIN}:8443` } }, 'origin'],
    ['framed', { client: { crossOrigin: true } }, 'origin'],
    ['framed by', { client: { crossOrigin: true, topOrigin: 'https://evil.example' } }, 'origin'],
    ['another RP id', { rpId: 'evil.example' }, 'origin'],
  ])('WA-A03: client data %s', async (_what, tampering, expected) => {
    expect(await outcome(tampering)).toBe(expected)
  })

  it.each([
    ['nobody there', UV, UP | UV, 'required', 'wrong'],
    ['nobody verified', UP, UP | UV, 'required', 'unverified'],
    ['nobody verified, and need not be', UP, UP | UV, 'preferred', 'in'],
    ['backed up without being eligible', UP | UV | BS, UP | UV, 'required', 'wrong'],
    ['eligible, which it was not', UP | UV | BE, UP | UV, 'required', 'wrong'],
    ['not eligible, which it was', UP | UV, UP | UV | BE, 'required', 'wrong'],
    ['backed up since', UP | UV | BE | BS, UP | UV | BE, 'required', 'in'],
    ['backed up no more', UP | UV | BE, UP | UV | BE | BS, 'required', 'in'],
  ] as const)('WA-A04: flags that say %s', async (_what, flags, registered, userVerification, expected) => {
    const authenticator = new Authenticator({ flags: registered })

    expect(await outcome({ flags }, { passkeys: { userVerification }, authenticator })).toBe(expected)
  })

  it.each<[string, Tampering]>([
    ['by another key', { key: newKey(-7).key }],
    ['by a key of another algorithm', { key: newKey(-8).key }],
    ['by nobody', { response: { signature: 'AA' } }],
    ['all zeros', { response: { signature: Buffer.alloc(70).toString('base64url') } }],
    ['r and s zero', { response: { signature: Buffer.from('3006020100020100', 'hex').toString('base64url') } }],
  ])('WA-A05: signed %s', async (_what, tampering) => {
    expect(await outcome(tampering)).toBe('wrong')
  })

  it.each([
    [1, 2, 'in'],
    [1, 4_294_967_295, 'in'],
    [5, 5, 'suspected'],
    [5, 4, 'suspected'],
    [5, 0, 'suspected'],
    [0, 0, 'in'],
    [0, 1, 'in'],
  ])('WA-A06: the count after %i is %i', async (before, signCount, expected) => {
    const { person, site } = await enrolled({ authenticator: new Authenticator({ counts: false }) })
    if (before > 0) await person.stepUp({ signCount: before })
    const { ok, reason } = await person.stepUp({ signCount })

    expect(ok ? 'in' : reason).toBe(expected)
    expect(await site.seen('factor.suspected')).toHaveLength(ok ? 0 : 1)
  })

  it('WA-A07: the record changes after all other checks, and not by an answer that fails one', async () => {
    const { person, site, authenticator } = await enrolled({ authenticator: new Authenticator({ flags: UP | UV | BE }) })
    const before = await recordOf(site)
    for (const tampering of [
      { key: newKey(-7).key },
      { flags: UP | BE },
      { flags: UP | UV },
      { rpId: 'evil.example' },
      { signCount: 9, userHandle: 'AA' },
    ])
      await person.stepUp(tampering)
    const afterRefusals = await recordOf(site)
    await person.stepUp({ flags: UP | UV | BE | BS, signCount: 40 })

    expect(afterRefusals).toEqual(before)
    expect(await recordOf(site)).toEqual({ ...before, signCount: 40, isBackedUp: true, lastUsedAt: site.clock() })
    expect(authenticator.credentials).toHaveLength(1)
  })

  it('WA-A07: that it verifies its owner is recorded only beside another proof', async () => {
    const found = await enrolled({ passkeys: { userVerification: 'preferred' }, authenticator: new Authenticator({ flags: UP }) })
    found.authenticator.flags = UP | UV
    const states: unknown[] = []
    await elsewhere(found).signIn()
    states.push((await recordOf(found.site)).isVerifying)
    await found.person.stepUp()
    states.push((await recordOf(found.site)).isVerifying)

    expect(states).toEqual([false, true])
  })

  it('WA-A08: the user handle is 32 bytes that say nothing of the person, and another for everybody', async () => {
    const subjects = ['ada@example.com', 'bob@example.com', 'ada@example.co']
    const { site } = await enrolled()
    const handles = await Promise.all(
      subjects.map(async (subject) => {
        const person = new Person(site)
        await person.login(subject)
        return Buffer.from((await person.registrationOptions()).user.id, 'base64url')
      }),
    )

    expect(handles.map(({ length }) => length)).toEqual([32, 32, 32])
    expect(new Set(handles.map(String)).size).toBe(3)
    expect(handles.filter((handle) => handle.includes('ada') || handle.includes('bob'))).toEqual([])
  })

  it('WA-A09: what is still accepted can be signalled after one was removed, and what was never known when it is offered', async () => {
    const { site, person, authenticator } = await enrolled()
    await person.stepUp()
    const second = new Authenticator()
    await person.ask('/register', { response: second.create(await person.registrationOptions(), ORIGIN) })
    const [first] = (await site.factors.list('ada')).filter(({ handle }) => handle === authenticator.credentials[0]!.id)
    await site.factors.remove('ada', first!.id)

    expect(await person.ask('/accepted')).toEqual([
      { rpId: 'shop.example', userId: second.credentials[0]!.userHandle, allAcceptedCredentialIds: [second.credentials[0]!.id] },
    ])
    expect(await new Person(site, authenticator).signIn()).toEqual({ ok: false, reason: 'unknown' })
  })
})
