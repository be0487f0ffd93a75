import { execFile } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { promisify } from 'node:util'
import { createSessions, type Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { KEY, signedIn } from '../../core/support.ts'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import { freePort, type Server } from '../../servers/server.ts'
import { created, DAY, freeze, isAlive, someRecord, someSubject } from './support.ts'

const now = Date.now()
const away = { code: 'ERR_STORE_UNAVAILABLE', status: 503 }
let server: Server
let store: Store

/** A store whose server may take `timeout` seconds to answer. */
function open(timeout: number): Store {
  const opened = memcachedStore(clientOf([server], { timeout }))
  onTestFinished(() => opened.close())
  return opened
}

beforeEach(async () => {
  server = await startMemcached()
  store = open(5)
  onTestFinished(() => server.stop())
})

/** Everything a request may ask of the store. */
const everything = (store: Store, id: string): Promise<unknown>[] => [
  Promise.resolve(store.read(id)),
  store.create(someRecord(now, { subject: someSubject() }), { now }),
  store.update(id, 1, someRecord(now)),
  store.revoke(id, { now, reason: 'logout' }),
  store.revokeSubject(someSubject(), { now, reason: 'logout' }),
  store.ledger.claim('a claim', { now, deadline: now + DAY }),
  store.ledger.put('a value', Uint8Array.of(1), { now, deadline: now + DAY }),
  store.ledger.take('a value', { now }),
  store.ledger.get('a value', { now }),
  store.ledger.count('a count', { now, window: DAY }),
]

describe('a server that is away', () => {
  test('is a typed error for every operation, at once', async () => {
    const record = await created(store, now)
    await server.kill()
    const startedAt = performance.now()

    const outcomes = await Promise.allSettled(everything(store, record.id))

    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('was never there: the same', async () => {
    const nobody = memcachedStore(clientOf([{ port: await freePort() }]))

    await expect(nobody.read(someRecord(now).id)).rejects.toMatchObject(away)
  })

  test('and is killed while requests wait: each of them is told', async () => {
    const record = await created(store, now)
    await freeze(server)
    const waiting = Promise.allSettled(Array.from({ length: 50 }, () => store.read(record.id)))

    await server.kill()

    for (const outcome of await waiting) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
  })
})

describe('a server that hangs', () => {
  test('is a typed error for every operation after the client’s timeout', async () => {
    const impatient = open(0.2)
    const record = await created(impatient, now)
    await freeze(server)
    const startedAt = performance.now()

    const outcomes = await Promise.allSettled(everything(impatient, record.id))

    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
    expect(performance.now() - startedAt).toBeGreaterThan(190)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    server.resume()
  })

  test('and goes on: its late answers reach nobody, and the sessions are as they were', async () => {
    const impatient = open(0.2)
    const records = await Promise.all(Array.from({ length: 20 }, (_, index) => large(index)))
    for (let round = 0; round < 3; round++) {
      await freeze(server)
      const late = await Promise.allSettled(records.map(({ id }) => impatient.read(id)))
      expect(late.every(({ status }) => status === 'rejected')).toBe(true)
      server.resume()

      const bodies = await Promise.all(records.map(({ id }) => patient(() => store.read(id))))
      expect(bodies.map((found) => found?.kind === 'record' && found.record.body[0])).toEqual(records.map(({ body }) => body[0]))
      const again = await patient(() => impatient.read(records[7]!.id))
      expect(again).toMatchObject({ record: { id: records[7]!.id, body: records[7]!.body } })
    }

    /** Of a size that comes in several pieces. */
    function large(index: number) {
      return created(store, now, { body: new Uint8Array(200_000).fill(index) })
    }
  })

  test('keeps nobody who stops waiting before', async () => {
    const record = await created(store, now)
    await freeze(server)
    const startedAt = performance.now()

    await expect(store.read(record.id, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject(away)

    expect(performance.now() - startedAt).toBeLessThan(1_000)
    server.resume()
  })
})

/** Asks again while the answer is that the server is away. */
async function patient<T>(ask: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      if (tries === 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

describe('a server that is no memcached', () => {
  test.each([
    ['greets in words', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['answers what nobody asked', Buffer.from(`810c${'00'.repeat(22)}`, 'hex')],
    ['says nothing and leaves', ''],
  ])('and %s: a typed error, never "there is no session"', async (_case, greeting) => {
    const stranger = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(greeting))
    })
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve))
    const lost = memcachedStore(clientOf([stranger.address() as AddressInfo]))
    onTestFinished(() => void stranger.close())

    const outcomes = await Promise.allSettled([lost.read(someRecord(now).id), lost.read(someRecord(now).id)])

    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: away })
  })
})

describe('a store', () => {
  test('that is closed answers nobody', async () => {
    const record = await created(store, now)
    const waiting = store.read(record.id)

    await store.close()

    await expect(waiting).rejects.toMatchObject(away)
    await expect(store.read(record.id)).rejects.toMatchObject(away)
  })

  test('that nobody asks keeps no process alive', async () => {
    const script = `
      import { Client } from 'memjs'
      import { memcachedStore } from 'sojourn/stores/memcached'
      const store = memcachedStore(Client.create('127.0.0.1:${server.port}'))
      console.log(await store.read('nobody'))`
    const args = ['--conditions=sojourn-source', '--no-warnings', '--input-type=module', '-e', script]

    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 10_000 })

    expect(stdout).toBe('undefined\n')
  })
})

describe('a server that restarts', () => {
  test('holds nothing: every session is absent, nobody is told otherwise, and new ones live', async () => {
    const subject = someSubject()
    const records = await Promise.all(Array.from({ length: 20 }, () => created(store, now, { subject })))
    await store.revokeSubject(subject, { now, reason: 'logout' })

    await server.restart()

    const found = await Promise.all(records.map(({ id }) => patient(() => store.read(id))))
    expect(found).toEqual(records.map(() => undefined))
    expect(await isAlive(store, await created(store, now, { subject }))).toBe(true)
  })

  test('makes everyone anonymous, through the whole of Sojourn, and crashes nothing', async () => {
    const sessions = createSessions({ store, keys: KEY })
    const token = await signedIn(sessions)
    const before = await sessions.read(token)
    await server.kill()
    await expect(sessions.read(token)).rejects.toMatchObject(away)

    await server.restart()

    const after = await patient(() => sessions.read(token))
    const again = await sessions.read(await signedIn(sessions))
    expect([before.subject, after.subject, again.subject]).toEqual(['ada', undefined, 'ada'])
    expect(after.state).toBe('unknown')
  })
})
