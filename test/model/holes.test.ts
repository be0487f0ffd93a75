/** The holes that the model and a reading of the code found, each on the real service. docs/decisions/0002-rotation.md tells the stories. */
import { describe, expect, it } from 'vitest'
import { hours, minutes, seconds } from '../../src/core/duration.ts'
import { createSessions, type Sessions } from '../../src/core/sessions.ts'
import type { Store, UpdateOutcome } from '../../src/core/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'

const KEY = 'G_83vSHb90P-P6U7UJNQ0fqZ-fgSOE7mJiMvJmEZG0g'
const GRACE = seconds(30)
const ROTATE_AFTER = minutes(15)
const IDLE = hours(1)

function setUp(store: Store = memoryStore()) {
  const clock = fakeClock()
  const policy = { rotationGrace: GRACE, rotateAfter: ROTATE_AFTER, idleTimeout: IDLE, absoluteTimeout: hours(8) }
  const sessions = createSessions({ store, keys: KEY, clock, policy })
  return { clock, sessions }
}

async function signIn(sessions: Sessions): Promise<string> {
  const { token } = await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()
  return token!
}

/** A request that does nothing: what it was, and the token its answer carries. */
async function visit(sessions: Sessions, token: string) {
  const session = await sessions.read(token)
  return { state: session.state, ...(await session.commit()) }
}

async function elevate(sessions: Sessions, token: string, method: string): Promise<string> {
  const session = await sessions.read(token)
  await session.elevate({ method })
  return (await session.commit()).token!
}

describe('renewal', () => {
  it('does not replace a token on its first use, however long that was in coming', async () => {
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    clock.advance(ROTATE_AFTER)
    await visit(sessions, first)
    clock.advance(ROTATE_AFTER)
    const { token: renewed } = await visit(sessions, first)

    const { kind } = await visit(sessions, renewed!)

    expect(kind).toBe('none')
  })

  it('leaves every tab signed in when the answers to parallel requests of a page arrive in any order', async () => {
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    clock.advance(ROTATE_AFTER)
    await visit(sessions, first)
    clock.advance(ROTATE_AFTER)
    const [fast, slow] = [await visit(sessions, first), await visit(sessions, first)]
    const jarMeanwhile = (await visit(sessions, fast.token!)).token ?? fast.token!
    await visit(sessions, jarMeanwhile)
    clock.advance(GRACE)

    const { state } = await visit(sessions, slow.token!)

    expect(state).toBe('active')
  })

  it('is not sent by a handler that took longer than the grace', async () => {
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    clock.advance(ROTATE_AFTER)
    await visit(sessions, first)
    const slow = await sessions.read(first)
    clock.advance(GRACE)

    const { kind } = await slow.commit()

    expect(kind).toBe('none')
  })
})

describe('reuse', () => {
  it('is seen when a token is in use that a step-up in another tab replaced before anybody used it', async () => {
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    const [inOneTab, inAnother] = [await sessions.read(first), await sessions.read(first)]
    await inOneTab.elevate({ method: 'otp' })
    const { token: second } = await inOneTab.commit()
    await inAnother.elevate({ method: 'hwk' })
    await inAnother.commit()
    await visit(sessions, second!)
    clock.advance(GRACE)

    const { state } = await visit(sessions, first)

    expect(state).toBe('reused')
  })

  it('is not seen in a token that is in use, however many step-ups after it were lost', async () => {
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    const [inOneTab, inAnother] = [await sessions.read(first), await sessions.read(first)]
    await inOneTab.elevate({ method: 'otp' })
    const { token: second } = await inOneTab.commit()
    await inAnother.elevate({ method: 'hwk' })
    for (let lost = 0; lost < 4; lost++) {
      await visit(sessions, second!)
      clock.advance(4 * GRACE)
      await elevate(sessions, second!, 'otp')
    }

    const { state } = await visit(sessions, second!)

    expect(state).toBe('active')
  })

  it('is not seen in a token whose answer is still under way, however many step-ups follow within the grace', async () => {
    // Seed -2144173394 of histories.test.ts: making room once made a later token look older than it was.
    const { clock, sessions } = setUp()
    const first = await signIn(sessions)
    await elevate(sessions, first, 'otp')
    clock.advance(4 * GRACE)
    const underWay = await elevate(sessions, first, 'otp')
    for (let more = 0; more < 4; more++) await elevate(sessions, first, 'otp').catch(() => {})

    const { state } = await visit(sessions, underWay)

    expect(state).toBe('active')
  })
})

describe('an answer', () => {
  it('to the token of a session that ended long ago does not clear the cookie that a sign-in sets meanwhile', async () => {
    const { clock, sessions } = setUp()
    const ended = await signIn(sessions)
    await sessions.revokeSubject('ada')
    clock.advance(hours(1))
    const polling = await sessions.read(ended)
    await signIn(sessions)

    const { kind } = await polling.commit()

    expect(kind).toBe('none')
  })

  it('to a sign-out clears the cookie although a parallel write of the same request is acknowledged later', async () => {
    let acknowledge = () => {}
    const store = memoryStore()
    const update = store.update.bind(store)
    store.update = async (...call): Promise<UpdateOutcome> => {
      const outcome = await update(...call)
      await new Promise<void>((resolve) => {
        acknowledge = resolve
      })
      return outcome
    }
    const { sessions } = setUp(store)
    const session = await sessions.read(await signIn(sessions))
    const writing = session.update((data) => {
      data.visits = 1
    })
    await session.signOut()
    acknowledge()
    await writing

    const { kind } = await session.commit()

    expect(kind).toBe('clear')
  })
})

describe('a session that others kept alive while a slow request ran', () => {
  // Seed -826025877 of histories.test.ts: the deadline that the slow request had read was over, the session's was not.
  it('takes the late write', async () => {
    const { clock, sessions } = setUp()
    const token = await signIn(sessions)
    const slow = await sessions.read(token)
    slow.data.basket = ['late']
    clock.advance(IDLE - 1)
    await (await sessions.read(token)).touch()
    clock.advance(1)
    await slow.commit()

    const { data } = await sessions.read(token)

    expect(data).toEqual({ basket: ['late'] })
  })
})

describe('an expired session', () => {
  it('stays expired when a slow request writes data', async () => {
    const { clock, sessions } = setUp()
    const token = await signIn(sessions)
    clock.advance(IDLE - 1)
    const slow = await sessions.read(token)
    slow.data.basket = ['late']
    clock.advance(1)
    await Promise.resolve(slow.commit()).catch(() => {})

    const { state } = await visit(sessions, token)

    expect(state).toBe('expired')
  })

  it('refuses the late write instead of dropping it unseen', async () => {
    const { clock, sessions } = setUp()
    const slow = await sessions.read(await signIn(sessions))
    slow.data.basket = ['late']
    clock.advance(IDLE)

    const committing = slow.commit()

    await expect(committing).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  })

  it('stays expired when a slow request proves more', async () => {
    const { clock, sessions } = setUp()
    const token = await signIn(sessions)
    const slow = await sessions.read(token)
    clock.advance(IDLE)

    const elevating = slow.elevate({ method: 'otp' })

    await expect(elevating).rejects.toMatchObject({ code: 'ERR_SESSION_ENDED' })
  })

  it('stays expired when a slow request records its activity', async () => {
    const { clock, sessions } = setUp()
    const token = await signIn(sessions)
    const slow = await sessions.read(token)
    clock.advance(IDLE)
    await slow.touch()

    const { state } = await visit(sessions, token)

    expect(state).toBe('expired')
  })
})
