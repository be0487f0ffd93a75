/** One server of two on the same files: tries what it is told, many times at once, and says how often it was looked at, or worked. */
import { createSessions } from 'sojourn'
import { createStepUp } from 'sojourn/stepup'
import { sqliteFactorStore } from 'sojourn/stepup/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { KEY } from '../core/support.ts'

interface Word {
  work: 'guess' | 'spend'
  token: string
  code: string
  payment: { operation: string; parameters: unknown }
  count: number
  now: number
  startAt: number
}

let now = 0
const store = sqliteStore(process.env.SESSIONS_FILE!)
const factors = sqliteFactorStore(process.env.FACTORS_FILE!)
const sessions = createSessions({ store, keys: KEY, clock: () => now })
const stepUp = createStepUp(sessions, { factors, issuer: 'Shop' })

process.on('message', async (word: Word) => {
  ;({ now } = word)
  const session = await sessions.read(word.token, { mayBePending: true })
  // Both begin together.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, word.startAt - Date.now())))
  const tryOnce = async () => {
    if (word.work === 'spend') return stepUp.approvals.spend(session, word.payment)
    const result = await stepUp.totp.verify(session, word.code)
    return result.ok || result.reason !== 'throttled'
  }
  const looked = await Promise.all(Array.from({ length: word.count }, tryOnce))
  process.send!(looked.filter(Boolean).length)
})
process.on('disconnect', async () => {
  await factors.close()
  await store.close()
})
process.send!('ready')
