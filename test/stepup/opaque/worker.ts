/** Another process of the site: finishes, at the word, a login that somebody else began. */
import { createSessions } from 'sojourn'
import { createOpaque } from 'sojourn/stepup/opaque'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { KEY } from '../../core/support.ts'

const { SESSIONS_FILE, OPAQUE_SETUP, OPAQUE_REGISTRATION } = process.env
const store = sqliteStore(SESSIONS_FILE!)
const sessions = createSessions({ store, keys: KEY })
const opaque = createOpaque(sessions, {
  setup: OPAQUE_SETUP!,
  throttle: { attempt: async () => ({ isAllowed: true }), succeeded: async () => {} },
  find: () => ({ subject: 'ada', registration: OPAQUE_REGISTRATION! }),
})

interface Word {
  readonly token: string
  readonly message: unknown
  /** Wall clock at which all processes begin. */
  readonly startAt: number
}

process.on('message', async ({ token, message, startAt }: Word) => {
  const session = await sessions.read(token)
  await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()))
  const finished = await Promise.all(Array.from({ length: 4 }, () => opaque.finishLogin(session, message)))
  process.send!(finished.filter(({ ok }) => ok).length)
})
process.on('disconnect', () => store.close())
process.send!('ready')
