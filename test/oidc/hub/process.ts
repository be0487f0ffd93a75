/**
 * Another process of the service, for tests that kill it: `node process.ts <folder> <logout URI> <what>`. It says one line when it has done it, and stays.
 *
 * - `revoke`: signs in, connects, revokes, and hangs before the end is written to the outbox.
 * - `deliver`: signs in, connects, signs out, and delivers.
 */
import { join } from 'node:path'
import { createSessions } from 'sojourn'
import { createHub } from 'sojourn/oidc'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'

const [folder, logoutUri, what] = process.argv.slice(2)
const outbox = sqliteOutbox(join(folder!, 'outbox.db'))
if (what === 'revoke') outbox.end = () => new Promise(() => {})
const sessions = createSessions({ store: sqliteStore(join(folder!, 'sessions.db')), keys: process.env.HUB_KEYS })
const signer = { issuer: 'https://shop.example', sign: async () => process.env.HUB_LOGOUT_TOKEN ?? '' }
const hub = createHub(sessions, { signer, outbox, clients: [{ id: 'club', logoutUri: logoutUri! }], dangerouslyAllowHttp: true })
hub.start()

const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
const sid = await hub.connect(session, 'club')
await session.signOut()
console.log(sid)
setInterval(() => {}, 1000)
