// The attacker has: an account and passkeys of their own, challenges of both sessions, and sometimes an assertion of the victim's that was never sent.
// The attacker does: answers the victim's challenge with their own passkey, their own with the victim's assertion, and plants their cookie in the victim's browser.
// The attacker must not obtain: the victim's account, a step-up in their session, or the victim in an account of the attacker's.
import { expect, it } from 'vitest'
import { elsewhere, enrolled, ORIGIN, Person } from '../stepup/passkeys/support.ts'

async function both() {
  const victim = await enrolled({ as: 'victim' })
  const attacker = await enrolled({ site: victim.site, as: 'attacker' })
  return { victim, attacker, site: victim.site }
}

it('the victim’s step-up challenge, answered by the attacker’s passkey in the victim’s session', async () => {
  const { victim, attacker } = await both()
  const options = { ...(await victim.person.stepUpOptions()), allowCredentials: [] }

  expect(await victim.person.ask('/step-up', attacker.authenticator.get(options, ORIGIN))).toEqual({
    ok: false,
    reason: 'unknown',
  })
  expect((await victim.person.me()).acr).toBe('aal1')
})

it('the victim’s challenge, answered in the attacker’s session', async () => {
  const { victim, attacker } = await both()
  const options = { ...(await victim.person.stepUpOptions()), allowCredentials: [] }

  expect(await attacker.person.ask('/step-up', attacker.authenticator.get(options, ORIGIN))).toEqual({
    ok: false,
    reason: 'challenge',
  })
})

it('the victim’s unsent assertion, in the attacker’s session', async () => {
  const { victim, attacker } = await both()
  const unsent = victim.authenticator.get(await elsewhere(victim).signInOptions(), ORIGIN)
  const visitor = new Person(victim.site)
  await visitor.signInOptions()

  expect(await visitor.ask('/sign-in', unsent)).toEqual({ ok: false, reason: 'challenge' })
  expect(await attacker.person.ask('/sign-in', unsent)).toEqual({ ok: false, reason: 'challenge' })
})

it('the attacker’s sign-in, posted from the victim’s browser (login CSRF)', async () => {
  const { attacker, victim } = await both()
  const own = elsewhere(attacker)
  const assertion = attacker.authenticator.get(await own.signInOptions(), ORIGIN)
  const visitor = elsewhere(victim)
  await visitor.signInOptions()

  expect(await visitor.ask('/sign-in', assertion)).toEqual({ ok: false, reason: 'challenge' })
  expect((await visitor.me()).subject).toBeNull()
})

it('the attacker’s passkey with the victim’s user handle, and the other way round', async () => {
  const { victim, attacker } = await both()
  const handles = [victim, attacker].map(({ authenticator }) => authenticator.credentials[0]!.userHandle)

  expect(await elsewhere(attacker).signIn({ userHandle: handles[0]! })).toEqual({ ok: false, reason: 'wrong' })
  expect(await elsewhere(victim).signIn({ userHandle: handles[1]! })).toEqual({ ok: false, reason: 'wrong' })
  expect(await elsewhere(victim).signIn({ userHandle: null })).toEqual({ ok: false, reason: 'wrong' })
})

it('the victim’s credential id with the attacker’s key', async () => {
  const { victim, attacker } = await both()
  const { id } = victim.authenticator.credentials[0]!
  const { userHandle } = victim.authenticator.credentials[0]!

  expect(await elsewhere(attacker).signIn({ top: { id, rawId: id }, userHandle })).toEqual({ ok: false, reason: 'wrong' })
})
