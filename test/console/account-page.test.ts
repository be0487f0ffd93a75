import { minutes } from 'sojourn'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { describe, expect, it, vi } from 'vitest'
import { linesOf } from '../../src/console/account-pages/activity.ts'
import { shown } from '../../src/console/account-pages/name.ts'
import { type AccountAudit, accountPages, type NotMe } from '../../src/console/account-pages.ts'
import { codeOf, setUp } from '../core/support.ts'
import { AGENTS, accountSite, devicesIn, END, fieldsOf, HOME, NOT_ME, person, wordsIn } from './account-support.ts'

/** Two browsers of one person; the first is looked at. */
async function two(...options: Parameters<typeof accountSite>) {
  const site = accountSite(...options)
  const here = person(site)
  const there = person(site, AGENTS.phone)
  const thereId = await there.signIn()
  site.clock.advance(minutes(5))
  const hereId = await here.signIn()
  return { site, here, there, hereId, thereId }
}

describe('what is shown', () => {
  it('every session of the person: the one in use first, then the latest used', async () => {
    const { site, here, hereId, thereId } = await two()
    site.clock.advance(minutes(10))
    const newest = await person(site, AGENTS.windows).signIn()
    const page = await here.text(HOME)

    expect(devicesIn(page)).toEqual([hereId, newest, thereId])
    expect(wordsIn(page)).toContain('Firefox on Linux This device Signed in 10 minutes ago Last used now')
    expect(wordsIn(page)).toContain('Safari on iPhone Signed in 15 minutes ago Last used 15 minutes ago')
  })

  it('nobody else’s session, and no token', async () => {
    const { site, here, there } = await two()
    const other = await person(site, AGENTS.windows).signIn('eve')
    const page = await here.text(HOME)

    expect(page).not.toContain(other)
    expect([here.token(), there.token()].filter((token) => page.includes(token!))).toEqual([])
  })

  it('a sign-in that stopped before its second factor is told as one', async () => {
    const { site, here } = await two()
    await person(site, AGENTS.windows).visit('/login?due', { headers: { 'sec-fetch-site': 'same-origin' } })

    expect(wordsIn(await here.text(HOME))).toContain('Not all the way in Somebody gave your password here')
  })

  it('a session that is pending sees nothing, and ends nothing', async () => {
    const { site, thereId, here, hereId } = await two()
    const half = person(site, AGENTS.windows)
    await half.visit('/login?due', { headers: { 'sec-fetch-site': 'same-origin' } })
    const seen = await half.visit(HOME)
    const deed = await half.send(END, { ...fieldsOf(await here.text(`${END}?id=${thereId}`)), which: 'all' })

    expect([seen.status, deed.status]).toEqual([303, 303])
    expect([seen, deed].map(({ headers }) => headers.get('location')?.split('?')[0])).toEqual(['/step-up', '/step-up'])
    expect(devicesIn(await here.text(HOME))).toEqual(expect.arrayContaining([hereId, thereId]))
  })

  it('a visitor is sent to sign in, and comes back', async () => {
    const answer = await person(accountSite()).visit(HOME)

    expect(answer.headers.get('location')).toBe('/login?acr=aal1&returnTo=%2Faccount%2Fdevices')
  })

  it('the place is what the application has words for, or the network that is recorded', async () => {
    const { here } = await two({}, { place: ({ isCurrent }) => (isCurrent ? 'Kyiv, Ukraine' : undefined) })

    expect(wordsIn(await here.text(HOME)).match(/Place \S+ \S+/g)).toEqual(['Place Kyiv, Ukraine'])
  })

  it('paths beside its own are the application’s, and those below it that are none are answered with 404', async () => {
    const { here } = await two()
    const statuses = async (...paths: string[]) =>
      Promise.all(
        paths.map(async (path) => [(await here.visit(path)).status, (await here.text(path)).includes('the application')]),
      )

    expect(await statuses('/account', `${HOME}x`, `${HOME}/nothing`, `${HOME}/notice?token=x`)).toEqual([
      [404, true],
      [404, true],
      [404, false],
      [404, false],
    ])
  })
})

describe('ending', () => {
  it('one: after a page that says that 1 session ends', async () => {
    const { here, there, thereId } = await two()
    const asked = wordsIn(await here.text(`${END}?id=${thereId}`))
    const answer = await here.press(`${END}?id=${thereId}`)

    expect(asked).toContain('Sign out 1 device')
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `${HOME}?done=one`])
    expect(wordsIn(await here.text(`${HOME}?done=one`))).toContain('The device is signed out.')
    expect((await there.me()).subject).toBeNull()
    expect((await here.me()).subject).toBe('ada')
  })

  it('all others: the number is said before, and exactly the one in use stays', async () => {
    const { site, here, hereId } = await two()
    await person(site, AGENTS.windows).signIn()
    const asked = wordsIn(await here.text(`${END}?which=others`))
    await here.press(`${END}?which=others`)

    expect(asked).toContain('Sign out 2 other devices')
    expect(devicesIn(await here.text(HOME))).toEqual([hereId])
  })

  it('all: the one in use as well, and the cookie goes', async () => {
    const { site, here, there } = await two({}, { signedOutPage: '/bye' })
    const asked = wordsIn(await here.text(`${END}?which=all`))
    const answer = await here.press(`${END}?which=all`)

    expect(asked).toContain('Sign out 2 devices')
    expect(answer.headers.get('location')).toBe('/bye')
    expect([here.token(), (await there.me()).subject]).toEqual([undefined, null])
    expect(await site.sessions.list('ada')).toEqual([])
  })

  it('the one in use needs no new proof; any other does, and the question is where the person comes back to', async () => {
    const { site, here, hereId, thereId } = await two()
    site.clock.advance(minutes(16))
    const other = await here.visit(`${END}?id=${thereId}`)
    const own = await here.visit(`${END}?id=${hereId}`)

    expect(other.headers.get('location')).toBe(
      `/step-up?acr=aal1&max_age=900&returnTo=${encodeURIComponent(`${END}?id=${thereId}`)}`,
    )
    expect(own.status).toBe(200)
    await here.prove()
    expect((await here.visit(`${END}?id=${thereId}`)).status).toBe(200)
  })

  it('a form that was shown before the proof grew old is refused', async () => {
    const { site, here, there, thereId } = await two()
    const fields = fieldsOf(await here.text(`${END}?id=${thereId}`))
    site.clock.advance(minutes(16))
    const answer = await here.send(END, fields)

    expect(answer.headers.get('location')).toMatch(/^\/step-up\?/)
    expect((await there.me()).subject).toBe('ada')
  })

  it('a session that has ended by now is said to have', async () => {
    const { here, there, thereId } = await two()
    const fields = fieldsOf(await here.text(`${END}?id=${thereId}`))
    await here.send(END, fields)
    const again = await here.send(END, fields)

    expect(again.headers.get('location')).toBe(`${HOME}?done=gone`)
    expect((await there.me()).subject).toBeNull()
  })

  it('a GET ends nothing, and other methods are refused', async () => {
    const { here, there, thereId } = await two()
    await here.visit(`${END}?id=${thereId}&which=all`)
    await here.visit(`${NOT_ME}?id=${thereId}`)
    const put = await here.visit(END, { method: 'PUT', headers: { 'sec-fetch-site': 'same-origin' } })

    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST'])
    expect((await there.me()).subject).toBe('ada')
  })
})

describe('this wasn’t me', () => {
  it('ends the session, tells the application once it has, and says what to do next', async () => {
    const told: [NotMe, string][] = []
    const { site, here, there, thereId } = await two(
      {},
      {
        passwordPage: '/password',
        onNotMe: async (notMe) => {
          told.push([notMe, (await site.sessions.list('ada')).map(({ id }) => id).join()])
        },
      },
    )
    await person(site, AGENTS.windows).signIn()
    const left = (await site.sessions.list('ada')).map(({ id }) => id).filter((id) => id !== thereId)
    const answer = await here.press(`${NOT_ME}?id=${thereId}`)
    const next = await here.text(answer.headers.get('location')!)

    expect(told).toEqual([[{ subject: 'ada', sessionId: thereId }, left.join()]])
    expect((await there.me()).subject).toBeNull()
    expect(wordsIn(next)).toContain('Your account is marked: it needs a new password.')
    expect(wordsIn(next)).toContain('1 other device is still signed in.')
    expect(next).toContain('href="/password"')
    expect(await site.seen('sign-in.disowned')).toMatchObject([{ subject: 'ada', sessionId: thereId, count: 1 }])
    expect(await site.seen('session.revoked')).toMatchObject([{ sessionId: thereId, reason: 'disowned', actor: 'ada' }])
  })

  it('when the application cannot mark the account, the session has ended all the same, the person hears of both, and may try again', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const onNotMe = vi.fn().mockRejectedValueOnce(new Error('database')).mockResolvedValueOnce(undefined)
    const { here, there, thereId } = await two({}, { onNotMe })
    const answer = await here.press(`${NOT_ME}?id=${thereId}`)
    const page = await answer.text()
    const again = await here.send(NOT_ME, fieldsOf(page))

    expect([answer.status, (await there.me()).subject, warned.mock.calls.length]).toEqual([503, null, 1])
    expect(wordsIn(page)).toContain('could not note that your account needs a new password')
    expect(page).not.toContain('database')
    expect([again.headers.get('location'), onNotMe.mock.calls.length]).toEqual([`${HOME}/next-steps`, 2])
    warned.mockRestore()
  })

  it('about something that belongs to no session, it marks the account and ends nothing', async () => {
    const onNotMe = vi.fn()
    const { site, here } = await two({}, { onNotMe })
    await here.press(NOT_ME)

    expect(onNotMe.mock.calls).toEqual([[{ subject: 'ada', sessionId: undefined }]])
    expect(await site.sessions.list('ada')).toHaveLength(2)
  })

  it('an ended session is named to the application when the log knows it as this person’s', async () => {
    const onNotMe = vi.fn()
    const past = '_e6xWSoz1iYcemKkXHzYBw'
    const others = '_e59P9wA1jyUBBJjCPDGLg'
    const entries = [
      { type: 'factor.used', at: 1, subject: 'ada', sessionId: past },
      { type: 'factor.used', at: 1, subject: 'eve', sessionId: others },
    ]
    const { here } = await two({}, { onNotMe, audit: { search: async () => ({ entries }) } })
    await here.press(`${NOT_ME}?id=${past}`)
    await here.press(`${NOT_ME}?id=${others}`)

    expect(onNotMe.mock.calls.map(([{ sessionId }]) => sessionId)).toEqual([past, undefined])
  })

  it('the session in use is not ended by it, since that may be the owner’s only one', async () => {
    const onNotMe = vi.fn()
    const { here, hereId, thereId } = await two({}, { onNotMe })
    const fields = { ...fieldsOf(await here.text(`${NOT_ME}?id=${thereId}`)), id: hereId }
    const answer = await here.send(NOT_ME, fields)

    expect([answer.headers.get('location'), (await here.me()).subject, onNotMe.mock.calls]).toEqual([
      `${HOME}?done=here`,
      'ada',
      [],
    ])
  })
})

describe('recent activity', () => {
  const about = (type: string, more: Record<string, unknown> = {}) => ({ type, at: 1000, subject: 'ada', ...more })
  const texts = (...entries: ReturnType<typeof about>[]) => linesOf(entries, { subject: 'ada' }).map(({ text }) => text)

  it('is told in words of ours, whatever an entry says', () => {
    expect(
      texts(
        about('session.started', { details: { methods: ['pwd', 'otp'] } }),
        about('session.started', { details: { methods: ['pwd'], pending: 'aal2' } }),
        about('factor.used', { details: { kind: 'totp' } }),
        about('factor.used', { details: { kind: 'recovery', left: 7 } }),
        about('factor.refused', { details: { kind: '<script>' } }),
        about('session.revoked', { reason: 'logout' }),
        about('session.revoked', { reason: 'revoked-by-owner', actor: 'ada' }),
        about('session.revoked', { reason: 'abuse', actor: 'root' }),
        about('session.expired', { reason: 'idle' }),
        about('subject.revoked', { actor: 'ada', details: { count: 2 } }),
      ),
    ).toEqual([
      'Signed in with your password and a code',
      'Started to sign in with your password; the second step was still missing',
      'A code from your app was used',
      'A recovery code was used; 7 left',
      'A try with another proof failed',
      'Signed out',
      'You signed a device out',
      'A device was signed out by us',
      'A device was signed out because it was not used',
      '2 devices were signed out at once',
    ])
  })

  it('leaves out what is another person’s, what means nothing to people, and what is no entry', () => {
    const odd = [
      null,
      {},
      { type: 'constructor', at: 1, subject: 'ada' },
      about('session.started', { at: Number.NaN }),
    ] as never[]

    expect(texts({ ...about('session.started'), subject: 'eve' }, about('session.rotated'), ...odd)).toEqual([])
  })

  it('comes from the audit log where there is one, asked for this person alone', async () => {
    const search = vi.fn<AccountAudit['search']>(async () => ({ entries: [about('factor.removed', { kind: 'totp' })] }))
    const { here } = await two({}, { audit: { search } })
    const page = wordsIn(await here.text(HOME))

    expect(search.mock.calls.map(([query]) => query.subject)).toEqual(['ada'])
    expect(page).toContain('Look at this A way to sign in was removed')
  })

  it('is what the sessions tell where there is none', async () => {
    const { here } = await two()

    expect(wordsIn(await here.text(HOME))).toContain('What is known here is when each of these devices signed in.')
  })
})

describe('stores that cannot list', () => {
  const ledger = () => cookieStore({ ledger: memoryStore() })

  it('with sealed cookies and a ledger: the session in use is shown, and all others can be ended at once', async () => {
    const onNotMe = vi.fn()
    const { here, there } = await two({ store: ledger() as never }, { onNotMe })
    const page = await here.text(HOME)
    const asked = wordsIn(await here.text(`${END}?which=others`))
    await here.press(`${END}?which=others`)

    expect(devicesIn(page)).toHaveLength(1)
    expect(wordsIn(page)).toContain('keeps no list of the other devices')
    expect(asked).toContain('Sign out all other devices')
    expect([(await there.me()).subject, (await here.me()).subject]).toEqual([null, 'ada'])
  })

  it('and "this wasn’t me" ends all others, as it says', async () => {
    const { here, there } = await two({ store: ledger() as never }, { onNotMe: () => {} })
    const asked = wordsIn(await here.text(NOT_ME))
    await here.press(NOT_ME)

    expect(asked).toContain('all your other devices are signed out at once')
    expect([(await there.me()).subject, (await here.me()).subject]).toEqual([null, 'ada'])
  })

  it('without a ledger nothing is offered that cannot be done', async () => {
    const { here, hereId } = await two({ store: cookieStore() as never })
    const page = wordsIn(await here.text(HOME))
    const statuses = [(await here.visit(`${END}?which=others`)).status, (await here.visit(`${END}?which=all`)).status]

    expect(page).not.toContain('All at once')
    expect(statuses).toEqual([303, 303])
    expect((await here.press(`${END}?id=${hereId}`)).headers.get('location')).toBe('/')
    expect(here.token()).toBeUndefined()
  })
})

describe('in the application', () => {
  it('a layout puts the part into its own page, with the part’s policy unless it has its own', async () => {
    const layout = vi.fn(
      ({ markup, stylesheet, title, lang, subject }) =>
        `<title>${title}</title><link href="${stylesheet}">${markup}${lang}${subject}`,
    )
    const { here } = await two({}, { layout })
    const answer = await here.visit(HOME)
    const page = await answer.text()

    expect(page).toMatch(/^<title>Where you are signed in<\/title>.*<div class="sja" lang="en">.*enada$/s)
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'")
    const own = await two({}, { layout: () => ({ html: 'x', headers: { 'content-security-policy': "default-src 'self'" } }) })
    expect((await own.here.visit(HOME)).headers.get('content-security-policy')).toBe("default-src 'self'")
  })

  it('every rule of the stylesheet begins with the part’s own class', async () => {
    const answer = await accountSite().answer(`${HOME}/account.css`)
    const rules = (await answer.text()).matchAll(/(?:^|[{}])\s*([^{}@;]+)\{/g)
    const selectors = [...rules].flatMap(([, list]) => list!.split(',')).map((one) => one.trim())

    expect(answer.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(selectors.length).toBeGreaterThan(50)
    expect(selectors.filter((one) => !one.startsWith('.sja'))).toEqual([])
  })

  it('words are the application’s to choose, and are text', async () => {
    const { here } = await two({}, { words: { product: '<b>Shop</b>', lang: 'uk', title: 'Пристрої' } })
    const page = await here.text(HOME)

    expect(page).toContain('lang="uk"')
    expect(page).toContain('&lt;b>Shop&lt;/b>')
    expect(page).toContain('5 хвилин тому')
  })

  it('pages are kept by nobody, load nothing from elsewhere, and run nothing', async () => {
    const { here } = await two()
    const { headers } = await here.visit(HOME)

    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    expect(await here.text(HOME)).not.toMatch(/<script|style=|\son\w+=/)
  })

  it.each([
    [{ path: '/account/' }, 'path'],
    [{ path: 'https://evil.example' }, 'path'],
    [{ passwordPage: '//evil.example' }, 'passwordPage'],
    [{ onNotMe: 'mark' }, 'onNotMe'],
    [{ audit: {} }, 'audit'],
    [{ notice: {} }, 'notice'],
    [{ requirement: { maxAge: 1 } }, 'maxAge'],
    [{ requirement: { acr: 'aal9' } }, 'acr'],
    [{ onNotme: () => {} }, 'onNotme'],
  ])('start-up refuses %o', (options, name) => {
    expect(() => accountPages(setUp().sessions, options as never)).toThrow(name)
  })

  it('a proof that may be old is reported as lowered safety', async () => {
    const reports = async (requirement: object | undefined) => {
      const site = accountSite({}, requirement && { requirement })
      return (await site.seen('safety.lowered')).length
    }

    expect([await reports(undefined), await reports({ acr: 'aal2' }), await reports({ maxAge: minutes(61) })]).toEqual([0, 0, 1])
  })

  it('a store that is away is told as such, and never as "signed out"', async () => {
    const { site, here } = await two()
    site.store.list = () => Promise.reject(new Error('away'))

    expect([(await here.visit(HOME)).status, await codeOf(site.sessions.list('ada'))]).toEqual([503, 'ERR_STORE_UNAVAILABLE'])
  })
})

it('names lose what turns text around, and are cut where nobody reads on', () => {
  expect(shown('Fire\u202Efox\u0000')).toEqual({ text: 'Fire\ufffdfox\ufffd', title: undefined })
  const { text, title } = shown('🦊'.repeat(1000))
  expect([Array.from(text).length, Array.from(title!).length]).toEqual([64, 256])
})
