import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { memoryOutbox } from 'sojourn/oidc/stores/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startReceiver } from './hub/receiver.ts'
import { clientOf, openSite, passing, type Site, soon } from './hub/support.ts'

const HOUR = 3_600_000

const failures = (site: Site) => site.events.flatMap((event) => (event.type === 'delivery.failed' ? [event] : []))

async function signOut(site: Site, clientId = 'club'): Promise<void> {
  await (await site.connected('ada', clientId)).session.signOut()
  await site.hub.drained()
}

describe('what counts as told', () => {
  it.each([200, 204])('status %i does', async (status) => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(status).end()
    const site = openSite({ clients: [clientOf('club', club)] })

    await signOut(site)

    expect((await site.hub.deliveries()).counts).toMatchObject({ delivered: 1, due: 0 })
    expect(site.events).toContainEqual(expect.objectContaining({ type: 'delivery.succeeded', clientId: 'club', attempts: 1 }))
  })

  it.each([201, 202, 206, 301, 302, 307, 308, 400, 401, 403, 404, 410, 429, 500, 502, 503])(
    'status %i does not',
    async (status) => {
      const club = await startReceiver()
      club.answer = (response) => void response.writeHead(status).end()
      const site = openSite({ clients: [clientOf('club', club)] })

      await signOut(site)

      const { due } = await site.hub.deliveries()
      expect(due).toMatchObject([{ attempts: 1, lastError: `status-${status}` }])
      expect(failures(site)).toMatchObject([{ clientId: 'club', reason: `status-${status}`, attempts: 1 }])
    },
  )

  it('what the other side says is kept nowhere', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(500, 'canary-phrase', { 'x-a': 'canary-header' }).end('canary-body')
    const outbox = memoryOutbox()
    const site = openSite({ clients: [clientOf('club', club)], outbox })

    await signOut(site)

    expect(JSON.stringify([await outbox.list('due', { limit: 9 }), site.events])).not.toContain('canary')
  })
})

describe('an application that does not listen', () => {
  it('is told again, later each time, and each time by a fresh token of the same session', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(404).end()
    const site = openSite({ clients: [clientOf('club', club)] })
    await signOut(site)

    await passing(site, 1000, () => failures(site).length >= 7)

    const pauses = failures(site).map(({ retryAfter }) => retryAfter)
    for (const [index, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(750 * 2 ** index)
      expect(pause).toBeLessThanOrEqual(1000 * 2 ** index)
    }
    expect(new Set(club.received.map(({ claims }) => claims.jti)).size).toBe(club.received.length)
    expect(new Set(club.sids).size).toBe(1)
    const [first, last] = [club.received[0]!, club.received.at(-1)!]
    expect(last.claims.iat).toBeGreaterThan(first.claims.iat!)
  })

  it('is asked when it says, if that is later', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(503, { 'retry-after': '90' }).end()
    const site = openSite({ clients: [clientOf('club', club)] })

    await signOut(site)

    expect(failures(site)).toMatchObject([{ retryAfter: 90_000 }])
  })

  it.each(['999999', '-1', 'soon', 'Wed, 21 Oct 2015 07:28:00 GMT', '1e9', '9'.repeat(200)])(
    'cannot ask for ever: Retry-After %s',
    async (text) => {
      const club = await startReceiver()
      club.answer = (response) => void response.writeHead(503, { 'retry-after': text }).end()
      const site = openSite({ clients: [clientOf('club', club)] })

      await signOut(site)

      expect(failures(site)[0]!.retryAfter).toBeLessThanOrEqual(HOUR)
    },
  )

  it('is given up after a day, which is reported, and told again when somebody says so', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(404).end()
    const site = openSite({ clients: [clientOf('club', club)] })
    await signOut(site)
    const endedAt = site.clock()

    const givenUp = () => site.events.find(({ type }) => type === 'delivery.given-up')
    await passing(site, HOUR / 2, () => givenUp() !== undefined)
    const { dead } = await site.hub.deliveries()
    const tries = club.received.length
    club.answer = (response) => void response.writeHead(200).end()
    const revived = await site.hub.retry({ clientId: 'club' })
    await site.hub.drained()

    expect(givenUp()).toMatchObject({ clientId: 'club', reason: 'status-404' })
    expect(site.clock() - endedAt).toBeGreaterThanOrEqual(24 * HOUR)
    expect(dead).toMatchObject([{ clientId: 'club', state: 'dead', lastError: 'status-404', attempts: tries }])
    expect([revived, club.received.length]).toEqual([1, tries + 1])
    expect((await site.hub.deliveries()).counts).toEqual({ watching: 0, due: 0, delivered: 1, dead: 0 })
  })

  it('is not given up by the first failure after an outage of ours', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(404).end()
    const site = openSite({ clients: [clientOf('club', club)] })
    await signOut(site)

    site.clock.advance(72 * HOUR)
    await site.hub.drained()

    expect((await site.hub.deliveries()).counts).toMatchObject({ due: 1, dead: 0 })
  })

  it('that refuses the token five times is given up: it will not change its mind', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(400).end('{"error":"invalid_request"}')
    const site = openSite({ clients: [clientOf('club', club)] })
    await signOut(site)

    await passing(site, 1000, () => site.events.some(({ type }) => type === 'delivery.given-up'))

    expect(club.received).toHaveLength(5)
    expect((await site.hub.deliveries()).dead).toMatchObject([{ lastError: 'status-400', attempts: 5 }])
  })

  it('whose clock was wrong at first is told in the end', async () => {
    const club = await startReceiver()
    club.answer = (response) => void response.writeHead(club.received.length < 4 ? 400 : 200).end()
    const site = openSite({ clients: [clientOf('club', club)] })
    await signOut(site)

    await passing(site, 1000, () => site.events.some(({ type }) => type === 'delivery.succeeded'))

    expect((await site.hub.deliveries()).counts).toMatchObject({ delivered: 1, dead: 0 })
  })
})

describe('an application that misbehaves', () => {
  /** Answers nothing, or goes on for ever. */
  const misbehaviours: Record<string, (response: ServerResponse) => void> = {
    'never answers': () => {},
    'stops in the middle of the headers': (response) => void response.socket!.write('HTTP/1.1 200 OK\r\nx-a: '),
    'sends headers without end': (response) =>
      forever(response, (socket) => socket.write(`x-${'a'.repeat(50)}: b\r\n`), 'HTTP/1.1 200 OK\r\n'),
    'breaks the connection': (response) => void response.socket!.destroy(),
    'speaks another protocol': (response) => void response.socket!.end('SSH-2.0-OpenSSH\r\n'),
  }
  const forever = (response: ServerResponse, write: (socket: Socket) => void, first: string) => {
    const socket = response.socket!
    socket.on('error', () => {})
    socket.write(first)
    const timer = setInterval(() => write(socket), 1)
    socket.on('close', () => clearInterval(timer))
  }

  it.each(Object.entries(misbehaviours))('that %s is not told, holds up nobody, and is told again', async (_what, misbehave) => {
    const [club, forum] = [await startReceiver(), await startReceiver()]
    club.answer = misbehave
    const site = openSite({ clients: [clientOf('club', club), clientOf('forum', forum)], timeout: 300 })
    const { session, sids } = await site.connected('ada', 'club', 'forum')

    await session.signOut()
    await soon(() => forum.sids).toEqual([sids[1]])
    await site.hub.drained()
    const [failure] = failures(site)
    club.answer = (response) => void response.writeHead(200).end()
    await passing(site, 1000, () => site.events.filter(({ type }) => type === 'delivery.succeeded').length === 2)

    expect(failure).toMatchObject({ clientId: 'club', reason: expect.stringMatching(/^(timeout|unreachable)$/) })
    expect(new Set(club.sids)).toEqual(new Set([sids[0]]))
  })

  it('that says 200 and then sends a body without end has been told', async () => {
    const club = await startReceiver()
    let written = 0
    club.answer = (response) => {
      const timer = setInterval(() => {
        written += 1
        response.write('x'.repeat(1000))
      }, 1)
      response.writeHead(200).on('close', () => clearInterval(timer))
    }
    const site = openSite({ clients: [clientOf('club', club)], timeout: 2000 })

    await signOut(site)

    expect((await site.hub.deliveries()).counts).toMatchObject({ delivered: 1 })
    expect(written).toBeLessThan(1000)
  })

  it('that sends us elsewhere is not followed', async () => {
    const [club, elsewhere] = [await startReceiver(), await startReceiver()]
    club.answer = (response) => void response.writeHead(307, { location: elsewhere.uri }).end()
    const site = openSite({ clients: [clientOf('club', club)] })

    await signOut(site)

    expect(elsewhere.received).toEqual([])
    expect((await site.hub.deliveries()).due).toMatchObject([{ lastError: 'status-307' }])
  })

  it('that is not there is unreachable', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const uri = `http://127.0.0.1:${typeof address === 'object' && address?.port}/`
    server.close()
    const site = openSite({ clients: [{ id: 'club', logoutUri: uri }] })

    await signOut(site)

    expect(failures(site)).toMatchObject([{ reason: 'unreachable' }])
  })

  it('and is slow is asked by a few at a time, while the others are told', async () => {
    const [slow, quick] = [await startReceiver(), await startReceiver()]
    const held: ServerResponse[] = []
    let most = 0
    slow.answer = (response) => {
      held.push(response)
      most = Math.max(most, held.length)
    }
    const site = openSite({ clients: [clientOf('slow', slow), clientOf('quick', quick)], concurrency: 3, timeout: 30_000 })
    onTestFinished(() => {
      for (const response of held) response.destroy()
    })
    for (let i = 0; i < 20; i++) await (await site.connected('ada', 'slow', 'quick')).session.signOut()

    await soon(() => quick.received.length).toBe(20)
    await soon(() => held.length).toBe(3)
    slow.answer = (response) => void response.writeHead(200).end()
    for (const response of held.splice(0)) response.writeHead(200).end()
    await site.hub.drained()

    expect(most).toBe(3)
    expect(slow.received).toHaveLength(20)
  })

  it('or is away is left alone after a few failures, however much there is to tell it', async () => {
    const club = await startReceiver()
    let isAway = true
    club.answer = (response) => void response.writeHead(isAway ? 503 : 200).end()
    const outbox = memoryOutbox()
    const site = openSite({ clients: [clientOf('club', club)], outbox, isStarted: false })
    for (let i = 0; i < 200; i++) await site.connected('ada', 'club')
    await site.sessions.revokeSubject('ada')
    site.clock.advance(30_000)
    await site.hub.sweep()
    await site.hub.drained()
    const tries = club.received.length
    const untried = (await outbox.list('due', { limit: 1000 })).filter(({ attempts }) => attempts === 0)

    isAway = false
    await passing(site, 1000, () => site.events.filter(({ type }) => type === 'delivery.succeeded').length === 200)

    expect(tries).toBeLessThan(20)
    // Whoever comes next need not wait for this process's lease to be over.
    expect(Math.max(...untried.map(({ nextAt }) => nextAt))).toBeLessThanOrEqual(1_893_456_000_000 + 31_000)
    expect((await site.hub.deliveries()).counts).toEqual({ watching: 0, due: 0, delivered: 200, dead: 0 })
  })
})

describe('a signer that fails', () => {
  it('costs a try, and the application is told when it is back', async () => {
    const club = await startReceiver()
    const { signer } = await import('./hub/receiver.ts')
    let isAway = true
    const failing = {
      issuer: signer.issuer,
      sign: async (...given: Parameters<typeof signer.sign>) => {
        if (isAway) throw new Error('the keys are away')
        return signer.sign(...given)
      },
    }
    const site = openSite({ clients: [clientOf('club', club)], signer: failing })
    await signOut(site)
    const [failure] = failures(site)

    isAway = false
    await passing(site, 1000, () => club.received.length > 0)

    expect(failure).toMatchObject({ reason: 'unsigned' })
  })
})
