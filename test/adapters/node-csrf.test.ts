import { connect, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createSessions, minutes } from 'sojourn'
import { upgradeSession, withSession } from 'sojourn/node'
import { cookieStore } from 'sojourn/stores/cookie'
import { memoryStore } from 'sojourn/stores/memory'
import { fakeClock } from 'sojourn/testing'
import { expect, onTestFinished, test } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { testCertificate } from '../http/support/servers.ts'

test('over HTTP/2 the site’s own origin is that of :authority', async () => {
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  const server = createSecureServer(
    testCertificate(),
    withSession(sessions, (_req, res, session) => res.end(`hello ${session.state}`)) as never,
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const client = connect(origin, { rejectUnauthorized: false })
  onTestFinished(() => {
    client.close()
    server.close()
  })
  const post = (headers: Record<string, string>) =>
    new Promise((resolve) => {
      const stream = client.request({ ':method': 'POST', ':path': '/', ...headers })
      stream.on('response', ({ ':status': status }) => resolve(status))
      stream.end()
    })

  expect([await post({ origin }), await post({ origin: 'https://evil.example' }), await post({})]).toEqual([200, 403, 403])
})

test('a socket’s session in a sealed cookie can be read, and says that it cannot be written', async () => {
  const clock = fakeClock()
  const sessions = createSessions({ store: cookieStore(), keys: testKey(), clock })
  const { token } = await (await sessions.signIn({ subject: 'ada', method: 'pwd' })).commit()
  clock.advance(minutes(20))
  const request = {
    method: 'GET',
    url: '/live',
    headers: { host: 'shop.example', upgrade: 'websocket', origin: 'https://shop.example', cookie: `__Host-sjn=${token}` },
    socket: { encrypted: true },
  }

  const session = await upgradeSession(sessions)(request as never)

  expect(session.subject).toBe('ada')
  await expect(session.update(() => {})).rejects.toMatchObject({ code: 'ERR_SESSION_COMMITTED' })
})
