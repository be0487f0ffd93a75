// The feed of what has ended, as services read it: server-sent events over HTTP.
import { describe, expect, it, vi } from 'vitest'
import { amendLive } from '../../src/core/amending.ts'
import { minutes, seconds } from '../../src/core/duration.ts'
import { subjectKeyOf } from '../../src/core/placement.ts'
import type { ChangeListener, Store } from '../../src/core/store.ts'
import { noChannel } from '../../src/stores/memcached/unsupported.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faultyStore } from '../../src/testing/faulty-store.ts'
import { messageText, TOPIC } from '../../src/tokens/feed/messages.ts'
import { signedIn, tokenOf } from '../core/support.ts'
import { asserted, assertion, basic, type EndpointSite, endpointSite, ORDERS, STOCK } from './endpoint-site.ts'
import { FeedReader } from './feed/reader.ts'

const get = (site: EndpointSite, headers: Record<string, string> = basic('orders', ORDERS.clientSecret), query = '') =>
  fetch(`${site.origin}/oauth/feed${query}`, { headers })

/** Lets everything under way arrive: what was sent before this has been read when it resolves. */
async function settled(site: EndpointSite, reader: FeedReader): Promise<void> {
  const { sessionId } = await site.token('fence')
  await site.sessions.revoke(sessionId)
  await vi.waitFor(() => expect(reader.of('session').some(({ sid }) => sid === sessionId)).toBe(true), { timeout: 10_000 })
}

/** A memory store that pushes changes when a test says so. */
function pushingStore() {
  const listeners = new Set<ChangeListener>()
  const inner = memoryStore()
  const changes: Store['changes'] = {
    async subscribe(listener) {
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
  }
  const push = (tell: (listener: ChangeListener) => void) => listeners.forEach(tell)
  return { inner, push, changes, listeners }
}

describe('a service that connects', () => {
  it('is told how things stand, then what it missed, then that it knows everything', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)

    expect(reader.events.map(({ event }) => event)).toEqual(['hello', 'ready'])
    expect(reader.of('hello')).toEqual([{ now: site.clock(), since: site.clock() + seconds(2), beat: 30_000 }])
  })

  it('gets an answer that nothing in between holds back or keeps', async () => {
    const { response } = await FeedReader.open(await endpointSite())

    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
  })

  it('later is told what ended while a token could still be good, and nothing older', async () => {
    const site = await endpointSite()
    await FeedReader.open(site)
    const [older, newer] = [await site.token('older'), await site.token('newer')]
    await site.sessions.revoke(older.sessionId)
    await site.sessions.events.drained()
    site.clock.advance(minutes(6) + 1)
    await site.sessions.revoke(newer.sessionId)
    await site.sessions.events.drained()

    expect((await FeedReader.open(site)).of('session').map(({ sid }) => sid)).toEqual([newer.sessionId])
  })

  it('again is told what came after the last it has heard', async () => {
    const site = await endpointSite()
    const first = await FeedReader.open(site)
    await settled(site, first)
    first.leave()
    const missed = await site.token()
    await site.sessions.revoke(missed.sessionId)
    await site.sessions.events.drained()
    const again = await FeedReader.open(site, { headers: { 'last-event-id': first.events.at(-1)!.id! } })

    expect(again.of('session').map(({ sid }) => sid)).toEqual([missed.sessionId])
  })

  it.each(['AAAAAAAAAAAA-1', '', 'x', '-1', 'AAAAAAAAAAAA-99999999999999999999', '../-1'])(
    'with the place of another server, or none, is told everything (%s)',
    async (id) => {
      const site = await endpointSite()
      const first = await FeedReader.open(site)
      await settled(site, first)

      expect((await FeedReader.open(site, { headers: { 'last-event-id': id } })).of('session')).toHaveLength(1)
    },
  )

  it('with a place that is still to come is told everything', async () => {
    const site = await endpointSite()
    const first = await FeedReader.open(site)
    await settled(site, first)
    const nonce = first.events.at(-1)!.id!.split('-').slice(0, -1).join('-')

    expect((await FeedReader.open(site, { headers: { 'last-event-id': `${nonce}-7` } })).of('session')).toHaveLength(1)
  })
})

describe('an end is told at once, without waiting for a beat,', () => {
  it.each<[string, (site: EndpointSite, id: string) => unknown]>([
    ['by an administrator', (site, id) => site.sessions.revoke(id)],
    [
      'by reuse of a token',
      async (site) => {
        const token = await signedIn(site.sessions)
        const session = await site.sessions.read(token)
        await session.rotate()
        await (await site.sessions.read(await tokenOf(session))).commit()
        site.clock.advance(minutes(1))
        return (await site.sessions.read(token)).state
      },
    ],
  ])('%s', async (_name, end) => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    await end(site, sessionId)

    expect(await reader.until('session')).toHaveLength(1)
  })

  it('of a session that another sign-in replaced', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { session, sessionId } = await site.token()
    await session.signIn({ subject: 'bob', method: 'pwd' })

    expect((await reader.until('session')).map(({ sid }) => sid)).toEqual([sessionId])
  })

  it('of the oldest session of a subject that has too many', async () => {
    const site = await endpointSite({ policy: { limit: { max: 1, onExceeded: 'evict-oldest' } } })
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    await site.token()

    expect((await reader.until('session')).map(({ sid }) => sid)).toEqual([sessionId])
  })

  it('of all of a subject’s: its tokens until now are in doubt, and its name is not told', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    await site.token('ada@example.org')
    await site.sessions.revokeSubject('ada@example.org')

    expect(await reader.until('subject')).toEqual([{ sub: subjectKeyOf('ada@example.org'), at: site.clock() + seconds(2) }])
    expect(JSON.stringify(reader.events)).not.toContain('ada')
  })

  it('of an access token that was given back', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { accessToken, claims } = await site.token()
    await site.post('/oauth/revoke', { token: accessToken, client_id: 'app' })

    expect(await reader.until('token')).toEqual([{ jti: claims.jti, at: site.clock() }])
    expect(JSON.stringify(reader.events)).not.toContain(accessToken.split('.')[2])
  })

  it('of a family of refresh tokens: the session’s access tokens are in doubt', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    const family = { clientId: 'app', sessionId, subject: 'ada', scope: [], deadline: site.clock() + 1, jkt: undefined }
    site.families.set('sjr1_x', family)
    await site.post('/oauth/revoke', { token: 'sjr1_x', client_id: 'app' })

    expect(await reader.until('doubt')).toEqual([{ sid: sessionId, at: site.clock() + seconds(2) }])
  })

  it('of the trust in a client that has drifted', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    const drift = { type: 'traits.drifted', sessionId, changes: ['browser'], reason: 'another browser' } as const
    site.sessions.events.emit({ ...drift, grade: 'note', isShadow: false })
    site.sessions.events.emit({ ...drift, grade: 'step-up', isShadow: true })
    site.sessions.events.emit({ ...drift, grade: 'step-up', isShadow: false })
    await settled(site, reader)

    expect(reader.of('doubt')).toEqual([{ sid: sessionId, at: site.clock() + seconds(2) }])
  })

  it('of what a provider, or a detector, puts in doubt', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const [aged, odd] = [(await site.token()).sessionId, (await site.token()).sessionId]
    const anomaly = { type: 'anomaly.detected', signal: 'parallel-use', score: 1, features: [], reason: 'two places' } as const
    site.sessions.events.emit({ type: 'session.doubted', sessionId: aged, reason: 'provider-age' })
    site.sessions.events.emit({ ...anomaly, sessionId: odd, action: 'note', isShadow: false })
    site.sessions.events.emit({ ...anomaly, sessionId: odd, action: 'step-up', isShadow: true })
    await settled(site, reader)
    const before = reader.of('doubt').length
    site.sessions.events.emit({ ...anomaly, sessionId: odd, action: 'step-up', isShadow: false })
    await settled(site, reader)

    expect([before, reader.of('doubt').map(({ sid }) => sid)]).toEqual([1, [aged, odd]])
  })

  it('once, however often it is told', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    for (let i = 0; i < 3; i++) site.sessions.events.emit({ type: 'session.revoked', sessionId, reason: 'test' })
    await settled(site, reader)

    expect(reader.of('session')).toHaveLength(2)
  })
})

it('what expires is not told: no token outlives its session’s deadline', async () => {
  const site = await endpointSite()
  const reader = await FeedReader.open(site)
  const token = await signedIn(site.sessions)
  site.clock.advance(minutes(31))

  expect((await site.sessions.read(token)).state).toBe('expired')
  await settled(site, reader)
  expect(reader.of('session')).toHaveLength(1)
})

describe('a beat', () => {
  it('comes as often as was asked, with the server’s clock', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site, { beat: 200 })
    await reader.until('beat', 2)
    site.clock.advance(seconds(7))
    const before = reader.of('beat').length

    expect((await reader.until('beat', before + 2)).at(-1)).toEqual({ now: site.clock() })
  })

  it.each(['0', '199', '30001', '-1', 'x', '', '1e3', '999999999'])('of %s milliseconds is a bad request', async (beat) => {
    const answer = await get(await endpointSite(), undefined, `?beat=${beat}`)

    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([400, 'invalid_request'])
  })

  it('is withheld while it is not known of every changed record whether it ended', async () => {
    const { inner, push, changes } = pushingStore()
    const store = Object.assign(faultyStore(inner), { changes })
    const site = await endpointSite({ store })
    const reader = await FeedReader.open(site, { beat: 200 })
    const { sessionId } = await site.token()
    await reader.until('beat')
    store.setFaults({ read: { kind: 'error' } })
    await inner.revoke(sessionId, { now: site.clock(), reason: 'by a job' })
    push((listener) => listener.changed(sessionId))
    const count = reader.of('beat').length
    await new Promise((resolve) => setTimeout(resolve, 700))
    const during = reader.of('beat').length
    store.setFaults({})

    expect(during - count).toBeLessThanOrEqual(1)
    expect(await reader.until('session')).toMatchObject([{ sid: sessionId }])
    await reader.until('beat', during + 1)
    const order = reader.events.map(({ event }) => event)
    expect(order.lastIndexOf('beat')).toBeGreaterThan(order.indexOf('session'))
  })

  it('is withheld while the engine’s pushes are interrupted; then there is a gap', async () => {
    const { inner, push, changes } = pushingStore()
    const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
    const reader = await FeedReader.open(site, { beat: 200 })
    await reader.until('beat')
    push((listener) => listener.interrupted())
    const count = reader.of('beat').length
    await new Promise((resolve) => setTimeout(resolve, 700))
    const during = reader.of('beat').length
    site.clock.advance(seconds(9))
    push((listener) => listener.resumed())

    expect(during - count).toBeLessThanOrEqual(1)
    expect(await reader.until('gap')).toEqual([{ since: site.clock() + seconds(2) }])
    await reader.until('beat', during + 1)
    expect((await FeedReader.open(site)).of('hello')).toMatchObject([{ since: site.clock() + seconds(2) }])
  })
})

it('a lost message of another process is a gap also where the engine pushes changes: of tokens given back no record tells', async () => {
  const { inner, changes } = pushingStore()
  const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
  const reader = await FeedReader.open(site)
  const given = (number: number) =>
    inner.channel.publish(
      TOPIC,
      messageText({ sender: 'another-one', number, previousAt: 0, ended: [{ kind: 'token', jti: `token-${number}` }] }),
    )
  await given(1)
  await given(3)

  expect(await reader.until('gap')).toHaveLength(1)
  expect(reader.of('token').map(({ jti }) => jti)).toEqual(['token-1', 'token-3'])
})

describe('records that the engine says have changed', () => {
  it('are told when they ended, and not when they were only used', async () => {
    const { inner, push, changes } = pushingStore()
    const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
    const reader = await FeedReader.open(site)
    const [used, ended, unknown] = [await site.token(), await site.token(), await site.token()]
    await inner.revoke(ended.sessionId, { now: site.clock(), reason: 'by a job' })
    for (const { sessionId } of [used, ended]) push((listener) => listener.changed(sessionId))
    push((listener) => listener.changed('A'.repeat(22)))
    await site.sessions.revoke(unknown.sessionId)
    await settled(site, reader)
    const told = reader.of('session').map(({ sid }) => sid)

    expect([told.includes(ended.sessionId), told.includes('A'.repeat(22)), told.includes(used.sessionId)]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('are told as doubtful when their client has drifted, once', async () => {
    const { inner, push, changes } = pushingStore()
    const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    const doubtedAt = site.clock.advance(1000)
    await amendLive(site.context.service, sessionId, ({ details }) => ({ details: { ...details, doubtedAt } }))
    for (let i = 0; i < 3; i++) {
      push((listener) => listener.changed(sessionId))
      await settled(site, reader)
    }

    expect(reader.of('doubt')).toEqual([{ sid: sessionId, at: doubtedAt + seconds(2) }])
  })

  it('of a whole subject are told once, though the event tells it, too', async () => {
    const { inner, push, changes } = pushingStore()
    const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
    const reader = await FeedReader.open(site)
    push((listener) => listener.subjectRevoked(subjectKeyOf('ada')))
    await site.sessions.revokeSubject('ada')
    await settled(site, reader)

    expect(reader.of('subject')).toHaveLength(1)
    site.clock.advance(seconds(1) + 1)
    await site.sessions.revokeSubject('ada')
    expect(await reader.until('subject', 2)).toHaveLength(2)
  })
})

describe('who may follow', () => {
  it.each([
    ['nobody', {}, 401],
    ['a wrong secret', basic('orders', STOCK.clientSecret), 401],
    ['a client that may only ask', basic('stock', STOCK.clientSecret), 403],
    ['a client that may neither', basic('idle', STOCK.clientSecret), 403],
  ])('%s may not', async (_name, headers, status) => {
    const site = await endpointSite()
    const answer = await get(site, headers)

    expect([answer.status, await answer.text()]).toEqual([status, expect.not.stringContaining('hello')])
  })

  it('a client that signs may, with its assertion in a form', async () => {
    const site = await endpointSite()
    const leaving = new AbortController()
    const body = new URLSearchParams(asserted(assertion(site)))
    const answer = await fetch(`${site.origin}/oauth/feed`, { method: 'POST', body, signal: leaving.signal })
    const { value } = await answer.body!.getReader().read()

    expect([answer.status, Buffer.from(value!).toString()]).toEqual([200, expect.stringContaining('event: hello')])
    leaving.abort()
  })

  it('a hundred connections a client, and one more when one has left', async () => {
    const site = await endpointSite()
    const readers = await Promise.all(Array.from({ length: 100 }, () => FeedReader.open(site)))
    const refused = await get(site)
    readers[0]!.leave()
    const again = async () => {
      const answer = await get(site)
      await answer.body!.cancel()
      return answer.status
    }
    await vi.waitFor(async () => expect(await again()).toBe(200), { timeout: 10_000 })

    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
    const other = await site.post('/oauth/feed', asserted(assertion(site)))
    await other.body!.cancel()
    expect(other.status).toBe(200)
  })

  it('HEAD is answered, and follows nothing', async () => {
    const site = await endpointSite()
    const head = () => fetch(`${site.origin}/oauth/feed`, { method: 'HEAD', headers: basic('orders', ORDERS.clientSecret) })
    const answers = await Promise.all(Array.from({ length: 150 }, head))

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })
})

describe('a storm', () => {
  it('of endings reaches every service, and people are served meanwhile', async () => {
    const site = await endpointSite()
    const readers = await Promise.all(Array.from({ length: 5 }, () => FeedReader.open(site)))
    const ids: string[] = []
    for (let i = 0; i < 10_000; i++) ids.push((await site.sessions.signIn({ subject: `s${i}`, method: 'pwd' })).id!)
    const { accessToken } = await site.token()
    const answered: boolean[] = []
    for (const [i, id] of ids.entries()) {
      await site.sessions.revoke(id)
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
      if (i % 2500 === 0) answered.push((await site.ask(accessToken)).active as boolean)
    }
    for (const reader of readers) await reader.until('session', ids.length)

    expect(answered).toEqual([true, true, true, true])
    expect(readers.map((reader) => new Set(reader.of('session').map(({ sid }) => sid)).size)).toEqual(
      readers.map(() => ids.length),
    )
  })

  it('of other events drowns no end', async () => {
    const site = await endpointSite()
    const reader = await FeedReader.open(site)
    const { sessionId } = await site.token()
    for (let i = 0; i < 11_000; i++) site.sessions.events.emit({ type: 'token.refused', state: 'malformed' })
    await site.sessions.revoke(sessionId)

    expect(site.sessions.events.dropped).toBeGreaterThan(0)
    expect(await reader.until('session')).toMatchObject([{ sid: sessionId }])
  })
})

describe('the store', () => {
  it('without a channel cannot: 501, and services ask instead', async () => {
    const store = Object.assign(faultyStore(memoryStore()), { channel: noChannel })
    const site = await endpointSite({ store })

    expect((await get(site)).status).toBe(501)
    await site.sessions.revoke((await site.token()).sessionId)
    await site.sessions.events.drained()
  })

  it('that is away: 503, and the next attempt succeeds when it is back', async () => {
    const store = faultyStore(memoryStore())
    const site = await endpointSite({ store })
    store.setFaults({ 'channel.subscribe': { kind: 'error' } })
    const refused = await get(site)
    store.setFaults({})

    expect(refused.status).toBe(503)
    expect((await FeedReader.open(site)).of('hello')).toHaveLength(1)
  })
})

it('closing lets everybody go', async () => {
  const site = await endpointSite()
  const readers = [await FeedReader.open(site), await FeedReader.open(site)]
  await site.feed.close()
  await site.feed.close()

  for (const reader of readers) await reader.untilOver()
  expect(readers.map(({ isOver }) => isOver)).toEqual([true, true])
})

it('closing while the engine’s pushes are interrupted ends, and lets everybody go', async () => {
  const { inner, push, changes, listeners } = pushingStore()
  const site = await endpointSite({ store: Object.assign(faultyStore(inner), { changes }) })
  const reader = await FeedReader.open(site, { beat: 200 })
  push((listener) => listener.interrupted())
  // A beat is due, and waits.
  await new Promise((resolve) => setTimeout(resolve, 400))
  await site.feed.close()
  await reader.untilOver()

  expect([reader.isOver, listeners.size]).toEqual([true, 0])
})
