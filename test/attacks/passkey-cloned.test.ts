// The attacker has: a copy of the victim's authenticator, key and count, taken at some moment.
// The attacker does: uses it after the victim has used the original, again and again until its count is past the original's.
// The attacker must not obtain: a session, from the first use that shows there are two; and the victim's other passkey works on.
import { expect, it } from 'vitest'
import { Authenticator } from '../stepup/passkeys/authenticator.ts'
import { elsewhere, enrolled, Person } from '../stepup/passkeys/support.ts'

it('is refused, once and for good, with an event', async () => {
  const victim = await enrolled({ as: 'victim' })
  const copy = victim.authenticator.clone()
  for (let i = 0; i < 3; i++) await elsewhere(victim).signIn()
  const attacker = new Person(victim.site, copy)
  const reasons: unknown[] = []
  for (let i = 0; i < 8; i++) reasons.push((await attacker.signIn()).reason)

  expect(reasons).toEqual(Array(8).fill('suspected'))
  expect((await attacker.me()).subject).toBeNull()
  expect(await victim.site.seen('factor.suspected')).toMatchObject([{ factorId: victim.factorId, subject: 'victim' }])
})

it('is found out by the victim’s next use, where the copy was first', async () => {
  const victim = await enrolled({ as: 'victim' })
  const attacker = new Person(victim.site, victim.authenticator.clone())
  await attacker.signIn()
  await attacker.signIn()

  expect(await elsewhere(victim).signIn()).toEqual({ ok: false, reason: 'suspected' })
  expect(await attacker.signIn()).toEqual({ ok: false, reason: 'suspected' })
  expect(await victim.site.seen('factor.suspected')).toHaveLength(1)
})

it('takes nothing away from the victim’s other passkey', async () => {
  const victim = await enrolled({ as: 'victim' })
  const { person, site } = victim
  await person.stepUp()
  const second = new Authenticator()
  await person.ask('/register', { response: second.create(await person.registrationOptions(), person.origin) })
  const attacker = new Person(site, victim.authenticator.clone())
  await person.stepUp({ signCount: 50 })
  await attacker.signIn()

  expect(await new Person(site, second).signIn()).toMatchObject({ ok: true, subject: 'victim' })
})
