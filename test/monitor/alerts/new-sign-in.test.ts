import { days, hours, minutes } from 'sojourn'
import { type NewSignInOptions, newSignInNotice, type SignIn } from 'sojourn/monitor/alerts'
import { cookieStore } from 'sojourn/stores/cookie'
import { faultyStore } from 'sojourn/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memoryStore } from '../../../src/stores/memory.ts'
import { FOREIGN_KEY, KEY, type LooseOptions, OLDER_KEY, setUp, signedIn, thrownBy } from '../../core/support.ts'

type Told = SignIn & { readonly token: string }
const PATIENCE = { timeout: 10_000, interval: 20 }
const LAPTOP = { device: 'Firefox on Linux' }
const PHONE = { device: 'Safari on iPhone' }

function told(options: Partial<NewSignInOptions> = {}, service = setUp()) {
  const mails: Told[] = []
  const notice = newSignInNotice(service.sessions, { tell: (signIn) => mails.push(signIn), ...options })
  onTestFinished(() => notice.close({ timeout: 0 }))
  const signIn = async (context: { device?: string } = {}, subject = 'ada') => {
    const session = await service.sessions.signIn({ subject, method: 'pwd' }, context)
    await notice.drained()
    service.clock.advance(1)
    return session.id!
  }
  const alive = async (subject = 'ada') => (await service.sessions.list(subject)).map(({ id }) => id)
  return { ...service, mails, notice, signIn, alive }
}

describe('who is told', () => {
  it('a person hears of a sign-in from a device they have no session on', async () => {
    const { mails, signIn, seen, clock } = told()
    const at = clock()

    const id = await signIn(LAPTOP)

    expect(mails).toEqual([
      {
        subject: 'ada',
        sessionId: id,
        at,
        methods: ['pwd'],
        device: 'Firefox on Linux',
        pending: undefined,
        provider: undefined,
        token: expect.stringMatching(/^sjw1_/),
      },
    ])
    expect(await seen('notice.sent')).toMatchObject([{ kind: 'new-sign-in', subject: 'ada', sessionId: id }])
  })

  it('not of one from a device they have, be it long ago', async () => {
    const { mails, signIn } = told()

    await signIn(LAPTOP)
    await signIn(LAPTOP)
    await signIn(PHONE)

    expect(mails.map(({ device }) => device)).toEqual(['Firefox on Linux', 'Safari on iPhone'])
  })

  it('the device of another person is nobody else’s', async () => {
    const { mails, signIn } = told()

    await signIn(LAPTOP, 'ada')
    await signIn(LAPTOP, 'bob')

    expect(mails.map(({ subject }) => subject)).toEqual(['ada', 'bob'])
  })

  it('a device that says nothing of itself is new each time', async () => {
    const { mails, signIn } = told()

    await signIn()
    await signIn()

    expect(mails).toHaveLength(2)
  })

  it('of two that start in the same instant, at least one is told of', async () => {
    const { sessions, mails, notice } = told()

    await Promise.all([1, 2, 3].map(() => sessions.signIn({ subject: 'ada', method: 'pwd' }, LAPTOP)))
    await notice.drained()

    expect(mails.length).toBeGreaterThan(0)
  })

  it('an anonymous session is nobody’s', async () => {
    const { sessions, mails, notice } = told()

    await sessions.start({ data: { basket: ['tea'] } })
    await notice.drained()

    expect(mails).toEqual([])
  })

  it('a password without the second factor that is due is told of as that', async () => {
    const { sessions, mails, notice } = told()

    await sessions.signIn({ subject: 'ada', method: 'pwd', due: 'aal2' })
    await notice.drained()

    expect(mails).toMatchObject([{ pending: 'aal2' }])
  })

  it('the application decides otherwise, and knows what the default says', async () => {
    const asked: unknown[] = []
    const isNew = (signIn: SignIn, isNewDevice: boolean) => {
      asked.push([signIn.device, isNewDevice])
      return signIn.device === PHONE.device
    }
    const { mails, signIn } = told({ isNew })

    await signIn(LAPTOP)
    await signIn(LAPTOP)
    await signIn(PHONE)

    expect(mails).toMatchObject([PHONE])
    expect(asked).toEqual([
      [LAPTOP.device, true],
      [LAPTOP.device, false],
      [PHONE.device, true],
    ])
  })

  it('a sign-in that cannot be judged is new', async () => {
    const isNew = () => {
      throw new Error('a bug of the application')
    }
    const { mails, signIn } = told({ isNew })

    await signIn(LAPTOP)

    expect(mails).toHaveLength(1)
  })

  it('mail that fails is tried again with the same link', async () => {
    const tokens: string[] = []
    const tell = ({ token }: Told) => {
      tokens.push(token)
      if (tokens.length < 3) throw new Error('the mail server is away')
    }
    const { sessions, clock, seen } = told({ tell })

    await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await expect
      .poll(async () => {
        clock.advance(5000)
        return (await seen('notice.sent')).length
      }, PATIENCE)
      .toBe(1)

    expect([tokens.length, new Set(tokens).size]).toEqual([3, 1])
  })

  it('who cannot be told for an hour is an event', async () => {
    const tell = () => Promise.reject(new Error('no'))
    const { sessions, clock, seen } = told({ tell })

    await sessions.signIn({ subject: 'ada', method: 'pwd' })

    await expect
      .poll(async () => {
        clock.advance(minutes(20))
        return seen('notice.failed')
      }, PATIENCE)
      .toMatchObject([{ subject: 'ada', reason: 'not-sent' }])
  })

  it('a store that is away for a moment costs no notice', async () => {
    const service = setUp()
    const { sessions, store, clock, mails } = told({}, service)

    await sessions.signIn({ subject: 'ada', method: 'pwd' })
    store.setFaults({ list: { kind: 'error' }, 'ledger.put': { kind: 'error' } })
    await expect.poll(() => store.calls.includes('list'), PATIENCE).toBe(true)
    store.setFaults({})
    await expect
      .poll(() => {
        clock.advance(2000)
        return mails.length
      }, PATIENCE)
      .toBe(1)
  })

  it('somebody signs in again and again: the last notice of the day ends all sessions', async () => {
    const { mails, notice, signIn, seen, alive } = told({ mostPerDay: 3 })

    for (let i = 0; i < 5; i++) await signIn()
    const states = await Promise.all(mails.map(({ token }) => notice.describe(token)))
    await notice.confirm(mails[2]!.token)

    expect(states.map((state) => 'ends' in state && state.ends)).toEqual(['session', 'session', 'all'])
    expect(await seen('notice.failed')).toMatchObject([{ reason: 'limit' }, { reason: 'limit' }])
    expect(await alive()).toEqual([])
  })
})

describe('this was not me', () => {
  it('ends that session and no other, and says that a new password is due', async () => {
    const { mails, notice, signIn, alive, seen } = told()
    const phone = await signIn(PHONE)
    const laptop = await signIn(LAPTOP)

    const outcome = await notice.confirm(mails[1]!.token)

    expect(outcome).toEqual({ ok: true, subject: 'ada', sessionId: laptop, count: 1, needsNewPassword: true })
    expect(await alive()).toEqual([phone])
    expect(await seen('session.revoked')).toMatchObject([{ sessionId: laptop, reason: 'disowned', actor: 'ada' }])
    expect(await seen('sign-in.disowned')).toMatchObject([{ subject: 'ada', sessionId: laptop, count: 1 }])
  })

  it('ends as well what was not told of because of it', async () => {
    const { mails, notice, signIn, alive } = told()
    await signIn(LAPTOP)
    const phone = await signIn(PHONE)
    await signIn(LAPTOP)

    await notice.confirm(mails[0]!.token)

    expect(await alive()).toEqual([phone])
  })

  it('spares the older sessions of the same device', async () => {
    const { mails, notice, signIn, alive } = told({ isNew: () => true })
    const mine = await signIn(LAPTOP)
    await signIn(LAPTOP)

    await notice.confirm(mails[1]!.token)

    expect(await alive()).toEqual([mine])
  })

  it('ends all, where the application wants it so', async () => {
    const { mails, notice, signIn, alive } = told({ ends: 'all' })
    await signIn(PHONE)
    await signIn(LAPTOP)

    expect(await notice.confirm(mails[1]!.token)).toMatchObject({ ok: true, count: 2 })
    expect(await alive()).toEqual([])
  })

  it('asks for a new password also when the session had ended before', async () => {
    const { mails, notice, signIn, sessions } = told()
    await sessions.revoke(await signIn(LAPTOP))

    expect(await notice.confirm(mails[0]!.token)).toMatchObject({ ok: true, count: 0, needsNewPassword: true })
  })

  it('a session that was renewed since is the same one', async () => {
    const { sessions, mails, notice, alive } = told()
    const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
    await notice.drained()
    await session.rotate()

    await notice.confirm(mails[0]!.token)

    expect(await alive()).toEqual([])
  })

  it('describing changes nothing, and names nobody', async () => {
    const { mails, notice, signIn, alive, clock } = told()
    const at = clock()
    const id = await signIn(LAPTOP)

    const state = await notice.describe(mails[0]!.token)
    await notice.describe(mails[0]!.token)

    expect(state).toEqual({
      state: 'open',
      at,
      device: 'Firefox on Linux',
      methods: ['pwd'],
      ends: 'session',
      deadline: at + days(7),
    })
    expect(await alive()).toEqual([id])
  })

  it('works for seven days', async () => {
    const { mails, notice, signIn, clock } = told()
    await signIn(LAPTOP)
    const { token } = mails[0]!

    clock.advance(days(7) - hours(1))
    const late = await notice.describe(token)
    clock.advance(hours(2))

    expect([late.state, await notice.describe(token)]).toEqual(['open', { state: 'unknown' }])
    expect(await notice.confirm(token)).toEqual({ ok: false, reason: 'unknown' })
  })

  it('of twenty clicks at once one counts', async () => {
    const { mails, notice, signIn, seen } = told()
    await signIn(LAPTOP)

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => notice.confirm(mails[0]!.token)))

    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
    expect(await notice.describe(mails[0]!.token)).toEqual({ state: 'used' })
    expect(await seen('sign-in.disowned')).toHaveLength(1)
  })

  it('nor does a second click that is slower than the first', async () => {
    const { mails, notice, signIn, store, seen } = told()
    await signIn(LAPTOP)
    store.setFaults({ 'ledger.take': [undefined, { kind: 'latency', milliseconds: 100 }] })

    const outcomes = await Promise.all([notice.confirm(mails[0]!.token), notice.confirm(mails[0]!.token)])

    expect(outcomes).toMatchObject([{ ok: true }, { ok: false, reason: 'used' }])
    expect([await seen('sign-in.disowned'), await notice.describe(mails[0]!.token)]).toMatchObject([[{}], { state: 'used' }])
  })

  it('a store that fails leaves the link good', async () => {
    const { mails, notice, signIn, store, alive } = told()
    await signIn(LAPTOP)
    store.setFaults({ revoke: { kind: 'error' } })

    await expect(notice.confirm(mails[0]!.token)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    store.setFaults({})

    expect(await notice.confirm(mails[0]!.token)).toMatchObject({ ok: true, count: 1 })
    expect(await alive()).toEqual([])
  })

  it('works after the keys were rotated, and not after they were replaced', async () => {
    const store = faultyStore(memoryStore())
    const before = told({}, setUp({ store, keys: OLDER_KEY }))
    await before.signIn(LAPTOP)
    const { token } = before.mails[0]!
    const options = (keys: LooseOptions['keys']) => setUp({ store, keys, clock: before.clock })

    expect(await told({}, options([KEY, OLDER_KEY])).notice.describe(token)).toMatchObject({ state: 'open' })
    expect(await told({}, options([FOREIGN_KEY])).notice.describe(token)).toEqual({ state: 'unknown' })
  })

  it('works in a process other than the one that told', async () => {
    const store = faultyStore(memoryStore())
    const first = told({}, setUp({ store }))
    const second = told({}, setUp({ store, clock: first.clock }))
    await first.signIn(LAPTOP)

    expect(await second.notice.confirm(first.mails[0]!.token)).toMatchObject({ ok: true, count: 1 })
  })
})

it('sealed cookies: every sign-in is new, and the link ends its session wherever its cookie is', async () => {
  const service = setUp({ store: faultyStore(cookieStore({ ledger: memoryStore() })) })
  const { sessions, notice, mails } = told({}, service)
  const token = await signedIn(sessions)
  await signedIn(sessions)
  await notice.drained()
  const before = (await sessions.read(token)).subject

  const outcome = await notice.confirm(mails[0]!.token)

  expect([mails.length, before, (await sessions.read(token)).subject]).toEqual([2, 'ada', undefined])
  expect(outcome).toMatchObject({ ok: true, subject: 'ada', count: 1 })
})

it('a store that ends nobody’s session but the caller’s own is refused at start-up', () => {
  const { sessions } = setUp({ store: faultyStore(cookieStore()) })

  expect(thrownBy(() => newSignInNotice(sessions, { tell: () => {} })).code).toBe('ERR_CONFIG_INVALID')
})

it.each<[string, unknown]>([
  ['no function to tell with', {}],
  ['ends neither', { tell: () => {}, ends: 'some' }],
  ['a lifetime of a year', { tell: () => {}, lifetime: days(365) }],
  ['isNew that is none', { tell: () => {}, isNew: true }],
  ['an option there is not', { tell: () => {}, isnew: () => true }],
])('%s is refused at start-up', (_, options) => {
  const { sessions } = setUp()

  expect(thrownBy(() => newSignInNotice(sessions, options as never)).code).toBe('ERR_CONFIG_INVALID')
})
