/** Another process of the site: mints, at the word, and says which key signed. */
import { createSessions } from 'sojourn'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { createTokens } from 'sojourn/tokens'
import { KEY } from '../core/support.ts'
import { API, ISSUER, kidOf } from './support.ts'

const store = sqliteStore(process.env.SESSIONS_FILE!)
let now = 0
const sessions = createSessions({ store, keys: KEY, clock: () => now })
const tokens = createTokens(sessions, { issuer: ISSUER, audience: API })

process.on('message', async ({ now: told, startAt }: { readonly now: number; readonly startAt: number }) => {
  now = told
  const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
  await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()))
  process.send!(kidOf((await tokens.mint(session)).accessToken))
})
process.on('disconnect', async () => {
  await tokens.close()
  await store.close()
})
process.send!('ready')
