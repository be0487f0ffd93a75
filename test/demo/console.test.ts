import { expect, it } from 'vitest'
import { LIBRARIAN } from '../../demo/people.ts'
import { Client, codeOf } from './client.ts'
import { demoForTest } from './demo-process.ts'

it('the console is for root-librarian with a second factor, and ends what it is told to end', { timeout: 60_000 }, async () => {
  const demo = await demoForTest()
  const [ada, librarian] = [new Client(demo.url), new Client(demo.url)]
  await ada.signIn('ada')
  const { sessionId } = (await ada.api('/me')).json as { sessionId: string }
  const refused = await ada.page('/console')
  await librarian.signIn(LIBRARIAN)
  const pending = await librarian.page('/console')
  await librarian.api('/mfa/totp', { json: { code: codeOf(demo.librarianKey) } })
  const listed = await librarian.page('/console/sessions')
  const asked = await librarian.page(`/console/sessions/${sessionId}/end`)
  const done = await librarian.page(`/console/sessions/${sessionId}/end`, { form: { ...hiddenOf(asked.text), reason: 'stolen' } })
  const log = await librarian.page('/console/audit')

  expect([refused.status, pending.status, pending.text.includes('Sign-ins')]).toEqual([404, 401, false])
  expect(listed.text).toContain(sessionId)
  expect(asked.text).toMatch(/End/)
  expect(done.status).toBe(303)
  expect((await ada.api('/me')).status).toBe(401)
  expect(log.text).toContain(LIBRARIAN)
  for (const token of [...ada.tokens, ...librarian.tokens]) expect(librarian.heard.join('')).not.toContain(token)
})

it('each reader has a page of their own with what happened lately', { timeout: 60_000 }, async () => {
  const demo = await demoForTest()
  const ada = new Client(demo.url)
  await ada.signIn('ada')

  expect((await ada.page('/account')).text).toContain('This device')
  expect((await new Client(demo.url).page('/account')).status).toBe(401)
})

it('--live lets a crowd in that the console sees at once', { timeout: 60_000 }, async () => {
  const demo = await demoForTest({ args: ['--live'] })
  const librarian = new Client(demo.url)
  await librarian.signIn(LIBRARIAN)
  await librarian.api('/mfa/totp', { json: { code: codeOf(demo.librarianKey) } })
  const rows = async () => (await librarian.page('/console/sessions')).text.match(/-\d{1,2}<\//g)?.length ?? 0

  await expect.poll(rows, { timeout: 20_000, interval: 500 }).toBeGreaterThan(5)
})

/** The hidden fields of a page's form. */
function hiddenOf(page: string): Record<string, string> {
  const fields = page.match(/<input[^>]*type="hidden"[^>]*>/g) ?? []
  const of = (field: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(field)?.[1] ?? ''
  return Object.fromEntries(fields.map((field) => [of(field, 'name'), of(field, 'value')]))
}
