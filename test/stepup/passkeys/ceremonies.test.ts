// What people do with passkeys: make some, sign in with one alone, step up.
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../../src/stores/memory.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { Authenticator, BE, BS, type CoseAlgorithm, UP, UV } from './authenticator.ts'
import { elsewhere, enrolled, Person, passkeySite } from './support.ts'

describe('making one', () => {
  it('is listed with the name its owner gave it, and has proved nothing yet', async () => {
    const person = new Person(passkeySite())
    await person.login()
    const made = await person.register({}, ' My phone\n')

    expect(await person.list()).toEqual([
      {
        id: made.factorId,
        name: 'My phone',
        createdAt: person.site.clock(),
        isBackupEligible: false,
        isBackedUp: false,
        isSuspected: false,
      },
    ])
    expect((await person.me()).acr).toBe('aal1')
    expect(await person.site.seen('factor.added')).toMatchObject([{ kind: 'passkey', factorId: made.factorId, subject: 'ada' }])
  })

  it.each([-7, -8, -257] as CoseAlgorithm[])('works with an authenticator whose keys are of algorithm %i', async (algorithm) => {
    const { person, authenticator } = await enrolled({ authenticator: new Authenticator({ algorithm }) })

    expect(await person.stepUp()).toMatchObject({ ok: true, strength: 2 })
    expect(await elsewhere({ site: person.site, authenticator }).signIn()).toMatchObject({ ok: true, subject: 'ada' })
  })

  it('offers ES256 before EdDSA before RS256, asks for no attestation, and wants it discoverable', async () => {
    const person = new Person(passkeySite())
    await person.login()

    expect(await person.registrationOptions()).toMatchObject({
      rp: { id: 'shop.example', name: 'Shop' },
      user: { name: 'Ada', displayName: 'Ada' },
      pubKeyCredParams: [{ alg: -7 }, { alg: -8 }, { alg: -257 }],
      attestation: 'none',
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    })
  })

  it('names those the person has already, so that no device makes a second', async () => {
    const { person, authenticator } = await enrolled()
    await person.stepUp()

    const { excludeCredentials } = await person.registrationOptions()

    expect(excludeCredentials).toEqual([{ id: authenticator.credentials[0]!.id, type: 'public-key', transports: ['internal'] }])
  })

  it('calls a person by a name that says nothing of the subject, the same for each of their passkeys and another for everybody else', async () => {
    const { site, person } = await enrolled({ as: 'ada@example.com' })
    await person.stepUp()
    const again = await person.registrationOptions()
    const other = new Person(site)
    await other.login('bob')
    const handle = Buffer.from(again.user.id, 'base64url')

    expect(again.user.id).toBe(person.authenticator.credentials[0]!.userHandle)
    expect((await other.registrationOptions()).user.id).not.toBe(again.user.id)
    expect([handle.length, handle.includes('ada')]).toEqual([32, false])
  })

  it('of several, each works and each has its own last use', async () => {
    const { site, person } = await enrolled()
    await person.stepUp()
    site.clock.advance(1000)
    const second = new Authenticator({ algorithm: -8 })
    const withSecond = new Person(site, second)
    const response = second.create(await person.registrationOptions(), person.origin)
    await person.ask('/register', { response, name: 'Second' })
    site.clock.advance(1000)

    const signedIn = await withSecond.signIn()

    expect(signedIn).toMatchObject({ ok: true, subject: 'ada' })
    expect((await person.list()).map(({ name, lastUsedAt }) => [name, lastUsedAt])).toEqual([
      ['Passkey', site.clock() - 2000],
      ['Second', site.clock()],
    ])
  })

  it('is full at the most a person may have, and nobody else is', async () => {
    const { site, person } = await enrolled({ passkeys: { mostPerPerson: 1 } })
    await person.stepUp()

    expect(await person.register()).toEqual({ ok: false, reason: 'full' })
    expect(await enrolled({ site, as: 'bob' })).toBeDefined()
  })

  it('needs somebody signed in, and lately, and with a second factor where there is one', async () => {
    const site = passkeySite()
    const person = new Person(site)
    const asVisitor = (await person.send('/register-options')).status
    await person.login()
    site.clock.advance(10 * 60_000 + 1)
    const late = (await person.send('/register-options')).status
    await person.login()
    await person.register()
    const withPasswordAlone = (await person.send('/register-options')).status
    await person.stepUp()

    expect([asVisitor, late, withPasswordAlone]).toEqual([401, 401, 401])
    expect((await person.send('/register-options')).status).toBe(200)
  })
})

describe('signing in with one alone', () => {
  it('is two factors in one act, in a session of its own', async () => {
    const { site, person, authenticator, factorId } = await enrolled()
    const visitor = elsewhere({ site, authenticator })

    const result = await visitor.signIn()

    expect(result).toEqual({
      ok: true,
      factorId,
      subject: 'ada',
      strength: 2,
      backup: { isEligible: false, isBackedUp: false, hasChanged: false },
    })
    expect(await visitor.me()).toMatchObject({ subject: 'ada', acr: 'aal2', facts: ['hwk:2', 'user:2'] })
    expect((await visitor.me()).id).not.toBe((await person.me()).id)
    expect(await site.seen('factor.used')).toMatchObject([{ kind: 'passkey', factorId, subject: 'ada' }])
  })

  it('names no passkey, so that the browser offers those it has (discoverable; conditional UI)', async () => {
    const visitor = new Person(passkeySite())

    expect(await visitor.signInOptions()).toMatchObject({
      rpId: 'shop.example',
      allowCredentials: [],
      userVerification: 'required',
    })
  })

  it('costs whoever only opens the page no row: a cookie for the host alone, and nothing in the store', async () => {
    const visitor = new Person(passkeySite())
    const before = visitor.site.store.calls.length
    const response = await visitor.send('/sign-in-options')

    expect(visitor.site.store.calls.slice(before)).toEqual([])
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-sjn-csrf=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
    ])
    expect(response.headers.get('cache-control')).toContain('no-store')
  })

  it('works in a visitor’s session that has data, which ends', async () => {
    const { site, authenticator } = await enrolled()
    const visitor = elsewhere({ site, authenticator })
    await visitor.ask('/basket')
    const before = await visitor.me()

    expect(await visitor.signIn()).toMatchObject({ ok: true })
    expect((await visitor.me()).id).not.toBe(before.id)
  })

  it('gives a passkey whose key is copied between devices its own name', async () => {
    const { site, authenticator } = await enrolled({
      authenticator: new Authenticator({ flags: UP | UV | BE | BS, counts: false }),
    })
    const visitor = elsewhere({ site, authenticator })

    expect(await visitor.signIn()).toMatchObject({ ok: true, backup: { isEligible: true, isBackedUp: true } })
    expect((await visitor.me()).facts).toEqual(['swk:2', 'user:2'])
  })

  it('is the application’s to refuse once it knows whose it is', async () => {
    const { site, authenticator } = await enrolled({ signIn: { allows: (subject) => subject !== 'ada' } })
    const visitor = elsewhere({ site, authenticator })

    expect(await visitor.signIn()).toEqual({ ok: false, reason: 'refused' })
    expect((await visitor.me()).subject).toBeNull()
  })

  it('keeps what the application wants kept of the visitor’s session, for as long as it says', async () => {
    const { site, authenticator } = await enrolled({ signIn: { keep: ['item'], isPersistent: true } })
    const visitor = elsewhere({ site, authenticator })
    await visitor.ask('/basket')
    const answer = authenticator.get(await visitor.signInOptions(), visitor.origin)
    const response = await visitor.send('/sign-in', answer)

    expect(response.headers.getSetCookie().find((line) => line.startsWith('__Host-sjn='))).toContain('Max-Age=')
    expect(await visitor.ask('/data')).toEqual({ item: 'book' })
  })

  it('counts where its registration began before a key was added to the ring, and ended after', async () => {
    const older = 'MzpTtMGwAI7hhw2HZkBu7ReV_cWnPasLZDV7Y8UGMys'
    const newer = 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'
    const store = faultyStore(memoryStore())
    const before = passkeySite({ core: { keys: older, store } })
    const after = passkeySite({ core: { keys: [newer, older], store }, factors: before.factors })
    const [begun, ended] = [new Person(before), new Person(after)]
    Object.assign(ended, { jar: begun.jar })
    await begun.login()
    const authenticator = new Authenticator()
    const response = authenticator.create(await begun.registrationOptions(), begun.origin)
    await ended.ask('/register', { response })

    expect(await new Person(after, authenticator).signIn()).toMatchObject({ ok: true, subject: 'ada' })
  })

  it('still counts after the keys were rotated', async () => {
    const older = 'MzpTtMGwAI7hhw2HZkBu7ReV_cWnPasLZDV7Y8UGMys'
    const newer = 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'
    const { site, authenticator } = await enrolled({ core: { keys: older } })
    const later = passkeySite({ core: { keys: [newer, older] }, factors: site.factors })

    expect(await elsewhere({ site: later, authenticator }).signIn()).toMatchObject({ ok: true, subject: 'ada' })
    // Sealed anew when it was used.
    const last = passkeySite({ core: { keys: newer }, factors: site.factors })
    expect(await elsewhere({ site: last, authenticator }).signIn()).toMatchObject({ ok: true, subject: 'ada' })
  })
})

describe('stepping up', () => {
  it('raises the session and replaces its token', async () => {
    const { site, person } = await enrolled()
    const before = person.jar.header('https://shop.example')

    expect(await person.stepUp()).toMatchObject({ ok: true, strength: 2 })
    expect(await person.me()).toMatchObject({ acr: 'aal2', facts: ['pwd:1', 'hwk:2', 'user:2'] })
    expect(person.jar.header('https://shop.example')).not.toBe(before)
    expect(await site.seen('session.elevated')).toMatchObject([{ acr: 'aal2' }])
  })

  it('asks for the person’s own, and for nothing where they have none', async () => {
    const { site, person, authenticator } = await enrolled()
    const other = new Person(site)
    await other.login('bob')

    expect((await person.stepUpOptions()).allowCredentials).toMatchObject([{ id: authenticator.credentials[0]!.id }])
    expect(await other.stepUpOptions()).toBeNull()
  })

  it('takes an answer without a user handle, as older security keys give it', async () => {
    const { person } = await enrolled()

    expect(await person.stepUp({ userHandle: null })).toMatchObject({ ok: true })
    expect(await person.stepUp({ userHandle: '' })).toMatchObject({ ok: true })
  })
})

describe('whether the authenticator knows its owner', () => {
  const preferred = { passkeys: { userVerification: 'preferred' as const } }

  it('is required: without it nothing is proved', async () => {
    const { person, site } = await enrolled()

    expect(await person.stepUp({ flags: UP })).toEqual({ ok: false, reason: 'unverified' })
    expect(await elsewhere({ ...person, site }).signIn({ flags: UP })).toEqual({ ok: false, reason: 'unverified' })
    expect((await person.me()).acr).toBe('aal1')
  })

  it('where it is only preferred, without it a passkey is one factor', async () => {
    const { person, site, authenticator } = await enrolled({ ...preferred, authenticator: new Authenticator({ flags: UP }) })
    const visitor = elsewhere({ site, authenticator })

    expect(await visitor.signIn()).toMatchObject({ ok: true, strength: 1 })
    expect(await visitor.me()).toMatchObject({ acr: 'aal1', facts: ['hwk:1', 'user:1'] })
    // Beside a password it is the second.
    expect(await person.stepUp()).toMatchObject({ ok: true, strength: 1 })
    expect((await person.me()).acr).toBe('aal2')
  })

  it('one that verified its owner when it was made is one factor all the same in an answer that does not', async () => {
    const { site, authenticator } = await enrolled(preferred)
    const visitor = elsewhere({ site, authenticator })

    expect(await visitor.signIn({ flags: UP })).toMatchObject({ ok: true, strength: 1 })
    expect((await visitor.me()).acr).toBe('aal1')
  })

  it('a PIN that came later counts once it was used beside another proof, and not before', async () => {
    const { person, site, authenticator } = await enrolled({ ...preferred, authenticator: new Authenticator({ flags: UP }) })
    authenticator.flags = UP | UV

    expect(await elsewhere({ site, authenticator }).signIn()).toMatchObject({ ok: true, strength: 1 })
    expect(await elsewhere({ site, authenticator }).signIn()).toMatchObject({ ok: true, strength: 1 })
    expect(await person.stepUp()).toMatchObject({ ok: true })
    expect(await elsewhere({ site, authenticator }).signIn()).toMatchObject({ ok: true, strength: 2 })
  })

  it('a sign-in in somebody else’s session is no such proof', async () => {
    const { site, authenticator } = await enrolled({ ...preferred, authenticator: new Authenticator({ flags: UP }) })
    authenticator.flags = UP | UV
    const thief = elsewhere({ site, authenticator })
    await thief.login('thief')
    await thief.signIn()

    expect(await thief.signIn()).toMatchObject({ ok: true, strength: 1 })
  })

  it('a step-up beside nothing but the same passkey is no such proof', async () => {
    const { site, authenticator } = await enrolled({ ...preferred, authenticator: new Authenticator({ flags: UP }) })
    authenticator.flags = UP | UV
    const thief = elsewhere({ site, authenticator })
    await thief.signIn()

    expect(await thief.stepUp()).toMatchObject({ ok: true, strength: 1 })
    expect(await thief.stepUp()).toMatchObject({ ok: true, strength: 1 })
    expect((await thief.me()).acr).toBe('aal1')
  })
})

describe('its provider’s copy', () => {
  const synced = { authenticator: new Authenticator({ flags: UP | UV | BE, counts: false }) }

  it('is kept and told when it comes and goes', async () => {
    const { person } = await enrolled(synced)

    expect((await person.stepUp({ flags: UP | UV | BE | BS })).backup).toEqual({
      isEligible: true,
      isBackedUp: true,
      hasChanged: true,
    })
    expect(await person.list()).toMatchObject([{ isBackupEligible: true, isBackedUp: true }])
    expect((await person.stepUp({ flags: UP | UV | BE | BS })).backup).toMatchObject({ hasChanged: false })
    expect((await person.stepUp({ flags: UP | UV | BE })).backup).toMatchObject({ isBackedUp: false, hasChanged: true })
  })

  it('cannot become possible, or impossible, later', async () => {
    const { person } = await enrolled({ authenticator: new Authenticator() })
    const { person: other } = await enrolled({ authenticator: new Authenticator({ flags: UP | UV | BE }) })

    expect(await person.stepUp({ flags: UP | UV | BE })).toEqual({ ok: false, reason: 'wrong' })
    expect(await other.stepUp({ flags: UP | UV })).toEqual({ ok: false, reason: 'wrong' })
  })
})

describe('the count of uses', () => {
  it('has to grow where there is one', async () => {
    const { person, site, factorId } = await enrolled()
    await person.stepUp({ signCount: 10 })

    expect(await person.stepUp({ signCount: 10 })).toEqual({ ok: false, reason: 'suspected' })
    expect(await site.seen('factor.suspected')).toMatchObject([{ kind: 'passkey', factorId, subject: 'ada' }])
    expect(await person.list()).toMatchObject([{ id: factorId, isSuspected: true }])
  })

  it('may be none at all', async () => {
    const { person } = await enrolled({ authenticator: new Authenticator({ counts: false }) })

    expect([await person.stepUp(), await person.stepUp()]).toMatchObject([{ ok: true }, { ok: true }])
  })

  it('cannot go from some to none', async () => {
    const { person } = await enrolled()

    expect(await person.stepUp({ signCount: 0 })).toEqual({ ok: false, reason: 'suspected' })
  })

  it('a suspected passkey is asked for no more, and refused whatever its count', async () => {
    const { person, site, authenticator } = await enrolled()
    await person.stepUp({ signCount: 10 })
    await person.stepUp({ signCount: 9 })

    expect(await person.stepUpOptions()).toBeNull()
    expect(await elsewhere({ site, authenticator }).signIn({ signCount: 11 })).toEqual({ ok: false, reason: 'suspected' })
  })

  it('an answer that is not rightly signed casts no suspicion', async () => {
    const { person, site } = await enrolled()
    const { authenticator: stranger } = await enrolled()
    await person.stepUp({ signCount: 10 })

    expect(await person.stepUp({ signCount: 1, key: stranger.credentials[0]!.key })).toEqual({ ok: false, reason: 'wrong' })
    expect(await site.seen('factor.suspected')).toEqual([])
  })

  it('two uses at once are both recorded', async () => {
    const { person, site, authenticator } = await enrolled({ authenticator: new Authenticator({ counts: false }) })
    const visitors = await Promise.all([1, 2, 3].map(async () => elsewhere({ site, authenticator })))

    expect(await Promise.all(visitors.map((visitor) => visitor.signIn()))).toMatchObject(Array(3).fill({ ok: true }))
    expect((await person.list())[0]!.lastUsedAt).toBe(site.clock())
  })
})

describe('whoever has the password alone', () => {
  it('is not shown what else there is', async () => {
    const { site, person } = await enrolled()
    const session = await site.sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' })

    expect(session.pending).toBe('aal2')
    expect([await site.passkeys.list(session), await site.passkeys.accepted(session)]).toEqual([[], []])
    expect(await person.list()).toHaveLength(1)
  })
})

describe('what browsers are told afterwards', () => {
  it('which passkeys are still good, for password managers to forget the others', async () => {
    const { person, authenticator } = await enrolled()
    const { id, userHandle } = authenticator.credentials[0]!

    expect(await person.ask('/accepted')).toEqual([{ rpId: 'shop.example', userId: userHandle, allAcceptedCredentialIds: [id] }])
    expect(await new Person(person.site).ask('/accepted')).toEqual([])
  })
})
