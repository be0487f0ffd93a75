// Clients that have gone while their request was answered. What the server knew of the connection is not to be found there any more, and must not
// be taken for plain HTTP, or any stranger could ring the alarm that says every sign-in fails.
import { request } from 'node:http'
import { connect, constants, createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createSessions, type Session } from 'sojourn'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'
import { expect, onTestFinished, test } from 'vitest'
import { testKey } from '../http/support/keys.ts'
import { serve, testCertificate } from '../http/support/servers.ts'

/** Signs in once the client has gone, and tells what became of it. */
function lateSignIn(options: Parameters<typeof withSession>[2] = {}) {
  const refused: unknown[] = []
  const sessions = createSessions({ store: memoryStore(), keys: testKey() })
  sessions.events.on('transport.refused', (event) => refused.push(event))
  const [arrived, signedIn] = [Promise.withResolvers<void>(), Promise.withResolvers<string | undefined>()]
  const listener = withSession(
    sessions,
    async (_req, res, session: Session) => {
      const gone = new Promise((resolve) => res.once('close', resolve))
      arrived.resolve()
      await gone
      await session.signIn({ subject: 'ada', method: 'pwd' }).then(() => signedIn.resolve(session.subject), signedIn.reject)
      res.end()
    },
    options,
  )
  return { listener, arrived: arrived.promise, signedIn: signedIn.promise, refused }
}

test.each(['stream', 'connection'])('over HTTP/2, a %s that is reset was over TLS all the same', async (what) => {
  const { listener, arrived, signedIn, refused } = lateSignIn()
  const server = createSecureServer(testCertificate(), listener as never)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = connect(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, { rejectUnauthorized: false })
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  const stream = client.request({ ':method': 'POST', ':path': '/', 'sec-fetch-site': 'same-origin' }, { endStream: true })
  stream.on('error', () => {})
  await arrived
  if (what === 'stream') stream.close(constants.NGHTTP2_CANCEL)
  else client.destroy()

  expect([await signedIn, refused]).toEqual(['ada', []])
})

test('a proxy that hung up was a trusted one all the same', async () => {
  const { listener, arrived, signedIn, refused } = lateSignIn({ trustedProxies: ['loopback'] })
  const origin = await serve(listener)
  const headers = { 'x-forwarded-proto': 'https', 'sec-fetch-site': 'same-origin' }
  const outgoing = request(origin, { method: 'POST', headers, agent: false })
  outgoing.on('error', () => {})
  outgoing.end()
  await arrived
  outgoing.destroy()

  expect([await signedIn, refused]).toEqual(['ada', []])
})
