import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHub } from 'sojourn/oidc'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { fakeClock, type TcpProxy, tcpProxy } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { signer, startReceiver } from './hub/receiver.ts'
import { clientOf, openSite, passing, type Site } from './hub/support.ts'
import { type ScriptedProvider, scriptedProvider } from './support/scripted-provider.ts'
import { CLIENT, EVENT, person, type SsoSite, ssoSite } from './support/site.ts'

interface Federation {
  /** The service with the hub: what the provider says, it signs. */
  readonly site: Site
  /** The connected application: our own relying party, whose back-channel endpoint is on real HTTP. */
  readonly shop: SsoSite
  readonly provider: ScriptedProvider
  readonly proxy: TcpProxy
  /** Statuses of the answers that reached the endpoint's socket. */
  readonly answers: number[]
}

async function federation(): Promise<Federation> {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const answers: number[] = []
  const server = createServer((request, response) => {
    response.on('finish', () => answers.push(response.statusCode))
    if (!shop.sso.node(request, response)) response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = await tcpProxy({ port: (server.address() as AddressInfo).port })
  onTestFinished(async () => {
    await proxy.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const site = openSite({
    clock: fakeClock(Date.now()),
    signer: { issuer: provider.issuer, sign: (claims, typ) => provider.sign({ ...claims }, { header: { typ } }) },
    clients: [{ id: CLIENT, logoutUri: `http://127.0.0.1:${proxy.port}/sso/back-channel-logout` }],
  })
  return { site, shop, provider, proxy, answers }
}

/** Somebody is signed in at the service, and through it at the application. */
async function signedIn({ site, shop, provider }: Federation, subject = 'ada') {
  const { session, sids } = await site.connected(subject, CLIENT)
  const visitor = person(shop)
  expect(await visitor.signIn(provider, { sub: subject, sid: sids[0] })).toMatchObject({ ok: true })
  return { session, visitor }
}

it('signing out of the service signs out of an application that is our own relying party, and out of no other session there', async () => {
  const all = await federation()
  const [one, other, another] = [await signedIn(all), await signedIn(all), await signedIn(all, 'ben')]

  await one.session.signOut()
  await all.site.hub.drained()

  expect(all.answers).toEqual([200])
  expect((await one.visitor.me()).subject).toBeNull()
  expect((await other.visitor.me()).subject).not.toBeNull()
  expect((await another.visitor.me()).subject).not.toBeNull()
})

it('told twice, because the answer was lost, it says 200 twice, ends one session once, and leaves who signed in again', async () => {
  const all = await federation()
  const { site, shop, proxy } = all
  const { session, visitor } = await signedIn(all)

  proxy.setMode({ kind: 'lose-reply' })
  await session.signOut()
  await site.hub.drained()
  const again = await signedIn(all)
  await passing(site, 1000, () => site.events.some(({ type }) => type === 'delivery.succeeded'))
  await shop.sessions.events.drained()

  expect(proxy.lostReplies).toBe(1)
  expect(all.answers).toEqual([200, 200])
  expect(shop.events.filter(({ type }) => type === 'session.revoked')).toHaveLength(1)
  expect((await visitor.me()).subject).toBeNull()
  expect((await again.visitor.me()).subject).not.toBeNull()
})

it('BCL-18: an application that is told of a logout, and has a hub itself, tells its own applications', async () => {
  const provider = await scriptedProvider()
  const shop = ssoSite(provider)
  const club = await startReceiver()
  const hub = createHub(shop.sessions, {
    signer,
    outbox: memoryOutbox(),
    clients: [clientOf('club', club)],
    dangerouslyAllowHttp: true,
  })
  hub.start()
  onTestFinished(() => hub.close())
  const visitor = person(shop)
  await visitor.signIn(provider)
  const { id, subject } = (await visitor.me()) as unknown as { id: string; subject: string }
  const sid = await hub.connect({ id, subject }, 'club')

  const iat = Math.floor(shop.clock() / 1000)
  const claims = {
    iss: provider.issuer,
    aud: CLIENT,
    sub: 'ada',
    sid: 'login-1',
    iat,
    exp: iat + 120,
    jti: 'j-1',
    events: { [EVENT]: {} },
  }
  const answer = await shop.backChannel(await provider.sign(claims, { header: { typ: 'logout+jwt' } }))
  await hub.drained()

  expect(answer.status).toBe(200)
  expect(club.sids).toEqual([sid])
})
