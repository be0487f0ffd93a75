import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { fakeClock } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type Receiver, signer, startReceiver } from './hub/receiver.ts'
import { clientOf, KEYS, openSite, type Site, soon } from './hub/support.ts'

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Starts another process of the service, and gives the sid it says, and what kills it. */
async function startProcess(folder: string, club: Receiver, what: 'revoke' | 'deliver') {
  const HUB_LOGOUT_TOKEN = await signer.sign({ sid: 'of the first process' }, 'logout+jwt')
  const args = [
    '--conditions=sojourn-source',
    '--no-warnings',
    join(import.meta.dirname, 'hub', 'process.ts'),
    folder,
    club.uri,
    what,
  ]
  const env = { ...process.env, HUB_KEYS: KEYS, HUB_LOGOUT_TOKEN }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const kill = async () => {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  for await (const line of createInterface(child.stdout)) return { sid: line, kill }
  throw new Error('the process ended before it said anything')
}

/** The process that comes after it, with a clock a little ahead. */
async function nextProcess(folder: string, club: Receiver, ahead: number): Promise<Site> {
  const [store, outbox] = [sqliteStore(join(folder, 'sessions.db')), sqliteOutbox(join(folder, 'outbox.db'))]
  const site = openSite({ store, outbox, clients: [clientOf('club', club)], clock: fakeClock(Date.now() + ahead) })
  onTestFinished(async () => {
    await site.hub.close()
    await Promise.all([store.close(), outbox.close()])
  })
  return site
}

it('a process killed between the revocation and its entry: the next one finds that the session ended, and tells', async () => {
  const club = await startReceiver()
  const folder = await temporaryFolder()
  const { sid, kill } = await startProcess(folder, club, 'revoke')
  await kill()
  const before = club.received.length

  const site = await nextProcess(folder, club, 60_000)

  await soon(() => club.sids).toEqual([sid])
  expect(before).toBe(0)
  await site.hub.drained()
  expect((await site.hub.deliveries()).delivered).toMatchObject([{ sessionId: sid, reason: 'logout' }])
})

it('a process killed in the middle of a delivery: the next one tells again, when the lease is over', async () => {
  const club = await startReceiver()
  club.answer = () => {}
  const folder = await temporaryFolder()
  const { sid, kill } = await startProcess(folder, club, 'deliver')
  await soon(() => club.sids).toEqual(['of the first process'])
  await kill()
  club.answer = (response) => void response.writeHead(200).end()

  const early = await nextProcess(folder, club, 0)
  await early.hub.drained()
  const before = club.received.length
  await early.hub.close()
  const late = await nextProcess(folder, club, 130_000)
  await late.hub.drained()

  expect(before).toBe(1)
  expect(club.sids).toEqual(['of the first process', sid])
  expect((await late.hub.deliveries()).counts).toMatchObject({ delivered: 1, due: 0 })
})
