// The attacker has: everything a victim's browser ever sent: assertions with their challenges, and cookies of before they were answered.
// The attacker does: sends it again, from their own client, with the victim's cookie and with their own, at once and later, to either of two servers.
// The attacker must not obtain: a session of the victim's, or a higher one than they have.
import { expect, it } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { Authenticator, BE, UP, UV } from '../stepup/passkeys/authenticator.ts'
import { elsewhere, enrolled, ORIGIN, Person, passkeySite } from '../stepup/passkeys/support.ts'

/** Keys that are copied between devices have no count: nothing but the challenge tells one use from another. */
const synced = () => new Authenticator({ flags: UP | UV | BE, counts: false })

async function seen() {
  const core = { store: faultyStore(memoryStore()), clock: fakeClock() }
  const victim = await enrolled({ authenticator: synced(), as: 'victim', core })
  const second = passkeySite({ core, factors: victim.site.factors })
  const visitor = elsewhere(victim)
  const assertion = victim.authenticator.get(await visitor.signInOptions(), ORIGIN)
  const cookieBefore = visitor.jar.header(ORIGIN)!
  await visitor.ask('/sign-in', assertion)
  return { ...victim, second, assertion, cookieBefore, clock: core.clock }
}

it('a sign-in, with the cookie it was made under, on either server', async () => {
  const { site, second, assertion, cookieBefore, clock } = await seen()
  const answers: unknown[] = []
  for (const server of [site, second, site]) {
    clock.advance(1000)
    const init = {
      method: 'POST',
      body: JSON.stringify(assertion),
      headers: { cookie: cookieBefore, 'sec-fetch-site': 'same-origin' },
    }
    const response = await server.respond(new Request(`${ORIGIN}/sign-in`, init))
    answers.push(await response.json(), response.headers.getSetCookie())
  }

  expect(answers).toEqual(
    Array(3)
      .fill([{ ok: false, reason: 'replayed' }, []])
      .flat(),
  )
})

it('a sign-in, with cookies of the attacker’s own', async () => {
  const { site, assertion } = await seen()
  const attacker = new Person(site)
  await attacker.signInOptions()

  expect(await attacker.ask('/sign-in', assertion)).toEqual({ ok: false, reason: 'challenge' })
  expect((await attacker.me()).subject).toBeNull()
})

it('a step-up, with the victim’s stolen session', async () => {
  const { person, authenticator, clock } = await enrolled({ authenticator: synced(), as: 'victim' }).then((found) => ({
    ...found,
    clock: found.site.clock,
  }))
  const assertion = authenticator.get(await person.stepUpOptions(), ORIGIN)
  await person.ask('/step-up', assertion)
  const { facts } = await person.me()
  clock.advance(60_000)

  expect(await person.ask('/step-up', assertion)).toEqual({ ok: false, reason: 'replayed' })
  expect((await person.me()).facts).toEqual(facts)
})
