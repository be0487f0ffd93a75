// What a route may ask of a session, and what a half-done sign-in reaches: the same on every framework, over TLS.
import { createSessions, minutes, type SojournEvent } from 'sojourn'
import { createStepUp } from 'sojourn/stepup'
import { memoryFactorStore } from 'sojourn/stepup/stores/memory'
import { memoryStore } from 'sojourn/stores/memory'
import { fakeClock } from 'sojourn/testing'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { testKey } from '../http/support/keys.ts'
import { serve } from '../http/support/servers.ts'
import { type App, adapters, type Options } from './adapters.ts'
import { Browser } from './browser.ts'

const PAGE = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate' } }
const FRESH = minutes(5)

describe.each(Object.entries(adapters))('%s', (_name, listen) => {
  async function site(options: Options = {}, isDue = false) {
    const clock = fakeClock(Date.now())
    const events: SojournEvent[] = []
    const data = z.object({ items: z.record(z.string(), z.number()).default({}), note: z.string().default('') })
    const sessions = createSessions({
      store: memoryStore(),
      keys: testKey(),
      data,
      clock,
      onEvent: (event) => events.push(event),
    })
    const stepUp = createStepUp(sessions, { factors: memoryFactorStore(), issuer: 'Shop', isDue: () => isDue })
    const deeds: string[] = []
    const app: App = async ({ path }, session) => {
      if (path === '/login') await stepUp.signIn(session, { subject: 'ada', method: 'pwd' })
      // What a code, or a passkey, does once it is checked.
      if (path === '/step-up/code') await session.elevate({ method: 'otp' })
      if (path === '/account') session.requireAssurance()
      if (path.startsWith('/checkout') || path === '/step-up') session.requireAssurance({ acr: 'aal2', maxAge: FRESH })
      deeds.push(path)
      const { subject = null, state, acr, pending = null } = session
      return { body: JSON.stringify({ subject, state, acr, pending }) }
    }
    const origin = await serve(listen(sessions, app, { guards: [stepUp], ...options }), { tls: true })
    const browser = new Browser(origin)
    const drained = async () => {
      await sessions.events.drained()
      return events
    }
    return { browser, deeds, clock, origin, sessions, drained }
  }

  test('a program that has not proved enough gets 401 with RFC 9470’s challenge, and nothing is done', async () => {
    const { browser, deeds, drained } = await site()
    await browser.post('/login')

    const answer = await browser.post('/checkout', { headers: { accept: 'application/json' } })

    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"',
    ])
    expect(answer.headers.location).toBeUndefined()
    expect(deeds).toEqual(['/login'])
    expect((await drained()).find(({ type }) => type === 'assurance.refused')).toMatchObject({
      subject: 'ada',
      acr: 'aal2',
      maxAge: FRESH,
    })
  })

  test('it does what it was to do once more is proved', async () => {
    const { browser } = await site()
    await browser.post('/login')
    await browser.post('/checkout')
    await browser.post('/step-up/code')

    expect((await browser.post('/checkout')).status).toBe(200)
  })

  test('a proof counts up to its very last millisecond', async () => {
    const { browser, clock } = await site()
    await browser.post('/login')
    await browser.post('/step-up/code')
    clock.advance(FRESH)
    const last = await browser.post('/checkout')
    clock.advance(1)
    const late = await browser.post('/checkout')

    expect([last.status, late.status]).toEqual([200, 401])
  })

  test('a page’s visitor is sent to prove more, and told where to go on', async () => {
    const { browser } = await site()
    await browser.post('/login')

    const answer = await browser.get('/checkout/7?gift=yes', PAGE)

    expect([answer.status, answer.headers.location]).toEqual([
      303,
      '/step-up?acr=aal2&max_age=300&returnTo=%2Fcheckout%2F7%3Fgift%3Dyes',
    ])
    expect(answer.headers['cache-control']).toContain('no-store')
    await browser.post('/step-up/code')
    const { searchParams } = new URL(answer.headers.location!, 'https://shop.example')
    expect((await browser.get(searchParams.get('returnTo')!, PAGE)).status).toBe(200)
  })

  test('a form’s sender comes back to the page with the form; that of another site to the first page', async () => {
    const { browser, origin } = await site({ csrf: { allowedOrigins: ['https://evil.example'] } })
    await browser.post('/login')
    const from = (referer: string) => ({ headers: { ...PAGE.headers, referer } })
    const own = await browser.post('/checkout', from(`${origin}/basket?page=2`))
    const other = await browser.post('/checkout', from('https://evil.example/basket'))

    expect([own.headers.location, other.headers.location]).toEqual([
      '/step-up?acr=aal2&max_age=300&returnTo=%2Fbasket%3Fpage%3D2',
      '/step-up?acr=aal2&max_age=300&returnTo=%2F',
    ])
  })

  test('a visitor who is not signed in goes to the sign-in, where there is one', async () => {
    const { browser } = await site({ stepUpPage: '/prove', signInPage: '/sign-in' })

    expect((await browser.get('/account', PAGE)).headers.location).toBe('/sign-in?acr=aal1&returnTo=%2Faccount')
    expect((await browser.get('/account')).status).toBe(401)
    await browser.post('/login')
    expect((await browser.get('/account', PAGE)).status).toBe(200)
    expect((await browser.get('/checkout', PAGE)).headers.location).toMatch(/^\/prove\?/)
  })

  test.each(['//evil.example', '/\\evil.example', '/%2f%2fevil.example', '/..//evil.example/'])(
    'nobody is led to another site by %s',
    async (path) => {
      const { browser } = await site()
      await browser.post('/login')
      const answer = await browser.get(`/checkout${path}`, PAGE)

      const { searchParams } = new URL(answer.headers.location ?? '/', 'https://shop.example')
      const reached = new URL(searchParams.get('returnTo') ?? '/', 'https://shop.example')
      expect(reached.origin).toBe('https://shop.example')
    },
  )

  test('a script’s request is told, not sent on: it would take the page for its answer', async () => {
    const { browser } = await site()
    await browser.post('/login')

    const answer = await browser.get('/checkout', { headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } })

    expect([answer.status, answer.headers.location]).toEqual([401, undefined])
  })

  test('the step-up page itself sends nobody round', async () => {
    const { browser } = await site()
    await browser.post('/login')

    expect((await browser.get('/step-up', PAGE)).status).toBe(401)
  })

  test('a half-done sign-in is nobody’s by whatever path it comes, until it is done', async () => {
    const { browser, sessions } = await site({}, true)
    await browser.post('/login')
    const paths = [
      '/',
      '/account',
      '/checkout',
      '/step-up/../account',
      '/step-up/%2e%2e/account',
      '/step-up//x',
      '/STEP-UP/code',
      '/step-up/code/',
    ]

    for (const path of paths) {
      const answer = await browser.get(path)
      if (answer.status === 200) expect(JSON.parse(answer.body)).toMatchObject({ subject: null, state: 'pending' })
      else expect([401, 404]).toContain(answer.status)
    }
    const sent = await browser.get('/account', PAGE)
    const token = browser.token
    const done = JSON.parse((await browser.post('/step-up/code')).body)

    expect([sent.status, sent.headers.location]).toEqual([303, '/step-up?acr=aal1&returnTo=%2Faccount'])
    expect(done).toEqual({ subject: 'ada', state: 'active', acr: 'aal2', pending: null })
    expect((await browser.get('/account')).status).toBe(200)
    expect((await sessions.read(token)).state).toBe('pending')
  })

  test('without the guard of step-up nobody signs in by it', async () => {
    const { browser } = await site({ guards: [] })

    const answer = await browser.post('/login')

    expect([answer.status, answer.setCookies]).toEqual([500, []])
  })
})
