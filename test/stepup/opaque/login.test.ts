import { expect, it } from 'vitest'
import { minutes } from '../../../src/core/duration.ts'
import { Browser, client, evaluationOf, FORGED_FINISH, type OpaqueSite, opaqueSite } from './support.ts'

const PASSWORD = 'correct horse battery staple'

async function siteOfAda(options: Parameters<typeof opaqueSite>[0] = {}): Promise<{ site: OpaqueSite; ada: Browser }> {
  const site = await opaqueSite(options)
  expect(await new Browser(site).register('ada', PASSWORD)).toEqual({ ok: true })
  return { site, ada: new Browser(site) }
}

it('whoever has the password signs in, and it has proved a password', async () => {
  const { ada } = await siteOfAda()

  expect(await ada.login('ada', PASSWORD)).toEqual({ ok: true, subject: 'subject of ada', method: 'pwd' })
  expect(await ada.me()).toEqual({ subject: 'subject of ada', methods: ['pwd'] })
})

it('the password never reaches the server, nor does anything it keeps', async () => {
  const { site, ada } = await siteOfAda()
  await ada.login('ada', PASSWORD)

  expect(site.received).toHaveLength(4)
  const seen = [...site.received, JSON.stringify([...site.accounts])].join()
  for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const)
    expect(seen).not.toContain(Buffer.from(PASSWORD).toString(form))
})

it('the server gives out no registration, and the same password has another one each time', async () => {
  const { site } = await siteOfAda()
  await new Browser(site).register('grace', PASSWORD)
  const [one, other] = [...site.accounts.values()].map(({ registration }) => registration)

  expect(one).toMatch(/^opaque1\.[\w-]{22}\.[\w-]{256}$/)
  expect(one).not.toBe(other)
})

it('a wrong password signs nobody in, whatever is sent afterwards', async () => {
  const { site, ada } = await siteOfAda()
  const { ticket, finishLoginRequest } = await ada.startLogin('ada', 'wrong horse')

  expect(finishLoginRequest).toBeUndefined()
  expect(await ada.post('/login/finish', { ticket, finishLoginRequest: FORGED_FINISH })).toEqual({ ok: false, reason: 'wrong' })
  expect(await ada.me()).toMatchObject({ subject: null })
  expect(await site.seen('factor.refused')).toMatchObject([{ kind: 'password', reason: 'wrong', subject: 'subject of ada' }])
})

it('a ticket is used once, whether it was right or not', async () => {
  const { ada } = await siteOfAda()
  const { ticket, finishLoginRequest } = await ada.startLogin('ada', PASSWORD)
  await ada.post('/login/finish', { ticket, finishLoginRequest: FORGED_FINISH })

  expect(await ada.post('/login/finish', { ticket, finishLoginRequest })).toEqual({ ok: false, reason: 'expired' })
})

it('a login that was finished is not finished again', async () => {
  const { site, ada } = await siteOfAda()
  const { ticket, finishLoginRequest } = await ada.startLogin('ada', PASSWORD)
  const messages = Array.from({ length: 10 }, () => ada.post('/login/finish', { ticket, finishLoginRequest }))
  const outcomes = (await Promise.all(messages)).map(({ ok }) => ok)

  expect(outcomes.filter(Boolean)).toHaveLength(1)
  expect(await ada.post('/login/finish', { ticket, finishLoginRequest })).toMatchObject({ ok: false, reason: 'expired' })
  expect(await new Browser(site).post('/login/finish', { ticket, finishLoginRequest })).toMatchObject({ reason: 'expired' })
})

it('a recorded login is of no use in a new one', async () => {
  const { ada } = await siteOfAda()
  const { clientLoginState: _, startLoginRequest } = client.startLogin({ password: PASSWORD })
  const recorded = await ada.startLogin('ada', PASSWORD)
  const { ticket } = await ada.post('/login/start', { account: 'ada', startLoginRequest })

  const { finishLoginRequest } = recorded
  expect(await ada.post('/login/finish', { ticket, finishLoginRequest })).toEqual({ ok: false, reason: 'wrong' })
})

it('messages of two logins cannot be swapped', async () => {
  const { ada } = await siteOfAda()
  const [one, other] = [await ada.startLogin('ada', PASSWORD), await ada.startLogin('ada', PASSWORD)]

  const swapped = { ticket: one.ticket, finishLoginRequest: other.finishLoginRequest }
  expect(await ada.post('/login/finish', swapped)).toEqual({ ok: false, reason: 'wrong' })
})

it('messages of a registration and a login cannot be swapped', async () => {
  const { site, ada } = await siteOfAda()
  const { registrationRequest } = client.startRegistration({ password: PASSWORD })
  const { ticket } = await ada.post('/register/start', { registrationRequest })
  const login = await ada.startLogin('ada', PASSWORD)
  const registrationRecord = site.accounts.get('ada')!.registration.split('.')[2]

  expect(await ada.post('/login/finish', { ...login, ticket })).toEqual({ ok: false, reason: 'expired' })
  expect(await ada.post('/register/finish', { account: 'x', ticket: login.ticket, registrationRecord })).toEqual({
    ok: false,
    reason: 'expired',
  })
})

it('nobody finishes what another visitor began', async () => {
  const { site, ada } = await siteOfAda()
  const mallory = new Browser(site)
  await mallory.startLogin('ada', 'x')
  const { ticket, finishLoginRequest } = await ada.startLogin('ada', PASSWORD)

  expect(await mallory.post('/login/finish', { ticket, finishLoginRequest })).toEqual({ ok: false, reason: 'expired' })
  expect(await ada.post('/login/finish', { ticket, finishLoginRequest })).toMatchObject({ ok: true })
})

it('what was begun as a visitor is not finished within a session that started meanwhile', async () => {
  const { ada } = await siteOfAda()
  const { ticket, finishLoginRequest } = await ada.startLogin('ada', PASSWORD)
  await ada.post('/login-as-mallory')

  expect(await ada.post('/login/finish', { ticket, finishLoginRequest })).toEqual({ ok: false, reason: 'expired' })
})

it('a login takes a minute at most, or begins anew', async () => {
  const { site, ada } = await siteOfAda()
  const inTime = await ada.startLogin('ada', PASSWORD)
  const other = new Browser(site)
  const outdated = await other.startLogin('ada', PASSWORD)
  const finish = (browser: Browser, { ticket, finishLoginRequest }: typeof inTime) =>
    browser.post('/login/finish', { ticket, finishLoginRequest })

  site.clock.advance(minutes(1))
  expect(await finish(ada, inTime)).toMatchObject({ ok: true })
  site.clock.advance(1)
  expect(await finish(other, outdated)).toEqual({ ok: false, reason: 'expired' })
})

it('a password that was changed is right no more, and the new one is', async () => {
  const { site, ada } = await siteOfAda()
  await new Browser(site).register('ada', 'another one')

  expect((await ada.startLogin('ada', PASSWORD)).finishLoginRequest).toBeUndefined()
  expect(await ada.login('ada', 'another one')).toMatchObject({ ok: true })
})

it('an account that does not exist gets the same answers as one with another password', async () => {
  const { site, ada } = await siteOfAda()
  const answers = []
  for (const account of ['ada', 'nobody']) {
    const { answer, ticket } = await ada.startLogin(account, 'a guess')
    const finish = await ada.post('/login/finish', { ticket, finishLoginRequest: FORGED_FINISH })
    const shape = Object.entries(answer).map(([name, value]) => [name, typeof value, String(value).length])
    answers.push({ shape, finish })
  }

  expect(answers[1]).toEqual(answers[0])
  expect(await site.seen('factor.refused')).toMatchObject([{ subject: 'subject of ada' }, { subject: undefined }])
})

it('an account that does not exist answers the same request alike each time, as one that does', async () => {
  const { ada } = await siteOfAda()
  const { startLoginRequest } = client.startLogin({ password: 'a guess' })
  const ask = async (account: string) =>
    evaluationOf((await ada.post('/login/start', { account, startLoginRequest })).loginResponse)

  const asked = [await ask('ada'), await ask('ada'), await ask('nobody'), await ask('nobody'), await ask('nobody else')]

  expect([asked[0] === asked[1], asked[2] === asked[3], new Set(asked).size]).toEqual([true, true, 3])
})

it.each(['opaque1.x.y', '', `opaque1.${'A'.repeat(22)}.${'A'.repeat(256)}`, undefined as never])(
  'an account whose registration is damaged (%s) answers as one that does not exist',
  async (registration) => {
    const { site, ada } = await siteOfAda()
    site.accounts.set('ada', { subject: 'subject of ada', registration })
    const { answer, ticket } = await ada.startLogin('ada', PASSWORD)

    expect(answer).toEqual({ ok: true, ticket: expect.any(String), loginResponse: expect.stringMatching(/^[\w-]{427}$/) })
    expect(await ada.post('/login/finish', { ticket, finishLoginRequest: FORGED_FINISH })).toEqual({ ok: false, reason: 'wrong' })
  },
)

it.each(['ada', 'nobody'])('of a hundred guesses at %s at once only the allowed number is evaluated', async (account) => {
  const { site } = await siteOfAda({ throttle: { tries: 5, networkTries: 1000 } })
  const guesses = Array.from({ length: 100 }, (_, index) => new Browser(site).startLogin(account, `guess ${index}`))
  const answers = (await Promise.all(guesses)).map(({ answer }) => answer)

  const evaluated = answers.filter(({ ok }) => ok)
  const refused = answers.filter(({ ok }) => !ok)
  expect(evaluated).toHaveLength(5)
  expect(new Set(refused.map((answer) => JSON.stringify(Object.keys(answer)))).size).toBe(1)
  expect(refused[0]).toMatchObject({ reason: 'throttled', retryAfter: expect.any(Number) })
})

it('a right password gives its owner back the tries that were used up', async () => {
  const { site, ada } = await siteOfAda({ throttle: { tries: 5, networkTries: 1000 } })
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 4; i++) await new Browser(site).startLogin('ada', 'wrong')
    expect(await ada.login('ada', PASSWORD)).toMatchObject({ ok: true })
  }
})
