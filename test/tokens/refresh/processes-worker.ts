/** Another process of the site: refreshes, at the word, several times at once with one token. */
import { createSessions } from 'sojourn'
import { createTokens } from 'sojourn/tokens'
import { KEY } from '../../core/support.ts'
import { API, ISSUER } from '../support.ts'
import { openStore } from './processes-stores.ts'
import { CLIENTS } from './support.ts'

const { store, close } = await openStore()
let now = 0
const sessions = createSessions({ store, keys: KEY, clock: () => now })
const tokens = createTokens(sessions, { issuer: ISSUER, audience: API, clients: CLIENTS })

export interface Word {
  readonly refreshToken: string
  readonly now: number
  readonly times: number
  /** Wall clock at which all processes begin. */
  readonly startAt: number
}

process.on('message', async ({ refreshToken, now: told, times, startAt }: Word) => {
  now = told
  await new Promise((resolve) => setTimeout(resolve, startAt - Date.now()))
  const answers = await Promise.all(
    Array.from({ length: times }, async () => {
      const form = { grant_type: 'refresh_token', client_id: 'app', refresh_token: refreshToken }
      const body = new URLSearchParams(form)
      const response = await tokens.web(new Request(`${ISSUER}/oauth/token`, { method: 'POST', body }))
      const answer = (await response!.json()) as { refresh_token?: string; error?: string }
      return answer.refresh_token ?? `refused: ${answer.error} ${response!.status}`
    }),
  )
  process.send!(answers)
})
process.on('disconnect', async () => {
  await tokens.close()
  await close()
})
process.send!('ready')
