// Two further processes on the same store: what one begins another finishes, and what one has finished no other does.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as protocol from '@serenity-kit/opaque'
import { createSessions } from 'sojourn'
import { createOpaque, newOpaqueSetup, type Opaque } from 'sojourn/stepup/opaque'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { KEY, tokenOf } from '../../core/support.ts'
import { client, QUICK } from './support.ts'

const PASSWORD = 'correct horse battery staple'
let folder: string
let children: ChildProcess[]
let store: ReturnType<typeof sqliteStore>
let token: string
let opaque: Opaque
let begin: () => Promise<unknown>

beforeAll(async () => {
  await protocol.ready
  folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  store = sqliteStore(join(folder, 'sessions.db'))
  const sessions = createSessions({ store, keys: KEY })
  const setup = await newOpaqueSetup(sessions)
  let registration = ''
  const throttle = { attempt: async () => ({ isAllowed: true }) as const, succeeded: async () => {} }
  opaque = createOpaque(sessions, { setup, throttle, find: () => ({ subject: 'ada', registration }) })
  // Somebody who is signed in and proves the password again, so that there is a session to name in every process.
  token = await tokenOf(await sessions.signIn({ subject: 'ada', method: 'pwd' }))
  const session = await sessions.read(token)

  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password: PASSWORD })
  const started = (await opaque.startRegistration(session, { registrationRequest })) as Record<
    'ticket' | 'registrationResponse',
    string
  >
  const made = client.finishRegistration({ ...started, clientRegistrationState, password: PASSWORD, keyStretching: QUICK })
  const finished = await opaque.finishRegistration(session, { ...started, registrationRecord: made.registrationRecord })
  registration = (finished as { registration: string }).registration
  begin = async () => {
    const { clientLoginState, startLoginRequest } = client.startLogin({ password: PASSWORD })
    const answer = (await opaque.startLogin(session, { account: 'ada', startLoginRequest })) as Record<
      'ticket' | 'loginResponse',
      string
    >
    const { finishLoginRequest } = client.finishLogin({ ...answer, clientLoginState, password: PASSWORD, keyStretching: QUICK })!
    return { ticket: answer.ticket, finishLoginRequest }
  }

  const env = {
    ...process.env,
    SESSIONS_FILE: join(folder, 'sessions.db'),
    OPAQUE_SETUP: setup,
    OPAQUE_REGISTRATION: registration,
  }
  const worker = new URL('worker.ts', import.meta.url)
  children = Array.from({ length: 2 }, () => fork(worker, { env, execArgv: ['--conditions=sojourn-source', '--no-warnings'] }))
  await Promise.all(children.map((child) => once(child, 'message')))
})

afterAll(async () => {
  for (const child of children) {
    child.disconnect()
    await once(child, 'exit')
  }
  await store.close()
  await rm(folder, { recursive: true })
})

/** How many of eight messages, four in each process, were taken. */
async function finishedEverywhere(message: unknown): Promise<number> {
  const word = { token, message, startAt: Date.now() + 50 }
  const answers = children.map(async (child) => {
    const answer = once(child, 'message')
    child.send(word)
    return Number((await answer)[0])
  })
  return (await Promise.all(answers)).reduce((sum, count) => sum + count)
}

it('a login that one process began is finished once among all of them', async () => {
  const counts: number[] = []
  for (let round = 0; round < 5; round++) {
    const message = await begin()
    counts.push(await finishedEverywhere(message), await finishedEverywhere(message))
  }

  expect(counts).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
})
