import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client, codeOf, SECOND } from './client.ts'
import { type Demo, demoForTest, startDemo, temporaryFolder } from './demo-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
let demo: Demo

beforeAll(async () => {
  demo = await startDemo(folder)
})
afterAll(async () => {
  await demo.kill()
  rmSync(folder, { recursive: true, force: true })
})

const CHALLENGE = /^Bearer error="insufficient_user_authentication", acr_values="aal2"/
const visitor = () => new Client(demo.url)

interface Reader {
  readonly client: Client
  readonly key: string
  readonly password: string
}

/** A reader of the test's own with an app, signed in with both factors. Codes count once, so that readers are not shared. */
async function withApp(name: string): Promise<Reader> {
  const client = visitor()
  const password = `${name} likes plain words`
  await client.api('/signup', { json: { username: name, password } })
  const { secret: key } = (await client.api('/security/app', { method: 'POST' })).json as { secret: string }
  // The code of the step before, so that the present one is left for the test.
  const confirmed = await client.api('/security/app/confirm', { json: { code: codeOf(key, -1), name: 'My phone' } })
  expect(confirmed.json).toMatchObject({ others: true })
  return { client, key, password }
}

describe('signing in with a second factor', () => {
  it('is half done with the password, and done with the code', async () => {
    const grace = visitor()
    await grace.put('b1', 2)

    const half = await grace.signIn('grace')
    const elsewhere = [
      await grace.api('/me'),
      await grace.api('/basket'),
      await grace.api('/security'),
      await grace.api('/sessions'),
      await grace.put('b1', 9),
      await grace.api('/checkout', { method: 'POST' }),
      await grace.api('/security/recovery-codes', { method: 'POST' }),
    ]
    const code = codeOf(demo.codeKey)
    const whole = await grace.api('/mfa/totp', { json: { code } })
    const again = await grace.api('/mfa/totp', { json: { code } })

    expect(half.status).toBe(200)
    expect(half.json).toEqual({ subject: 'grace', sessionId: expect.stringMatching(/^[\w-]{22}$/), mfa: 'due' })
    expect(elsewhere.map(({ status }) => status)).toEqual(elsewhere.map(() => 401))
    for (const { headers } of elsewhere) expect(headers.get('www-authenticate')).toMatch(CHALLENGE)
    expect(whole.status).toBe(200)
    expect(whole.json).toEqual({ acr: 'aal2', subject: 'grace', sessionId: (half.json as { sessionId: string }).sessionId })
    expect(again.status).toBe(401)
    expect(await grace.basket()).toEqual({ b1: 2 })
    expect((await grace.api('/me')).json).toMatchObject({ subject: 'grace', acr: 'aal2' })
  })

  it('shows a person who is half in nothing of the account, and leads to the page that asks', async () => {
    const { client, key, password } = await withApp('half-in')
    await client.put('b1', 3)
    const other = visitor()

    const signIn = await other.page('/login', { form: { username: 'half-in', password, next: '/basket' } })
    const asks = await other.page(signIn.location ?? '')
    const me = await other.page('/me')
    const shelves = await other.page('/')
    const wrong = await other.page('/mfa/totp', { form: { code: '12 34', returnTo: '/basket' } })
    const right = await other.page('/mfa/totp', { form: { code: codeOf(key), returnTo: '/basket' } })
    const basket = await other.page('/basket')

    expect([signIn.status, signIn.location]).toEqual([303, '/step-up?returnTo=%2Fbasket'])
    expect(asks.text).toContain('One more proof, and you are in')
    expect(asks.text).toContain('name="returnTo" value="/basket"')
    for (const { text } of [asks, shelves]) expect(text).not.toContain('class="count"')
    expect(asks.text).not.toContain('My phone')
    // This client says of itself that it is a script's fetch, which is led nowhere; browsers are (test/browser/step-up.test.ts).
    expect(me.status).toBe(401)
    expect(me.text).not.toContain('half-in')
    expect(shelves.text).toContain('Finish signing in')
    expect(shelves.text).not.toContain('half-in')
    expect(wrong.status).toBe(401)
    expect(wrong.text).toContain('That was not right')
    expect([right.status, right.location]).toEqual([303, '/basket'])
    expect(basket.text).toContain('Welcome back, half-in')
  })

  it('can be called off, and begun again as somebody else', async () => {
    const { password } = await withApp('called-off')
    const one = visitor()
    const other = visitor()
    await one.signIn('called-off', password)
    await other.signIn('called-off', password)

    await one.api('/logout', { method: 'POST' })
    const ada = await other.signIn('ada')

    expect(one.cookies.size).toBe(0)
    expect(ada.json).toMatchObject({ subject: 'ada' })
    expect((await other.api('/me')).json).toMatchObject({ subject: 'ada', acr: 'aal1' })
  })

  it('never returns to another site', async () => {
    const { key, password } = await withApp('returns')
    const client = visitor()
    await client.signIn('returns', password)
    for (const returnTo of ['//evil.example', 'https://evil.example', '/\\evil.example', '/%2f/evil.example'])
      expect((await client.page(`/step-up?${new URLSearchParams({ returnTo })}`)).text).toContain('name="returnTo" value="/"')

    expect((await client.page('/mfa/totp', { form: { code: codeOf(key), returnTo: '//evil.example' } })).location).toBe('/')
  })

  it('answers every wrong code alike, and after a while none is looked at', async () => {
    const { key, password } = await withApp('guessed')
    const client = visitor()
    await client.signIn('guessed', password)

    const wrong = await Promise.all(
      [{ code: '000000' }, { code: 'x' }, { code: 7 }, {}, { code: ['000000'] }, { code: 'x'.repeat(2000) }].map((json) =>
        client.api('/mfa/totp', { json }),
      ),
    )
    const guesses = await Promise.all(
      Array.from({ length: 60 }, (_, index) => client.api('/mfa/totp', { json: { code: String(100_000 + index) } })),
    )
    const right = await client.api('/mfa/totp', { json: { code: codeOf(key) } })

    expect(new Set(wrong.map(({ status, text }) => `${status} ${text}`)).size).toBe(1)
    expect(guesses.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(20)
    expect(right.status).toBe(429)
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Object.keys(right.json as object)).toEqual(Object.keys(wrong[0]!.json as object))
  })

  it('counts guesses at passwords as well, and says how long to wait', async () => {
    await visitor().api('/signup', { json: { username: 'guessed-password', password: 'seven green umbrellas' } })

    const guesses = await Promise.all(
      Array.from({ length: 40 }, (_, index) => visitor().signIn('guessed-password', `not this one ${index}`)),
    )
    const nobodys = await Promise.all(Array.from({ length: 40 }, () => visitor().signIn('nobody-at-all', 'not this one')))

    for (const answers of [guesses, nobodys]) {
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(20)
      const refused = answers.find(({ status }) => status === 429)
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await visitor().signIn('ada')).status).toBe(200)
  })
})

describe('paying', () => {
  it('asks a program for more by RFC 9470’s challenge, where it has a password alone', async () => {
    const ada = visitor()
    await ada.signIn()
    await ada.put('b1', 1)

    const answer = await ada.api('/checkout', { method: 'POST' })
    const anonymous = await visitor().api('/checkout', { method: 'POST' })

    for (const { status, headers } of [answer, anonymous]) {
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toBe(
        'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"',
      )
    }
    expect(await ada.basket()).toEqual({ b1: 1 })
  })

  it('takes one proof for one payment, by whoever is first', async () => {
    const { client } = await withApp('pays-once')
    await client.put('b1', 2)

    const both = await Promise.all([client.api('/checkout', { method: 'POST' }), client.api('/checkout', { method: 'POST' })])
    await client.put('b2', 1)
    const next = await client.api('/checkout', { method: 'POST' })

    expect(both.filter(({ status }) => status === 200).map(({ json }) => json)).toEqual([{ total: 2900, items: { b1: 2 } }])
    expect(next.status).toBe(401)
    expect(next.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="0"',
    )
    expect(next.json).toMatchObject({ approval: expect.any(String), total: 1690 })
  })

  it('asks a browser for an approval even of a proof that is fresh', async () => {
    const { client } = await withApp('in-browser')
    await client.put('b1', 1)

    const answer = await client.api('/checkout', {
      method: 'POST',
      headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-site': 'same-origin' },
    })

    expect(answer.status).toBe(401)
    expect(await client.basket()).toEqual({ b1: 1 })
  })

  it('approves exactly these books for exactly this sum', async () => {
    const { client, key } = await withApp('exact')
    await client.put('b1', 1)
    await client.api('/checkout', { method: 'POST' })
    await client.put('b2', 1)
    const { approval } = (await client.api('/checkout', { method: 'POST' })).json as { approval: string }
    const approved = await client.api('/mfa/totp', { json: { code: codeOf(key), approval } })

    await client.put('b2', 2)
    const more = await client.api('/checkout', { method: 'POST' })
    await client.put('b2', 1)
    const same = await client.api('/checkout', { method: 'POST' })

    expect(approved.json).toMatchObject({ acr: 'aal2', approved: true })
    expect(more.status).toBe(401)
    expect(same.json).toEqual({ total: 1690, items: { b2: 1 } })
  })

  it('shows a person what it is, and is done with the proof for it', async () => {
    const { client, key } = await withApp('reads-first')
    await client.page('/basket/b1/add', { form: {} })

    const asked = await client.page('/checkout', { form: {} })
    const page = await client.page(asked.location ?? '')
    const approval = /name="approval" value="([\w-]{22})"/.exec(page.text)?.[1] ?? ''
    const done = await client.page('/mfa/totp', { form: { code: codeOf(key), approval, returnTo: '/basket' } })
    const basket = await client.page('/basket')

    expect(asked.status).toBe(303)
    expect(page.text).toContain('Pay €14.50 for 1 book: The Lamp at Saint Orrin')
    // The password is fresh, so the code is enough.
    expect(page.text).not.toContain('name="password"')
    expect([done.status, done.location]).toEqual([303, '/basket'])
    expect(basket.text).toContain('Approved and done: €14.50')
    expect(basket.text).toContain('Nothing in it yet')
  })

  it('sends who has no second factor to the page that adds one', async () => {
    const ada = visitor()
    await ada.signIn()
    await ada.put('b1', 1)

    const page = await ada.page((await ada.page('/checkout', { form: {} })).location ?? '')

    expect(page.text).toContain('Add an authenticator app or a passkey')
    expect(page.text).not.toContain('action="/mfa/totp"')
  })

  it('says so where there is nothing to pay for', async () => {
    const { client } = await withApp('empty-handed')

    expect((await client.api('/checkout', { method: 'POST' })).status).toBe(409)
  })

  it('takes no approval of another session', async () => {
    const { client: victim } = await withApp('approval-of')
    await victim.put('b1', 1)
    await victim.api('/checkout', { method: 'POST' })
    await victim.put('b1', 1)
    const { approval } = (await victim.api('/checkout', { method: 'POST' })).json as { approval: string }
    const { client: other, key } = await withApp('approval-thief')

    const answer = await other.api('/mfa/totp', { json: { code: codeOf(key), approval } })

    expect(answer.json).toMatchObject({ approved: false })
    expect((await victim.api('/checkout', { method: 'POST' })).status).toBe(401)
  })
})

describe('the page Security, without script', () => {
  it('adds an app: QR code, key to type, and a code that shows it worked', async () => {
    const client = visitor()
    await client.page('/signup', { form: { username: 'adds-app', password: 'seven green umbrellas' } })
    const empty = await client.page('/security')

    const enrol = await client.page('/security/app', { form: {} })
    const key = /data-key="([A-Z2-7]{32})"/.exec(enrol.text)?.[1] ?? ''
    const wrong = await client.page('/security/app/confirm', { form: { code: '000000', name: 'Kitchen <phone>' } })
    const before = await client.page('/security')
    const right = await client.page('/security/app/confirm', { form: { code: codeOf(key), name: 'Kitchen <phone>' } })
    const after = await client.page(right.location ?? '')

    expect(empty.text).toContain('the password alone')
    expect(enrol.headers.get('cache-control')).toContain('no-store')
    expect(enrol.text).toContain('<svg')
    expect(enrol.text).toContain(`href="otpauth://totp/`)
    expect(wrong.status).toBe(422)
    expect(wrong.text).not.toContain(key)
    expect(before.text).toContain('the password alone')
    expect([right.status, right.location]).toEqual([303, '/security'])
    expect(after.text).toContain('Kitchen &lt;phone&gt;')
    expect(after.text).toContain('Your authenticator app is added')
    expect(after.text).toContain('action="/sessions/end-others"')
  })

  it('shows recovery codes once; each lets its owner in once, with the password', async () => {
    const { client, password } = await withApp('on-paper')
    const made = await client.page('/security/recovery-codes', { form: {} })
    const codes = [...made.text.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code]) => code ?? '')
    const listed = await client.page('/security')
    const other = visitor()
    await other.signIn('on-paper', password)

    const first = await other.page('/mfa/recovery', { form: { code: codes[0] ?? '', returnTo: '/security' } })
    const page = await other.page('/security')
    const again = visitor()
    await again.signIn('on-paper', password)
    const second = await again.api('/mfa/recovery', { json: { code: codes[0] } })

    expect(new Set(codes).size).toBe(10)
    expect(listed.text).not.toContain(codes[0])
    expect(listed.text).toContain('10 of 10')
    expect([first.status, first.location]).toEqual([303, '/security'])
    expect(page.text).toContain('9 are left')
    expect(second.status).toBe(401)
    expect((await again.api('/me')).status).toBe(401)
  })

  it('removes one after both factors were proved, and the rest of the account follows', async () => {
    const { client, password } = await withApp('removes')
    const [factor] = ((await client.api('/security')).json as { factors: { id: string; lastUsedAt: number }[] }).factors
    const stranger = await withApp('removes-not')

    const notTheirs = await stranger.client.api(`/security/factors/${factor?.id}/remove`, { method: 'POST' })
    const removed = await client.page(`/security/factors/${factor?.id}/remove`, { form: {} })
    const after = await client.page('/security')

    expect(factor?.lastUsedAt).toEqual(expect.any(Number))
    expect(notTheirs.status).toBe(404)
    expect([removed.status, removed.location]).toEqual([303, '/security'])
    expect(after.text).toContain('It is removed')
    expect(after.text).toContain('Sign out everywhere else?')
    expect((await visitor().signIn('removes', password)).json).not.toHaveProperty('mfa')
  })

  it('asks for a second factor before it adds another one', async () => {
    // The thief has the password, and reaches nothing with it.
    const { password } = await withApp('robbed')
    const thief = visitor()
    await thief.signIn('robbed', password)

    const answers = [
      await thief.page('/security/app', { form: {} }),
      await thief.page('/security/recovery-codes', { form: {} }),
      await thief.api('/security/passkeys/options', { method: 'POST' }),
    ]

    for (const { status, headers } of answers) {
      expect(status).toBe(401)
      expect(headers.get('www-authenticate')).toMatch(CHALLENGE)
    }
    expect((await thief.api('/me')).status).toBe(401)
  })

  it('is nobody’s without a sign-in', async () => {
    for (const path of [
      '/security/app',
      '/security/app/confirm',
      '/security/passkeys',
      '/security/recovery-codes',
      '/security/factors/x/remove',
      '/mfa/totp',
      '/mfa/recovery',
      '/mfa/password',
      '/mfa/passkey',
      '/mfa/passkey/options',
    ])
      expect((await visitor().api(path, { method: 'POST' })).status, path).toBe(401)
    expect((await visitor().page('/security')).text).toContain('name="next" value="/security"')
  })
})

describe('proving the password again', () => {
  it('is for who is signed in, never for who is half in', async () => {
    const { client, password } = await withApp('again')
    const half = visitor()
    await half.signIn('again', password)

    expect((await client.api('/mfa/password', { json: { password } })).json).toMatchObject({ acr: 'aal2' })
    expect((await client.api('/mfa/password', { json: { password: 'wrong' } })).status).toBe(401)
    expect((await client.api('/mfa/password', { json: { password: '' } })).status).toBe(401)
    expect((await half.api('/mfa/password', { json: { password } })).status).toBe(401)
    expect((await half.api('/me')).status).toBe(401)
  })

  it('is asked for where that of the sign-in is too old for what is asked, and brings the visitor back', async () => {
    const { client, key, password } = await withApp('too-old')
    const plain = visitor()
    await plain.signInAsSecond()

    const page = await client.page('/step-up?acr=aal2&max_age=0&returnTo=/security')
    const done = await client.page('/mfa/totp', { form: { code: codeOf(key), password, returnTo: '/security' } })
    const plainPage = await plain.page('/step-up?acr=aal1&max_age=0&returnTo=/security')
    const plainWrong = await plain.page('/mfa/password', { form: { password: 'wrong', acr: 'aal1', returnTo: '/security' } })
    const plainDone = await plain.page('/mfa/password', { form: { password: SECOND.password, returnTo: '/security' } })

    expect(page.text).toContain('action="/mfa/totp"')
    expect(page.text).toContain('name="password"')
    expect([done.status, done.location]).toEqual([303, '/security'])
    expect((await client.page('/security')).text).toContain('Now do again what you were about to do')
    expect(plainPage.text).toContain('action="/mfa/password"')
    expect(plainWrong.status).toBe(401)
    expect([plainDone.status, plainDone.location]).toEqual([303, '/security'])
  })

  it('goes with the code in one form; a wrong one spends no code', async () => {
    const { client, key, password } = await withApp('together')
    const code = codeOf(key)

    const wrong = await client.api('/mfa/totp', { json: { code, password: 'wrong' } })
    const right = await client.api('/mfa/totp', { json: { code, password } })

    expect([wrong.status, right.status]).toEqual([401, 200])
  })
})

describe('passkeys', () => {
  it('are asked for without a row, and garbage opens nothing', async () => {
    const client = visitor()

    const options = await client.api('/login/passkey/options', { method: 'POST' })
    const answers = [
      await client.api('/login/passkey', { json: {} }),
      await client.api('/login/passkey', { json: { response: { id: 'x', response: {} } } }),
      await client.api('/login/passkey', { json: ['x'] }),
    ]

    expect(options.json).toMatchObject({ rpId: 'localhost', allowCredentials: [], userVerification: 'required' })
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    expect((await client.api('/me')).status).toBe(401)
  })
})

describe('the key printed at start', () => {
  it('is the same at every start on one folder, and nobody else reads its file', async () => {
    const own = temporaryFolder()
    const first = await demoForTest({ folder: own })
    await first.close()
    const second = await demoForTest({ folder: own })
    const grace = new Client(second.url)
    await grace.signIn('grace')

    expect(first.codeKey).toMatch(/^[A-Z2-7]{32}$/)
    expect(second.codeKey).toBe(first.codeKey)
    expect(statSync(join(own, 'grace-code.key')).mode & 0o077).toBe(0)
    expect((await grace.api('/mfa/totp', { json: { code: codeOf(second.codeKey) } })).status).toBe(200)
    // Sealed where it is used: whoever copies the database has no codes.
    expect(readFileSync(join(own, 'factors.db')).includes(second.codeKey)).toBe(false)
  })

  it('is shared by two demos that begin together', async () => {
    const own = temporaryFolder()
    const both = await Promise.all([demoForTest({ folder: own }), demoForTest({ folder: own })])
    const grace = new Client(both[1].url)
    await grace.signIn('grace')

    expect(both[0].codeKey).toBe(both[1].codeKey)
    expect((await grace.api('/mfa/totp', { json: { code: codeOf(both[0].codeKey) } })).status).toBe(200)
  })

  it('is made anew where the session key is another, since nothing else could open the factor', async () => {
    const own = temporaryFolder()
    const first = await demoForTest({ folder: own })
    await first.close()
    rmSync(join(own, 'session.key'))
    const second = await demoForTest({ folder: own })
    const grace = new Client(second.url)
    await grace.signIn('grace')

    expect(second.codeKey).not.toBe(first.codeKey)
    expect((await grace.api('/mfa/totp', { json: { code: codeOf(second.codeKey) } })).status).toBe(200)
  })

  it('is printed no more once its owner has removed it', async () => {
    const own = temporaryFolder()
    const first = await demoForTest({ folder: own })
    const grace = new Client(first.url)
    await grace.signIn('grace')
    await grace.api('/mfa/totp', { json: { code: codeOf(first.codeKey) } })
    const { factors } = (await grace.api('/security')).json as { factors: { id: string }[] }
    await grace.api(`/security/factors/${factors[0]?.id}/remove`, { method: 'POST' })
    await first.close()

    const second = await demoForTest({ folder: own })

    expect(second.output()).not.toContain("Grace's code key")
    expect((await new Client(second.url).signIn('grace')).json).not.toHaveProperty('mfa')
  })
})

it('a plain reader is asked for nothing more', async () => {
  const second = visitor()
  const answer = await second.signInAsSecond()

  expect(answer.json).toEqual({ subject: SECOND.name, sessionId: expect.any(String) })
  expect((await second.api('/me')).json).toMatchObject({ acr: 'aal1' })
})
