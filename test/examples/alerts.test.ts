import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Browser } from '../matrix/browser.ts'
import { isSignedWith, SECRET, startReceiver } from '../monitor/alerts/receiver.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }

it('prints a link that shows what happened; posted, it ends the session, and operators hear of it', async () => {
  const receiver = await startReceiver()
  const env = { ...process.env, PORT: '0', ALERT_URL: receiver.url, ALERT_SECRET: SECRET }
  const file = join(import.meta.dirname, '..', '..', 'examples', 'alerts.ts')
  const child = spawn(process.execPath, ['--conditions=sojourn-source', file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  child.stderr.resume()
  const printed: string[] = []
  createInterface(child.stdout).on('line', (line) => printed.push(line))
  const line = async (start: string) => {
    await expect.poll(() => printed.some((text) => text.startsWith(start)), PATIENCE).toBe(true)
    return printed.find((text) => text.startsWith(start))!
  }
  const browser = new Browser(await line('http'), cookieJar())

  await browser.post('/login/ada')
  const link = /\/not-me\S+/.exec(await line('Mail to ada'))![0]
  const page = await browser.get(link)
  const before = JSON.parse((await browser.get('/')).body)
  const token = /value="([^"]+)"/.exec(page.body)![1]!
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const outcome = await browser.post('/not-me', { headers, body: new URLSearchParams({ token }).toString() })
  const after = JSON.parse((await browser.get('/')).body)
  await expect.poll(() => receiver.alerts.length, PATIENCE).toBe(1)

  expect([before.subject, after.subject]).toEqual(['ada', null])
  expect(JSON.parse(outcome.body)).toMatchObject({ ok: true, subject: 'ada', needsNewPassword: true })
  expect((await browser.get(link)).status).toBe(410)
  expect(receiver.alerts).toMatchObject([{ rule: 'disowned-sign-in', subject: 'ada' }])
  expect(isSignedWith(SECRET, receiver.received[0]!)).toBe(true)
})
