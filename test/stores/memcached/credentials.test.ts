import { rm, writeFile } from 'node:fs/promises'
import { createServer, type Server as SocketServer } from 'node:net'
import { join } from 'node:path'
import type { Store } from 'sojourn'
import { memcachedStore } from 'sojourn/stores/memcached'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, startMemcached } from '../../servers/memcached.ts'
import { type Server, temporaryFolder } from '../../servers/server.ts'
import { created, isAlive, someId, someSubject } from './support.ts'

const now = Date.now()
const USER = 'shop'
/** Of the server of this test only. */
const PASSWORD = 'p\u00e4ss w\u00f6rd'
let folder: string
let checker: SocketServer
let server: Server

/** memcached asks libsasl, and libsasl asks a daemon on a socket: `user, password, service, realm`, each with its length before it. */
function startChecker(path: string): Promise<SocketServer> {
  const listening = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (asked) => {
      const fields: string[] = []
      for (let at = 0; at < asked.length; ) {
        const end = at + 2 + asked.readUInt16BE(at)
        fields.push(asked.toString('utf8', at + 2, end))
        at = end
      }
      const answer = fields[0] === USER && fields[1] === PASSWORD ? 'OK' : 'NO'
      socket.end(Buffer.concat([Buffer.from([0, answer.length]), Buffer.from(answer)]))
    })
  })
  return new Promise((resolve) => listening.listen(path, () => resolve(listening)))
}

/** A mechanism is a library of its own. Debian has PLAIN in the package `libsasl2-modules`, which `npm test` installs. */
beforeAll(async () => {
  folder = await temporaryFolder()
  checker = await startChecker(join(folder, 'mux'))
  const settings = `mech_list: plain\npwcheck_method: saslauthd\nsaslauthd_path: ${join(folder, 'mux')}\n`
  await writeFile(join(folder, 'memcached.conf'), settings)
  process.env.SASL_CONF_PATH = folder
  server = await startMemcached('--enable-sasl', '--user=root')
})
afterAll(async () => {
  delete process.env.SASL_CONF_PATH
  await server.stop()
  checker.close()
  await rm(folder, { recursive: true })
})

function open(credentials: { username?: string; password?: string }): Store {
  const store = memcachedStore(clientOf([server], credentials))
  onTestFinished(() => store.close())
  return store
}

describe('a server that asks for user name and password', () => {
  test('gets those of the client, first on every connection', async () => {
    const store = open({ username: USER, password: PASSWORD })
    const records = await Promise.all(Array.from({ length: 20 }, () => created(store, now, { subject: someSubject() })))

    await server.restart()
    await Promise.allSettled([store.read(records[0]!.id)])

    expect(await store.read(records[0]!.id)).toBeUndefined()
    expect(await isAlive(store, await created(store, now, { subject: someSubject() }))).toBe(true)
  })

  test.each([
    ['wrong ones', { username: USER, password: 'guess' }],
    ['none', {}],
  ])('gets %s: a typed error that holds neither, never "there is no session"', async (_case, credentials) => {
    const store = open(credentials)

    const outcomes = await Promise.allSettled([store.read(someId()), store.read(someId()), created(store, now)])

    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_UNAVAILABLE' } })
      const { reason } = outcome as PromiseRejectedResult
      expect(`${reason.stack} ${reason.cause?.stack}`).not.toMatch(/guess|shop/)
    }
  })
})
