import { createOpaque, newOpaqueSetup } from 'sojourn/stepup/opaque'
import { beforeAll, describe, expect, it } from 'vitest'
import { codeOf, FOREIGN_KEY, KEY, OLDER_KEY, setUp } from '../../core/support.ts'
import { Browser, client, FORGED_FINISH, type OpaqueSite, opaqueSite } from './support.ts'

const throttle = { attempt: async () => ({ isAllowed: true }) as const, succeeded: async () => {} }

describe('what is no message', () => {
  let site: OpaqueSite
  let ticketOf: (path: string, body: unknown) => Promise<unknown>
  let browser: Browser

  beforeAll(async () => {
    site = await opaqueSite()
    browser = new Browser(site)
    ticketOf = async (path, body) => (await browser.post(path, body)).ticket
  })

  const GARBAGE: readonly unknown[] = [
    undefined,
    null,
    7,
    true,
    [],
    {},
    { toString: 'x' },
    '',
    'x',
    '\0',
    '👾'.repeat(20),
    'A'.repeat(43),
    'A'.repeat(86),
    'A'.repeat(128),
    'A'.repeat(256),
    '_'.repeat(128),
    'A'.repeat(1_000_000),
    '../../etc/passwd',
    '__proto__',
  ]

  it('begins nothing, and nothing breaks', async () => {
    for (const text of GARBAGE) {
      const answers = [
        await browser.post('/register/start', { registrationRequest: text }),
        await browser.post('/login/start', { account: 'ada', startLoginRequest: text }),
      ]
      expect(answers, JSON.stringify(text)?.slice(0, 20)).toEqual([
        { ok: false, reason: 'wrong' },
        { ok: false, reason: 'wrong' },
      ])
    }
  })

  it('finishes nothing, and nothing breaks', async () => {
    for (const text of GARBAGE) {
      const { registrationRequest } = client.startRegistration({ password: 'x' })
      const { startLoginRequest } = client.startLogin({ password: 'x' })
      const registration = await ticketOf('/register/start', { registrationRequest })
      const login = await ticketOf('/login/start', { account: `ada ${GARBAGE.indexOf(text)}`, startLoginRequest })
      const answers = [
        await browser.post('/register/finish', { ticket: registration, registrationRecord: text }),
        await browser.post('/login/finish', { ticket: login, finishLoginRequest: text }),
        await browser.post('/login/finish', { ticket: text, finishLoginRequest: FORGED_FINISH }),
      ]
      expect(answers, JSON.stringify(text)?.slice(0, 20)).toEqual([
        { ok: false, reason: 'wrong' },
        { ok: false, reason: 'wrong' },
        { ok: false, reason: 'expired' },
      ])
    }
  })

  it.each([null, 7, 'x', [], {}, { account: 'ada' }])('of any JSON at all: %j', async (body) => {
    expect(await browser.post('/login/start', body)).toEqual({ ok: false, reason: 'wrong' })
    expect(await browser.post('/login/finish', body)).toEqual({ ok: false, reason: 'expired' })
    expect(await browser.post('/register/start', body)).toEqual({ ok: false, reason: 'wrong' })
  })

  it.each(['', 'x'.repeat(1025), '👾'.repeat(257), 'a\ud800', 7, null, ['ada']])('names no account: %j', async (account) => {
    const { startLoginRequest } = client.startLogin({ password: 'x' })

    expect(await browser.post('/login/start', { account, startLoginRequest })).toEqual({ ok: false, reason: 'wrong' })
  })

  it.each(['__proto__', 'a\0b', `'; DROP TABLE people; --`, '👾'.repeat(100), ' '])(
    'may be an account’s name: %j',
    async (account) => {
      await browser.register(account, 'the password')

      expect(await new Browser(site).login(account, 'the password')).toMatchObject({ ok: true })
    },
  )
})

describe('the setup', () => {
  it('is sealed, and another one each time', async () => {
    const { sessions } = setUp()
    const [one, other] = [await newOpaqueSetup(sessions), await newOpaqueSetup(sessions)]

    expect(one).toMatch(/^[\w-]{230,300}$/)
    expect(one).not.toBe(other)
  })

  it('outlives the key that sealed it, if it is kept anew in time', async () => {
    const before = await opaqueSite({ keys: OLDER_KEY })
    await new Browser(before).register('ada', 'the password')
    const between = await opaqueSite({ keys: [KEY, OLDER_KEY], setup: before.setup })
    expect(between.opaque.setup).not.toBe(before.setup)
    const after = await opaqueSite({ keys: KEY, setup: between.opaque.setup })
    after.accounts.set('ada', before.accounts.get('ada')!)

    expect(after.opaque.setup).toBe(between.opaque.setup)
    expect(await new Browser(after).login('ada', 'the password')).toMatchObject({ ok: true })
  })

  it('makes every password wrong when it is another one', async () => {
    const before = await opaqueSite()
    await new Browser(before).register('ada', 'the password')
    const after = await opaqueSite()
    after.accounts.set('ada', before.accounts.get('ada')!)

    expect((await new Browser(after).startLogin('ada', 'the password')).finishLoginRequest).toBeUndefined()
  })

  it('that cannot be opened is refused at start-up, with what to do', async () => {
    const { sessions } = setUp({ keys: KEY })
    const foreign = await newOpaqueSetup(setUp({ keys: FOREIGN_KEY }).sessions)
    const own = await newOpaqueSetup(sessions)
    const damaged = `${own.slice(0, 60)}${own[60] === 'A' ? 'B' : 'A'}${own.slice(61)}`
    const open = (setup: unknown) => () => createOpaque(sessions, { setup: setup as string, find: () => undefined, throttle })

    for (const setup of [foreign, damaged, own.slice(0, -1), '', undefined, 7, 'x'.repeat(300)]) {
      expect(await codeOf(open(setup))).toBe('ERR_CONFIG_INVALID')
    }
    expect(open(foreign)).toThrow('Put that key back')
    expect(open(own)).not.toThrow()
  })

  it('needs a throttle and a way to find accounts', async () => {
    const { sessions } = setUp()
    const setup = await newOpaqueSetup(sessions)

    expect(() => createOpaque(sessions, { setup, find: () => undefined } as never)).toThrow('throttle')
    expect(() => createOpaque(sessions, { setup, throttle } as never)).toThrow('find')
  })
})

describe('what is kept between two messages', () => {
  it('is sealed, under a key that names nobody', async () => {
    const kept: string[] = []
    const site = await opaqueSite()
    const { put } = site.store.ledger
    site.store.ledger.put = (key, value, options) => {
      kept.push(key, Buffer.from(value).toString('latin1'))
      return put.call(site.store.ledger, key, value, options)
    }
    await new Browser(site).register('ada', 'the password')
    const { ticket } = await new Browser(site).startLogin('ada', 'the password')

    const own = kept.filter((text, index) => text.includes('opaque') || kept[index - 1]?.includes('opaque'))
    expect(own).toHaveLength(4)
    expect(own.join()).not.toMatch(/serverLoginState|ada|identifier/)
    expect(own.join()).not.toContain(String(ticket))
  })

  it('is asked for again when the store is away: a fault, and no answer about the password', async () => {
    const site = await opaqueSite()
    await new Browser(site).register('ada', 'the password')
    const session = await site.sessions.signIn({ subject: 'somebody', method: 'pwd' })
    const { startLoginRequest } = client.startLogin({ password: 'the password' })
    site.store.ledger.put = async () => Promise.reject(new Error('away'))

    expect(await codeOf(site.opaque.startLogin(session, { account: 'ada', startLoginRequest }))).toBe('ERR_STORE_UNAVAILABLE')
  })
})
