// A browser that says nothing of where its requests begin, and a program that never does. Everybody else is told by headers (json.test.ts).
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SEEDED } from '../../demo/people.ts'
import { Client } from './client.ts'
import { type Demo, startDemo } from './demo-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sojourn-demo-'))
let demo: Demo
beforeAll(async () => {
  demo = await startDemo(folder)
})
afterAll(async () => {
  await demo.kill()
  rmSync(folder, { recursive: true, force: true })
})

const OLD_BROWSER = { 'user-agent': 'Mozilla/5.0 (old)', accept: 'text/html,*/*;q=0.8' }

/** A browser without Fetch Metadata whose forms carry no `Origin` either. */
function oldBrowser() {
  const client = new Client(demo.url)
  const look = (path: string) => client.send(path, { headers: OLD_BROWSER })
  const post = (path: string, form: Record<string, string>) => client.send(path, { form, headers: OLD_BROWSER })
  return { client, look, post }
}

const tokenOf = (text: string): string => /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? ''
const CREDENTIALS = { username: SEEDED.names[0], password: SEEDED.password }

describe('a browser that says nothing of where its requests begin', () => {
  it('signs in with the token of the page, which starts no session', async () => {
    const { client, look, post } = oldBrowser()
    const page = await look('/login')
    const cookies = [...client.cookies.keys()]

    const answer = await post('/login', { ...CREDENTIALS, csrf_token: tokenOf(page.text) })

    expect([cookies, answer.status, [...client.cookies.keys()]]).toEqual([['sjn-csrf'], 303, ['sjn']])
  })

  it('is refused without it, and with one of before the sign-in', async () => {
    const { look, post } = oldBrowser()
    const before = tokenOf((await look('/login')).text)

    const withoutToken = await post('/login', CREDENTIALS)
    await post('/login', { ...CREDENTIALS, csrf_token: before })
    const withOldToken = await post('/logout', { csrf_token: before })
    const withNewToken = await post('/logout', { csrf_token: tokenOf((await look('/me')).text) })

    expect([withoutToken.status, withOldToken.status, withNewToken.status]).toEqual([403, 403, 303])
  })

  it('can use every form of every page', async () => {
    const { look, post } = oldBrowser()
    await post('/login', { ...CREDENTIALS, csrf_token: tokenOf((await look('/login')).text) })
    await post('/basket/b1/add', { csrf_token: tokenOf((await look('/')).text) })
    const texts = await Promise.all(['/', '/books/b1', '/basket', '/me', '/sessions', '/login', '/signup'].map(look))

    const forms = texts.flatMap(({ text }) => text.match(/<form [^>]*method="post"[^>]*>.{0,30}/gs) ?? [])

    expect(forms.length).toBeGreaterThan(40)
    expect(forms.filter((form) => !form.includes('<input type="hidden" name="c'))).toEqual([])
  })
})

describe('a browser of today', () => {
  it('gets no token and no cookie for looking around', async () => {
    const client = new Client(demo.url)

    const texts = await Promise.all(['/', '/login', '/signup', '/books/b1'].map((path) => client.page(path)))

    expect([client.cookies.size, texts.filter(({ text }) => text.includes('csrf_token')).length]).toEqual([0, 0])
  })
})

describe('a program', () => {
  it('that asks for JSON needs no token', async () => {
    const client = new Client(demo.url)
    await client.signIn()

    expect((await client.api('/logout', { method: 'POST' })).status).toBe(200)
  })

  it('that calls itself a browser does, unless it says where the request began', async () => {
    const client = new Client(demo.url)
    await client.signIn()
    const asBrowser = { 'user-agent': 'Mozilla/5.0' }

    const unsaid = await client.api('/logout', { method: 'POST', headers: asBrowser })
    const said = await client.api('/logout', { method: 'POST', headers: { ...asBrowser, origin: demo.url } })

    expect([unsaid.status, said.status]).toEqual([403, 200])
  })
})
