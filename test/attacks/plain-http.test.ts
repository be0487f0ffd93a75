// The attacker has: the network path, and a way to make the victim's browser request http://.
// The attacker does: reads what is sent in the clear, answers in the server's place, and lets the victim go on over https.
// The attacker must not obtain: a token sent in the clear, a session that works over both, or one planted over http.
import { expect, it } from 'vitest'
import { codeOf } from '../core/support.ts'
import { browser, COOKIE, ORIGIN, site } from './support.ts'

const CLEAR = 'http://shop.example'

it('the browser never sends the cookie over plain HTTP', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')

  expect(ada.jar.header(CLEAR)).toBeUndefined()
})

it('a valid token that does arrive over plain HTTP is nobody’s, and an event', async () => {
  const shop = site()
  const ada = browser(shop)
  await ada.visit('/login')
  const response = await shop.answer(`${CLEAR}/me`, { headers: { cookie: `${COOKIE}=${ada.token()}` } })

  expect([((await response.json()) as { subject: null }).subject, (await shop.seen('transport.refused')).length]).toEqual([
    null,
    1,
  ])
})

it('signing in over plain HTTP is refused before a session is made, and no cookie leaves', async () => {
  const shop = site()

  expect([await codeOf(shop.answer(`${CLEAR}/login`)), await shop.sessions.list('ada')]).toEqual(['ERR_TRANSPORT_INSECURE', []])
})

it('a redirect from http to https sets no cookie', async () => {
  const shop = site()
  const response = await shop.answer(`${CLEAR}/public`)

  expect(response.headers.getSetCookie()).toEqual([])
})

it('a cookie planted over plain HTTP is refused by the browser', async () => {
  const shop = site()
  const ada = browser(shop)

  expect([ada.jar.store(CLEAR, `${COOKIE}=planted; Path=/`), ada.jar.header(ORIGIN)]).toEqual([0, undefined])
})

it.each(['x-forwarded-proto', 'forwarded', 'x-forwarded-ssl', 'front-end-https', 'x-url-scheme'])(
  '%s of a client does not make it https',
  async (header) => {
    const shop = site()
    const headers = { [header]: header === 'forwarded' ? 'proto=https' : 'https' }

    expect(await codeOf(shop.answer(`${CLEAR}/login`, { headers }))).toBe('ERR_TRANSPORT_INSECURE')
  },
)
