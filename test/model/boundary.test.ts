/**
 * Where M1 ends (docs/decisions/0002-rotation.md, "The boundary"): an answer that carries a token is overtaken by a later token of
 * more authority, and arrives last. The browser is left with the older token; the server cannot tell it from a thief's copy.
 */
import { describe, expect, it } from 'vitest'
import { minutes, seconds } from '../../src/core/duration.ts'
import { createSessions, type Sessions } from '../../src/core/sessions.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { exploreWithin, HOLDS, PATIENCE } from './bounds.ts'

const GRACE = seconds(30)

function setUp() {
  const clock = fakeClock()
  const keys = 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'
  const policy = { rotationGrace: GRACE, rotateAfter: minutes(15) }
  const sessions = createSessions({ store: memoryStore(), keys, clock, policy })
  return { clock, sessions }
}

/** Renewed in one tab, whose answer is slow; another tab has the same successor, proves more with it and uses what it got. */
async function overtaken({ clock, sessions }: ReturnType<typeof setUp>): Promise<{ late: string; elevated: string }> {
  const { token: first } = await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()
  clock.advance(minutes(15))
  const { token: late } = await (await sessions.read(first)).commit()
  const { token: renewed } = await (await sessions.read(first)).commit()
  const stepUp = await sessions.read(renewed)
  await stepUp.elevate({ method: 'otp' })
  const { token: elevated } = await stepUp.commit()
  await used(sessions, elevated!)
  return { late: late!, elevated: elevated! }
}

async function used(sessions: Sessions, token: string): Promise<{ state: string; acr: string; kind: string }> {
  const { state, acr, ...session } = await sessions
    .read(token)
    .then((one) => ({ state: one.state, acr: one.acr, commit: () => one.commit() }))
  return { state, acr, kind: (await session.commit()).kind }
}

describe('an answer overtaken by a step-up', () => {
  it('leaves the browser what it could do before, and no way to more', async () => {
    const world = setUp()
    const { late } = await overtaken(world)

    const visit = await used(world.sessions, late)

    expect(visit).toEqual({ state: 'active', acr: 'aal1', kind: 'none' })
  })

  it('ends the session once the grace has passed, so that the owner signs in again', async () => {
    const world = setUp()
    const { late, elevated } = await overtaken(world)
    world.clock.advance(GRACE)
    await used(world.sessions, late)

    const visit = await used(world.sessions, elevated)

    expect(visit).toEqual({ state: 'revoked', acr: 'aal0', kind: 'none' })
  })

  it('breaks no other rule, whatever else happens', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('answers overtaken by step-ups', {
      operations: ['use', 'elevate', 'rotate'],
      proofs: 2,
      mayOvertake: true,
    })

    expect(exploration).toMatchObject(HOLDS)
  })
})

describe('an answer overtaken by a sign-in', () => {
  it('breaks no other rule, whatever else happens', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('answers overtaken by a sign-in', {
      tabs: 3,
      rotations: 1,
      operations: ['use', 'signIn', 'signOut'],
      mayOvertake: true,
    })

    expect(exploration).toMatchObject(HOLDS)
  })
})

describe('renewals on request', () => {
  it('within twice the grace of the first use of the token can leave a tab with one about to die', { timeout: PATIENCE }, () => {
    const exploration = exploreWithin('impatient renewals, up to the first violation', {
      operations: ['use', 'rotate'],
      rotations: 3,
      isPatient: false,
    })

    expect(exploration.violation?.rule).toMatch(/^M[15]/)
  })
})
