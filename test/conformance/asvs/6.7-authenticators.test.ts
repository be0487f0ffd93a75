// OWASP ASVS 5.0.0, V6.7 Cryptographic Authentication Mechanism: requirements by their ids.
import { expect, it } from 'vitest'
import { enrolled, ORIGIN, Person, passkeySite } from '../../stepup/passkeys/support.ts'

it('ASVS-6.7.1: what an authenticator is verified by cannot be changed, or moved to another person, by who can write to the table', async () => {
  const { site, authenticator } = await enrolled()
  const other = await enrolled({ site, as: 'mallory' })
  const [victims, attackers] = await Promise.all([site.factors.list('ada'), site.factors.list('mallory')])
  // Mallory's key in the victim's row, and the victim's row broken by one bit.
  await site.factors.update('ada', victims[0]!.id, 1, { sealed: attackers[0]!.sealed })
  const withOthers = await new Person(site, other.authenticator).signIn({
    top: { id: victims[0]!.handle, rawId: victims[0]!.handle },
  })
  const broken = Uint8Array.from(victims[0]!.sealed, (byte, index) => (index === 30 ? byte ^ 1 : byte))
  await site.factors.update('ada', victims[0]!.id, 2, { sealed: broken })

  expect(withOthers).toEqual({ ok: false, reason: 'unknown' })
  expect(await new Person(site, authenticator).signIn()).toEqual({ ok: false, reason: 'unknown' })
})

it('ASVS-6.7.2: a challenge has 128 random bits, comes once, and counts once', async () => {
  const visitor = new Person(passkeySite())
  const { person, authenticator } = await enrolled()
  const nonces = new Set<string>()
  for (let i = 0; i < 200; i++)
    nonces.add(Buffer.from((await visitor.signInOptions()).challenge, 'base64url').toString('hex', 7, 23))
  const options = await person.stepUpOptions()
  await person.ask('/step-up', authenticator.get(options, ORIGIN))

  expect([nonces.size, [...nonces][0]!.length]).toEqual([200, 32])
  expect(await person.ask('/step-up', authenticator.get(options, ORIGIN))).toEqual({ ok: false, reason: 'replayed' })
})
