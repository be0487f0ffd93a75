/** The shop as a browser without script sees it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from './client.ts'
import { type Demo, startDemo } from './demo-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
const password = 'correct horse battery staple'
let demo: Demo

beforeAll(async () => {
  demo = await startDemo(folder)
})
afterAll(async () => {
  await demo.kill()
  rmSync(folder, { recursive: true, force: true })
})

const visitor = () => new Client(demo.url)

describe('looking around', () => {
  it('costs no cookie', async () => {
    const client = visitor()
    for (const path of ['/', '/books/b1', '/basket', '/login', '/signup', '/about', '/signed-out']) {
      const answer = await client.page(path)
      expect(answer.status, path).toBe(200)
      expect(answer.headers.getSetCookie(), path).toEqual([])
    }
  })

  it('shows all thirty-two books, each with a cover drawn in the page', async () => {
    const { text } = await visitor().page('/')

    expect(new Set(text.match(/href="\/books\/b\d+"/g)).size).toBe(32)
    expect(text.match(/<svg class="cover"/g)?.length).toBeGreaterThanOrEqual(32)
    expect(text).not.toMatch(/<img|style=|onclick|javascript:|https?:\/\/(?!localhost)/)
  })

  it('leaves what is the same for everybody cacheable, also for who has a session', async () => {
    const client = visitor()
    await client.signIn()
    const page = await client.page('/about')
    const css = await client.page((await client.page('/')).text.match(/\/assets\/shop\.css\?v=[\w-]+/)?.[0] ?? '')
    const personal = await client.page('/')

    expect(page.headers.get('cache-control')).toBe('public, max-age=300')
    expect(page.headers.get('vary') ?? '').not.toMatch(/cookie/i)
    expect(css.headers.get('cache-control')).toContain('immutable')
    expect(personal.headers.get('cache-control')).toContain('no-store')
  })

  it('comes under a policy that allows nothing inline and nothing from elsewhere', async () => {
    const { headers } = await visitor().page('/')

    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(policy).toContain("frame-ancestors 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-powered-by')).toBeNull()
  })

  it('ends at a friendly 404 for a book there is not', async () => {
    const answer = await visitor().page('/books/b99')

    expect(answer.status).toBe(404)
    expect(answer.text).toContain('Not on any shelf')
  })
})

describe('shopping without script', () => {
  it('adds, changes and puts back, each with a redirect and a message told once', async () => {
    const client = visitor()
    const added = await client.page('/basket/b5/add', { form: {} })
    const told = await client.page('/basket')
    const toldAgain = await client.page('/basket')
    const changed = await client.page('/basket/b5', { form: { quantity: '3' } })
    const afterChange = await client.page('/basket')
    await client.page('/basket/b5', { form: { quantity: '0' } })
    const empty = await client.page('/basket')

    expect([added.status, added.location]).toEqual([303, '/books/b5'])
    expect(told.text).toContain('<cite>Low Water</cite> is in your basket.')
    expect(toldAgain.text).not.toContain('is in your basket.')
    expect([changed.status, changed.location]).toEqual([303, '/basket'])
    expect(afterChange.text).toContain('value="3"')
    expect(afterChange.text).toContain('€46.50')
    expect(empty.text).toContain('Nothing in it yet')
  })

  it('stops at ninety-nine of one book', async () => {
    const client = visitor()
    await client.put('b1', 99)

    await client.page('/basket/b1/add', { form: {} })

    expect(await client.basket()).toEqual({ b1: 99 })
    expect((await client.page('/basket')).text).toContain('holds no more of that')
  })

  it.each(['', '-1', '100', '1e1', 'two', '1.5'])('refuses %j of a book on a page', async (quantity) => {
    const answer = await visitor().page('/basket/b1', { form: { quantity } })

    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toContain('text/html')
  })

  it('shows a book it does not list by its id, escaped', async () => {
    const client = visitor()
    await client.put('constructor', 1)

    const { text } = await client.page('/basket')

    expect(text).toContain('Unlisted book constructor')
    expect(text).toContain('Price on request')
  })

  it('sets books aside for who is signed in, and asks others to sign in', async () => {
    const client = visitor()
    await client.put('b1', 2)
    const before = await client.page('/reserve', { form: {} })
    await client.signIn()

    const after = await client.page('/reserve', { form: {} })

    expect(before.status).toBe(401)
    expect(after.location).toBe('/basket')
    expect((await client.page('/basket')).text).toContain('set aside 2 books')
    expect(await client.basket()).toEqual({})
  })
})

describe('coming and going without script', () => {
  it('signs in with the basket in hand and goes where the reader was', async () => {
    const client = visitor()
    await client.page('/basket/b9/add', { form: {} })

    const answer = await client.page('/login', { form: { username: 'ada', password, next: '/basket' } })
    const { text } = await client.page('/basket')

    expect([answer.status, answer.location]).toEqual([303, '/basket'])
    expect(text).toContain('Welcome back, ada')
    expect(text).toContain('The Patience of Bread')
    expect(text).toContain('this visit ends in <strong data-time-left>30 minutes</strong>')
  })

  it.each(['https://evil.example', '//evil.example', '/\\evil.example', '/logout', '/basket/../logout', 'javascript:alert(1)'])(
    'does not send anybody to %s',
    async (next) => {
      const answer = await visitor().page('/login', { form: { username: 'ada', password, next } })

      expect(answer.location).toBe('/')
    },
  )

  it('shows a wrong password as words beside the form, with the name still in it', async () => {
    const answer = await visitor().page('/login', { form: { username: '"><script>', password: 'wrong' } })

    expect(answer.status).toBe(401)
    expect(answer.text).toContain('role="alert"')
    expect(answer.text).toContain('value="&quot;&gt;&lt;script&gt;"')
    expect(answer.text).not.toContain('"><script>')
    expect(answer.text).not.toContain('value="wrong"')
  })

  it('makes a reader, or says beside each field what is wrong', async () => {
    const client = visitor()
    const wrong = await client.page('/signup', { form: { username: 'x', password: 'short', next: '/me' } })

    const right = await client.page('/signup', { form: { username: 'pilar', password: 'seven green umbrellas', next: '/me' } })

    expect(wrong.status).toBe(422)
    expect(wrong.text.match(/aria-invalid="true"/g)).toHaveLength(2)
    expect(wrong.text).toContain('id="password-problem"')
    expect(wrong.text).not.toContain('short"')
    expect(right.location).toBe('/me')
    expect((await client.page('/me')).text).toContain('Good to have you here, pilar')
  })

  it('signs out to a page that knows nobody', async () => {
    const client = visitor()
    await client.signIn()

    const answer = await client.page('/logout', { form: {} })
    const after = await client.page('/signed-out')

    expect(answer.location).toBe('/signed-out')
    expect(answer.headers.get('clear-site-data')).toBeTruthy()
    expect(after.text).toContain('See you again')
    expect(after.text).not.toContain('ada')
  })

  it('asks whoever is not signed in to do so, and says why when another device ended the visit', async () => {
    const here = visitor()
    const there = visitor()
    await here.signInAsSecond()
    await there.signInAsSecond()
    await here.page('/sessions/end-others', { form: {} })

    const anonymous = await visitor().page('/sessions')
    const ended = await there.page('/sessions')

    expect(anonymous.status).toBe(401)
    expect(anonymous.text).toContain('name="next" value="/sessions"')
    expect(ended.text).toContain('signed out from another one')
  })

  it('keeps a visit going at a click', async () => {
    const client = visitor()
    await client.signIn()

    const answer = await client.page('/stay', { form: { next: '/sessions' } })

    expect([answer.status, answer.location]).toEqual([303, '/sessions'])
    expect((await client.page('/sessions')).text).toContain('You stay signed in')
  })
})

describe('your devices without script', () => {
  const devicesIn = (text: string) => [...text.matchAll(/data-device="([\w-]{22})"/g)].map((found) => found[1] ?? '')

  it('ends one, then says when there is nothing left to end', async () => {
    const here = visitor()
    const there = visitor()
    await here.page('/signup', { form: { username: 'devices-one', password: 'seven green umbrellas' } })
    await there.signIn('devices-one', 'seven green umbrellas')
    const [current = '', other = ''] = devicesIn((await here.page('/sessions')).text)

    const answer = await here.page(`/sessions/${other}/end`, { form: {} })
    const after = await here.page('/sessions')
    await here.page(`/sessions/${other}/end`, { form: {} })
    const again = await here.page('/sessions')

    expect(answer.location).toBe('/sessions')
    expect(after.text).toContain('That device is signed out.')
    expect(devicesIn(after.text)).toEqual([current])
    expect(after.text).toContain('You are signed in nowhere else.')
    expect(again.text).toContain('signed out already')
    expect((await there.api('/me')).status).toBe(401)
  })

  it('ends all, this one too', async () => {
    const here = visitor()
    const there = visitor()
    await here.page('/signup', { form: { username: 'devices-all', password: 'seven green umbrellas' } })
    await there.signIn('devices-all', 'seven green umbrellas')

    const answer = await here.page('/sessions/end-all', { form: {} })

    expect(answer.location).toBe('/signed-out?everywhere=yes')
    expect(here.cookies.size).toBe(0)
    expect((await here.api('/me')).status).toBe(401)
    expect((await there.api('/me')).status).toBe(401)
  })

  it('shows a name that a browser made up as no name at all', async () => {
    const client = visitor()
    await client.api('/login', {
      json: { username: 'ada', password },
      headers: { 'user-agent': '<script>alert(1)</script>' },
    })

    const { text } = await client.page('/sessions')

    expect(text).toContain('A device we do not know')
    expect(text).not.toContain('alert(1)')
  })
})
