import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { Browser } from '../matrix/browser.ts'
import { parseExposition } from '../monitor/metrics/exposition.ts'

const PATIENCE = { timeout: 10_000, interval: 20 }

it('logs every event as a line of JSON, and shows Prometheus what happened', async () => {
  const env = { ...process.env, PORT: '0', METRICS_PORT: '0' }
  const file = join(import.meta.dirname, '..', '..', 'examples', 'metrics.ts')
  const child = spawn(process.execPath, ['--conditions=sojourn-source', file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill())
  const printed: string[] = []
  const logged: string[] = []
  createInterface(child.stdout).on('line', (line) => printed.push(line))
  createInterface(child.stderr).on('line', (line) => logged.push(line))
  await expect.poll(() => printed.length, PATIENCE).toBe(2)
  const browser = new Browser(printed[0]!, cookieJar())

  await browser.post('/login/ada')
  await browser.post('/logout')
  await expect.poll(() => logged.length, PATIENCE).toBe(3)
  const text = await (await fetch(printed[1]!.slice('metrics: '.length))).text()

  const { samples, problems } = parseExposition(text)
  const value = (name: string, type: string) => samples.find((one) => one.name === name && one.labels.type === type)?.value
  expect(logged.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
    'safety.lowered',
    'session.started',
    'session.revoked',
  ])
  expect(problems).toEqual([])
  expect([value('sojourn_events_total', 'session.started'), value('sojourn_events_total', 'session.revoked')]).toEqual([1, 1])
  expect(samples.find(({ name, labels }) => name.endsWith('_seconds_count') && labels.operation === 'create')?.value).toBe(1)
})
