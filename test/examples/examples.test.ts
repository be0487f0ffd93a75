import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { cookieJar, describeStoreContract } from 'sojourn/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import { mapStore } from '../../examples/map-store.ts'
import { Browser } from '../matrix/browser.ts'
import { type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { type RedisServer, startRedis } from '../servers/redis.ts'

const folder = join(import.meta.dirname, '..', '..', 'examples')
const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
const servers = files.filter((name) => name !== 'map-store.ts')

let redis: RedisServer
let postgres: PostgresServer
beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
})
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()])
})

/** Starts an example as its first lines say, on a free port, and gives a browser at its address. */
async function start(file: string): Promise<Browser> {
  const args = ['--conditions=sojourn-source', join(folder, file)]
  const env = { ...process.env, PORT: '0', REDIS_URL: redis.url, DATABASE_URL: postgres.url }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.resume()
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

test('the Redis example signs nobody out while Redis is away: a 503, and a front page that says it does not know', async () => {
  const browser = await start('redis.ts')
  await browser.post('/login/ada')
  const before = await browser.get('/')

  await redis.server.kill()
  // Until the loss of its connection reaches it, the near cache answers from its copy.
  const front = async () => JSON.parse((await browser.get('/')).body)
  await expect.poll(front, { interval: 20 }).toEqual({ subject: null, isKnown: false })
  const logout = await browser.post('/logout')
  await redis.server.restart()

  expect(JSON.parse(before.body)).toEqual({ subject: 'ada', isKnown: true })
  expect(logout.status).toBe(503)
  expect(logout.body).toContain('not signed out')
})

test.each(files)('%s is under 60 lines and imports what a user can', (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  const imports = [...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)

  expect(source.split('\n').length).toBeLessThanOrEqual(60)
  expect(imports.filter((name) => !/^(node:|sojourn(\/|$)|express$|zod$|ioredis$|pg$|\.\/map-store\.ts$)/.test(name!))).toEqual(
    [],
  )
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
