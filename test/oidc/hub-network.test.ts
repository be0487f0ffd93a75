import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteOutbox } from 'sojourn/oidc/stores/sqlite'
import { memoryStore } from 'sojourn/stores/memory'
import { sqliteStore } from 'sojourn/stores/sqlite'
import { faultyStore, type TcpProxy, tcpProxy } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { type Receiver, startReceiver } from './hub/receiver.ts'
import { openSite, passing, type Site, soon } from './hub/support.ts'

interface FarApplication {
  readonly club: Receiver
  readonly proxy: TcpProxy
  readonly uri: string
  /** What it takes for signed in, by sid: as an application does that looks its sessions up by what the token says. */
  readonly signedIn: Set<unknown>
  /** Every session that a logout token ended, as often as one did. */
  readonly effects: unknown[]
}

/** An application behind a network that can fail. */
async function farApplication(): Promise<FarApplication> {
  const club = await startReceiver()
  const signedIn = new Set<unknown>()
  const effects: unknown[] = []
  club.answer = (response, { claims }) => {
    if (signedIn.delete(claims.sid)) effects.push(claims.sid)
    response.writeHead(200).end()
  }
  const proxy = await tcpProxy({ port: club.port })
  onTestFinished(() => proxy.close())
  return { club, proxy, uri: `http://127.0.0.1:${proxy.port}/logout`, signedIn, effects }
}

async function durableSite(uri: string, more: Parameters<typeof openSite>[0] = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'sojourn-'))
  const [store, outbox] = [sqliteStore(join(folder, 'sessions.db')), sqliteOutbox(join(folder, 'outbox.db'))]
  onTestFinished(async () => {
    await Promise.all([store.close(), outbox.close()])
    rmSync(folder, { recursive: true })
  })
  return openSite({ store, outbox, clients: [{ id: 'club', logoutUri: uri }], timeout: 300, ...more })
}

it('what was to be told while the network was away is told when it is back, each once to effect', async () => {
  const { club, proxy, uri, signedIn, effects } = await farApplication()
  const site = await durableSite(uri)
  const all: string[] = []

  proxy.setMode({ kind: 'cut' })
  for (let i = 0; i < 20; i++) {
    const { session, sids } = await site.connected('ada', 'club')
    all.push(sids[0]!)
    signedIn.add(sids[0])
    await session.signOut()
  }
  await site.hub.drained()
  const during = club.received.length
  proxy.setMode({ kind: 'pass' })
  await passing(site, 1000, () => effects.length >= 20)
  // On a busy machine an answer may come too late; then it is told once more, to no effect.
  const counts = async () => {
    site.clock.advance(1000)
    await site.hub.drained()
    return (await site.hub.deliveries()).counts
  }
  await expect.poll(counts, { timeout: 10_000 }).toEqual({ watching: 0, due: 0, delivered: 20, dead: 0 })

  expect(during).toBe(0)
  expect([...effects].sort()).toEqual(all.sort())
})

it('an application whose answer was lost is told again, to no second effect: not even for who has signed in again', async () => {
  const { club, proxy, uri, signedIn, effects } = await farApplication()
  const site = await durableSite(uri)
  const { session, sids } = await site.connected('ada', 'club')
  signedIn.add(sids[0])

  proxy.setMode({ kind: 'lose-reply' })
  await session.signOut()
  await site.hub.drained()
  const again = await site.connected('ada', 'club')
  signedIn.add(again.sids[0])
  await passing(site, 1000, () => site.events.some(({ type }) => type === 'delivery.succeeded'))

  expect(club.sids).toEqual([sids[0], sids[0]])
  // A receiver that refuses a jti it has seen would otherwise have to refuse what it did.
  expect(new Set(club.received.map(({ claims }) => claims.jti)).size).toBe(2)
  expect([effects, [...signedIn]]).toEqual([[sids[0]], again.sids])
})

it('an application that cannot be heard any more holds up no other, and is told when it can', async () => {
  const { club, proxy, uri } = await farApplication()
  const near = await startReceiver()
  const clients = [
    { id: 'club', logoutUri: uri },
    { id: 'near', logoutUri: near.uri },
  ]
  const site = await durableSite(uri, { clients })

  proxy.setMode({ kind: 'stall' })
  const { session, sids } = await site.connected('ada', 'club', 'near')
  await session.signOut()
  await soon(() => near.sids).toEqual([sids[1]])
  await soon(() => site.events.some((event) => event.type === 'delivery.failed' && event.reason === 'timeout')).toBe(true)
  proxy.setMode({ kind: 'pass' })
  await passing(site, 1000, () => club.received.length > 0)

  expect(club.sids).toEqual([sids[0]])
})

it('while the session store is away nobody is told that a session ended; when it is back, those that did are', async () => {
  const { club, uri } = await farApplication()
  const site = await durableSite(uri)
  const { session, sids } = await site.connected('ada', 'club')
  await site.connected('ben', 'club')
  const away = openSite({
    store: faultyStore(memoryStore(), { read: { kind: 'error' } }),
    outbox: site.outbox,
    clients: [{ id: 'club', logoutUri: uri }],
    clock: site.clock,
    isStarted: false,
  })

  site.clock.advance(30_000)
  await away.hub.sweep()
  await away.hub.drained()
  const told = club.received.length
  await session.signOut()
  await site.hub.drained()

  expect(told).toBe(0)
  expect(club.sids).toEqual(sids)
})
