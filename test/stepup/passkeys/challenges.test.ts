// A challenge is good once, for a while, for one purpose, and for whom it was given to.
import { describe, expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { memoryStore } from '../../../src/stores/memory.ts'
import { fakeClock } from '../../../src/testing/fake-clock.ts'
import { faultyStore } from '../../../src/testing/faulty-store.ts'
import { FOREIGN_KEY } from '../../core/support.ts'
import { Authenticator } from './authenticator.ts'
import { elsewhere, enrolled, Person, passkeySite } from './support.ts'

const uncounted = () => new Authenticator({ counts: false })

describe('once', () => {
  it('a second answer to it is refused, the same or another', async () => {
    const { person, authenticator, site } = await enrolled({ authenticator: uncounted() })
    const options = await person.stepUpOptions()
    const answer = authenticator.get(options, person.origin)

    expect(await person.ask('/step-up', answer)).toMatchObject({ ok: true })
    expect(await person.ask('/step-up', answer)).toEqual({ ok: false, reason: 'replayed' })
    expect(await person.ask('/step-up', authenticator.get(options, person.origin))).toEqual({ ok: false, reason: 'replayed' })
    expect(await site.reasons()).toEqual(['replayed', 'replayed'])
  })

  it('a wrong answer uses it up as well', async () => {
    const { person, authenticator } = await enrolled()
    const options = await person.stepUpOptions()
    await person.ask('/step-up', authenticator.get(options, 'https://evil.example'))

    expect(await person.ask('/step-up', authenticator.get(options, person.origin))).toEqual({ ok: false, reason: 'replayed' })
  })

  it('of a hundred parallel answers, in two processes with one store, one counts', async () => {
    const store = faultyStore(memoryStore())
    const clock = fakeClock()
    const first = await enrolled({ authenticator: uncounted(), core: { store, clock } })
    const second = passkeySite({ core: { store, clock }, factors: first.site.factors })
    const visitor = elsewhere({ site: first.site, authenticator: first.authenticator })
    const answer = first.authenticator.get(await visitor.signInOptions(), visitor.origin)
    const cookie = visitor.jar.header('https://shop.example')!
    const body = JSON.stringify(answer)
    const post = async (index: number) => {
      const init = { method: 'POST', body, headers: { cookie, 'sec-fetch-site': 'same-origin' } }
      const response = await [first.site, second][index % 2]!.respond(new Request('https://shop.example/sign-in', init))
      return ((await response.json()) as { reason?: string }).reason ?? 'in'
    }

    const outcomes = await Promise.all(Array.from({ length: 100 }, (_, index) => post(index)))

    expect(outcomes.filter((outcome) => outcome === 'in')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'replayed')).toHaveLength(99)
  })

  it('nothing is proved while the ledger is away', async () => {
    const { site, person, authenticator } = await enrolled()
    const answer = authenticator.get(await person.stepUpOptions(), person.origin)
    Object.assign(site.store.ledger, {
      claim: async () => {
        throw new Error('no connection')
      },
    })

    await expect(person.ask('/step-up', answer)).rejects.toThrow()
    expect((await person.me()).acr).toBe('aal1')
  })
})

describe('for a while', () => {
  it('five minutes: one millisecond less is in time, and at five it is too late', async () => {
    const { person, authenticator, site } = await enrolled()
    const [inTime, tooLate] = [await person.stepUpOptions(), await person.stepUpOptions()]
    site.clock.advance(minutes(5) - 1)

    expect(await person.ask('/step-up', authenticator.get(inTime, person.origin))).toMatchObject({ ok: true })
    site.clock.advance(1)
    expect(await person.ask('/step-up', authenticator.get(tooLate, person.origin))).toEqual({ ok: false, reason: 'expired' })
  })

  it('stays spent on a process whose clock is behind', async () => {
    const store = faultyStore(memoryStore())
    const [clock, behind] = [fakeClock(), fakeClock()]
    behind.advance(-30_000)
    const first = await enrolled({ authenticator: uncounted(), core: { store, clock } })
    const second = passkeySite({ core: { store, clock: behind }, factors: first.site.factors })
    const { person, authenticator } = first
    const answer = authenticator.get(await person.stepUpOptions(), person.origin)
    clock.advance(minutes(5) - 1)
    behind.advance(minutes(5) - 1)
    await person.ask('/step-up', answer)
    clock.advance(20_000)
    behind.advance(20_000)
    const late = new Person(second, authenticator)
    Object.assign(late, { jar: person.jar })

    expect(await late.ask('/step-up', answer)).toEqual({ ok: false, reason: 'replayed' })
  })

  it('one of a clock far ahead is none of ours', async () => {
    const { person, authenticator, site } = await enrolled()
    const options = await person.stepUpOptions()
    site.clock.advance(-61_000)

    expect(await person.ask('/step-up', authenticator.get(options, person.origin))).toEqual({ ok: false, reason: 'expired' })
  })
})

describe('for one purpose and one owner', () => {
  it('of sign-in at step-up, of step-up at sign-in, of registration at either', async () => {
    const { person, authenticator } = await enrolled()
    await person.stepUp()
    const signIn = await person.signInOptions()
    const stepUp = await person.stepUpOptions()
    const { challenge } = await person.registrationOptions()
    const answer = (options: typeof stepUp) => authenticator.get(options, person.origin)

    expect(await person.ask('/step-up', answer({ ...stepUp, challenge: signIn.challenge }))).toMatchObject({
      reason: 'challenge',
    })
    expect(await person.ask('/sign-in', answer({ ...signIn, challenge: stepUp.challenge }))).toMatchObject({
      reason: 'challenge',
    })
    expect(await person.ask('/step-up', answer({ ...stepUp, challenge }))).toMatchObject({ reason: 'challenge' })
    expect(await person.ask('/sign-in', answer({ ...signIn, challenge }))).toMatchObject({ reason: 'challenge' })
    const response = new Authenticator().create(
      { rp: { id: 'shop.example' }, user: { id: 'YQ' }, challenge: stepUp.challenge },
      person.origin,
    )
    expect(await person.ask('/register', { response })).toEqual({ ok: false, reason: 'challenge' })
  })

  it('of another session of the same person', async () => {
    const { site, person, authenticator } = await enrolled()
    const other = elsewhere({ site, authenticator })
    await other.login()

    expect(await person.ask('/step-up', authenticator.get(await other.stepUpOptions(), person.origin))).toMatchObject({
      reason: 'challenge',
    })
  })

  it('of another visitor, or of the same one without the cookie', async () => {
    const { site, authenticator } = await enrolled()
    const [one, two] = [elsewhere({ site, authenticator }), elsewhere({ site, authenticator })]
    const options = await one.signInOptions()
    await two.signInOptions()

    expect(await two.ask('/sign-in', authenticator.get(options, two.origin))).toMatchObject({ reason: 'challenge' })
    expect(await elsewhere({ site, authenticator }).ask('/sign-in', authenticator.get(options, two.origin))).toMatchObject({
      reason: 'challenge',
    })
    expect(await one.ask('/sign-in', authenticator.get(options, one.origin))).toMatchObject({ ok: true })
  })

  it('of the visitor that somebody was before they signed in', async () => {
    const { site, authenticator } = await enrolled()
    const visitor = elsewhere({ site, authenticator })
    const options = await visitor.signInOptions()
    await visitor.login('bob')

    expect(await visitor.ask('/sign-in', authenticator.get(options, visitor.origin))).toMatchObject({ reason: 'challenge' })
  })

  it('of an installation with other keys', async () => {
    const { person, authenticator } = await enrolled()
    const foreign = await enrolled({ core: { keys: FOREIGN_KEY } })

    expect(
      await person.ask(
        '/step-up',
        authenticator.get(
          { ...(await person.stepUpOptions()), challenge: (await foreign.person.stepUpOptions()).challenge },
          person.origin,
        ),
      ),
    ).toMatchObject({ reason: 'challenge' })
  })

  it('with any one bit changed, or spelled in another way', async () => {
    const { person, authenticator } = await enrolled({ authenticator: uncounted() })
    const options = await person.stepUpOptions()
    const bytes = Buffer.from(options.challenge, 'base64url')
    const variants = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const changed = Buffer.from(bytes)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      return changed.toString('base64url')
    })
    const spellings = [`${options.challenge}=`, `${options.challenge} `, options.challenge.slice(1), '', 'A'.repeat(4000)]
    const accepted: string[] = []
    for (const challenge of [...variants, ...spellings]) {
      const { reason } = await person.ask<{ reason?: string }>(
        '/step-up',
        authenticator.get({ ...options, challenge }, person.origin),
      )
      if (reason !== 'challenge' && reason !== 'malformed') accepted.push(challenge)
    }

    expect(accepted).toEqual([])
    expect(await person.ask('/step-up', authenticator.get(options, person.origin))).toMatchObject({ ok: true })
  })

  it('is another each time, with 16 random bytes', async () => {
    const visitor = new Person(passkeySite())
    const challenges = await Promise.all(Array.from({ length: 50 }, async () => (await visitor.signInOptions()).challenge))
    const random = challenges.map((text) => Buffer.from(text, 'base64url').subarray(7, 23).toString('hex'))

    expect(new Set(random).size).toBe(50)
  })
})
