/** Another process of the site: tries a code, at the word, as a session that signs in itself. */
import { createSessions } from 'sojourn'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { sqliteFactorStore } from '../../src/stepup/stores/sqlite.ts'
import { KEY } from '../core/support.ts'
import { partsOver } from './codes-support.ts'

const { SESSIONS_FILE, FACTORS_FILE } = process.env
const store = sqliteStore(SESSIONS_FILE!)
const factors = sqliteFactorStore(FACTORS_FILE!)
let now = 0
const sessions = createSessions({ store, keys: KEY, clock: () => now })
const { totp, recovery } = partsOver(sessions, factors, 'Library', {})

interface Word {
  readonly kind: 'totp' | 'recovery'
  readonly code: string
  readonly now: number
  /** Wall clock at which all processes begin. */
  readonly startAt: number
}

process.on('message', async ({ kind, code, now: told, startAt }: Word) => {
  now = told
  const tries = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const session = await sessions.signIn({ subject: 'ada', method: 'pwd' })
      await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()))
      return kind === 'totp' ? totp.verify(session, code) : recovery.use(session, code)
    }),
  )
  process.send!(tries.filter(({ ok }) => ok).length)
})
process.on('disconnect', async () => {
  await factors.close()
  await store.close()
})
process.send!('ready')
