/**
 * The person's own page. Start it with `npm run example examples/account-page.ts` and post to `/login/ada` as two devices (`curl -X POST -H 'Origin: http://localhost:3000' -A Firefox -c jar`);
 * `/account/devices` then lists both (`curl -b jar`). A notice of each new sign-in is printed, with the link that ends it.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions } from 'sojourn'
import { accountPages } from 'sojourn/console'
import { newSignInNotice } from 'sojourn/monitor/alerts'
import { withSession } from 'sojourn/node'
import { memoryStore } from 'sojourn/stores/memory'

const sessions = createSessions({
  store: memoryStore(),
  keys: process.env.SESSION_KEYS ?? randomBytes(32).toString('base64url'), // npx sojourn keys
})
const needNewPassword = new Set<string>()
const notice = newSignInNotice(sessions, {
  tell: ({ subject, token }) => console.log(`mail to ${subject}: /account/devices/notice?token=${token}`),
})
const account = accountPages(sessions, {
  words: { product: 'Example' },
  passwordPage: '/password',
  notice,
  onNotMe: ({ subject }) => needNewPassword.add(subject),
})

const listener = withSession(
  sessions,
  async (request, response, session) => {
    if (await account.node(request, response, session)) return
    const [, place, name] = request.url?.split('/') ?? []
    const isPost = request.method === 'POST'
    // Check the password here.
    if (isPost && place === 'login' && name) await session.signIn({ subject: name, method: 'pwd' })
    if (isPost && place === 'logout') await session.signOut()
    const isMarked = session.subject !== undefined && needNewPassword.has(session.subject)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ subject: session.subject ?? null, isMarked }))
  },
  // For this machine only: behind TLS, leave out dangerouslyAllowHttp and the cookie becomes __Host-sjn.
  { dangerouslyAllowHttp: true },
)

const server = createServer(listener).listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`)
})
