import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar, describeStoreContract } from 'sojourn/testing'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { mapStore } from '../../examples/map-store.ts'
import { Browser } from '../matrix/browser.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples')
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
const servers = files.filter((name) => name !== 'map-store.ts')

/** Starts an example as its first lines say, on a free port, and gives a browser at its address. */
async function start(file: string): Promise<Browser> {
  const args = ['--conditions=sojourn-source', join(folder, file)]
  const child = spawn(process.execPath, args, { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('http')) return new Browser(line, cookieJar())
  }
  throw new Error(`${file} ended before it listened`)
}

describe.each(servers)('%s', (file) => {
  test('starts, signs in and out', async () => {
    const browser = await start(file)

    const before = JSON.parse((await browser.get('/')).body)
    await browser.post('/login/ada')
    const inside = JSON.parse((await browser.get('/')).body)
    await browser.post('/logout')
    const after = JSON.parse((await browser.get('/')).body)

    expect([before.subject, inside.subject, after.subject]).toEqual([null, 'ada', null])
  })
})

test('the Express example keeps a basket for those who are signed in', async () => {
  const browser = await start('express.ts')

  const anonymous = await browser.get('/basket/tea', { method: 'PUT' })
  await browser.post('/login/ada')
  await browser.get('/basket/tea', { method: 'PUT' })
  const { body } = await browser.get('/')

  expect(anonymous.status).toBe(401)
  expect(JSON.parse(body)).toEqual({ subject: 'ada', basket: ['tea'] })
})

test.each(files)('%s is under 60 lines and imports what a user can', (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)

  expect(source.split('\n').length).toBeLessThanOrEqual(60)
  expect(imports.filter((name) => !/^(node:|sojourn(\/|$)|express$|zod$|\.\/map-store\.ts$)/.test(name!))).toEqual([])
})

describeStoreContract(
  'the custom store of the examples',
  async () => {
    const store = mapStore()
    return { store, close: () => store.close() }
  },
  { describe, it },
  { capabilities: { limitsSubjects: false } },
)
