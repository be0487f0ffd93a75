import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Browser } from '../matrix/browser.ts'

it('keeps who ended whose session and why, finds it, and verifies', async () => {
  const file = join(import.meta.dirname, '..', '..', 'examples', 'audit.ts')
  const child = spawn(process.execPath, ['--conditions=sojourn-source', file], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill())
  child.stderr.resume()
  const [origin] = await new Promise<[string]>((resolve) => createInterface(child.stdout).once('line', (line) => resolve([line])))
  const [ada, root] = [new Browser(origin, cookieJar()), new Browser(origin, cookieJar())]

  const { id } = JSON.parse((await ada.post('/login/ada')).body)
  await root.post('/login/root')
  const { ended } = JSON.parse((await root.post(`/end/${id}?reason=stolen-laptop`)).body)
  const search = async () => JSON.parse((await root.get('/audit?subject=ada')).body).entries as { type: string }[]
  await expect.poll(async () => (await search()).length, { timeout: 10_000 }).toBe(2)

  expect(ended).toBe(true)
  expect(await search()).toMatchObject([
    { type: 'session.revoked', actor: 'root', reason: 'stolen-laptop', sessionId: id },
    { type: 'session.started', subject: 'ada' },
  ])
  expect(JSON.parse((await root.get('/audit/verify')).body)).toMatchObject({ isIntact: true })
  expect(
    (await root.get('/audit/export')).body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event.action),
  ).toContain('admin.session-end-asked')
})
