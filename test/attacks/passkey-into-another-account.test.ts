// The attacker has: a passkey of their own, and sometimes the victim's cookie, password, or a registration the victim is in the middle of.
// The attacker does: adds their passkey to the victim's account, or registers the victim's credential id as their own.
// The attacker must not obtain: one factor in an account that is not theirs, nor a victim who cannot use their own.
import { expect, it } from 'vitest'
import { minutes } from '../../src/core/duration.ts'
import { Authenticator } from '../stepup/passkeys/authenticator.ts'
import { elsewhere, enrolled, ORIGIN, Person } from '../stepup/passkeys/support.ts'

it('a registration begun in the victim’s session, ended in the attacker’s, and the other way round', async () => {
  const { site, person: victim } = await enrolled({ as: 'victim' })
  await victim.stepUp()
  const attacker = new Person(site)
  await attacker.login('attacker')
  const device = new Authenticator()
  const ofVictims = device.create(await victim.registrationOptions(), ORIGIN)
  const ofAttackers = device.create(await attacker.registrationOptions(), ORIGIN)

  expect(await attacker.ask('/register', { response: ofVictims })).toEqual({ ok: false, reason: 'challenge' })
  expect(await victim.ask('/register', { response: ofAttackers })).toEqual({ ok: false, reason: 'challenge' })
  expect(await site.factors.list('attacker')).toEqual([])
  expect(await site.factors.list('victim')).toHaveLength(1)
})

it('with the victim’s stolen cookie, long after they signed in', async () => {
  const { site, person: victim } = await enrolled({ as: 'victim' })
  await victim.stepUp()
  const begun = await victim.registrationOptions()
  site.clock.advance(minutes(21))

  expect((await victim.send('/register-options')).status).toBe(401)
  const response = new Authenticator().create(begun, ORIGIN)
  expect((await victim.send('/register', { response })).status).toBe(401)
})

it('with the victim’s password alone', async () => {
  const { site } = await enrolled({ as: 'victim' })
  const attacker = new Person(site)
  await attacker.login('victim')

  expect((await attacker.send('/register-options')).status).toBe(401)
})

it('one begun with the password alone, before the victim added their first', async () => {
  const { site } = await enrolled({ as: 'somebody' })
  const attacker = new Person(site)
  await attacker.login('victim')
  const begun = await attacker.registrationOptions()
  await enrolled({ site, as: 'victim' })

  expect((await attacker.send('/register', { response: new Authenticator().create(begun, ORIGIN) })).status).toBe(401)
  expect(await site.factors.list('victim')).toHaveLength(1)
})

it('the victim’s credential id with the attacker’s key', async () => {
  const victim = await enrolled({ as: 'victim' })
  const { id } = victim.authenticator.credentials[0]!
  const attacker = new Person(victim.site)
  await attacker.login('attacker')

  expect(await attacker.register({ attestedId: Buffer.from(id, 'base64url'), top: { id, rawId: id } })).toEqual({
    ok: false,
    reason: 'taken',
  })
  // Said to be another than what is attested, either way.
  expect(await attacker.register({ attestedId: Buffer.from(id, 'base64url') })).toEqual({ ok: false, reason: 'wrong' })
  expect(await attacker.register({ top: { id, rawId: id } })).toEqual({ ok: false, reason: 'wrong' })
  expect(await elsewhere(victim).signIn()).toMatchObject({ ok: true, subject: 'victim' })
})

it('a row of the attacker’s, moved under the victim’s name in the database', async () => {
  const { site, authenticator } = await enrolled({ as: 'attacker' })
  const [own] = await site.factors.list('attacker')
  await site.factors.remove('attacker', own!.id)
  await site.factors.add({ ...own!, subject: 'victim' }, { most: 20 })

  expect(await elsewhere({ site, authenticator }).signIn()).toEqual({ ok: false, reason: 'unknown' })
})
