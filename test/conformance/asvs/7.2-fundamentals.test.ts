// OWASP ASVS 5.0.0, V7.2: fundamental session management security.
import { expect, it } from 'vitest'
import { browser, site, subjectOf } from '../../attacks/support.ts'
import { setUp, signedIn, tokenOf } from '../../core/support.ts'

it('ASVS-7.2.1: a token is verified by the server alone; what a client changes in it or beside it changes nothing', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const response = await shop.answer('/me', { headers: { cookie: 'subject=admin; acr=aal3', 'x-subject': 'admin' } })

  expect([await subjectOf(shop, `${ada.token()}x`), ((await response.json()) as { subject: null }).subject]).toEqual([null, null])
})

it('ASVS-7.2.2: tokens are made anew at each sign-in, and none can be set', async () => {
  const { sessions } = setUp()
  const session = sessions.anonymous()
  await session.signIn({ subject: 'ada', method: 'pwd', token: 'fixed', id: 'fixed' } as never)
  const tokens = [await tokenOf(session), await signedIn(sessions), await signedIn(sessions)]

  expect([new Set(tokens).size, tokens.some((token) => token.includes('fixed'))]).toEqual([3, false])
})

it('ASVS-7.2.3: a token has 256 bits of the random source in its secret, and 10,000 of them have no two alike', async () => {
  const asked: number[] = []
  let next = 0
  const random = (size: number) => {
    asked.push(size)
    const bytes = Buffer.alloc(size)
    bytes.writeUInt32BE(next++, size - 4)
    return bytes
  }
  await signedIn(setUp({ random }).sessions)
  const { sessions } = setUp()
  const tokens = new Set<string>()
  for (let i = 0; i < 10_000; i++) tokens.add(await signedIn(sessions))

  expect([asked.includes(32), tokens.size]).toEqual([true, 10_000])
})

it('ASVS-7.2.4: signing in and re-authenticating give a new token, and end the one of before', async () => {
  const { sessions } = setUp()
  const before = await tokenOf(await sessions.start({ data: { a: 1 } }))
  const login = await sessions.read(before)
  await login.signIn({ subject: 'ada', method: 'pwd' })
  const first = await tokenOf(login)
  const again = await sessions.read(first)
  await again.signIn({ subject: 'ada', method: 'pwd' })
  const second = await tokenOf(again)

  const states = await Promise.all([before, first, second].map(async (token) => (await sessions.read(token)).state))
  expect([new Set([before, first, second]).size, states]).toEqual([3, ['revoked', 'revoked', 'active']])
})
