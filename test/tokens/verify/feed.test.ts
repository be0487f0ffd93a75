import { setTimeout as sleep } from 'node:timers/promises'
import { seconds } from 'sojourn'
import { tcpProxy } from 'sojourn/testing'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { subjectKeyOf } from '../../../src/core/placement.ts'
import { CLIENT, outcome, type Stream, startIssuer, type TestIssuer, until, verifierOf } from './support.ts'

const INTROSPECT = '/oauth/introspect'

/** A verifier that hears the feed already. */
async function following(issuer: TestIssuer, options: Parameters<typeof verifierOf>[1] = {}) {
  const watched = verifierOf(issuer, { client: CLIENT, ...options })
  await until(() => watched.verifier.status().feed === 'live')
  return watched
}

/** What the feed said last has arrived when this has. */
async function heard(issuer: TestIssuer, { verifier }: { verifier: { status(): { measured: { last?: number | undefined } } } }) {
  const before = verifier.status().measured.last
  issuer.tell('session', { sid: 'nobody' })
  await until(() => verifier.status().measured.last !== before)
}

describe('while the feed is live', () => {
  it('it decides alone: nothing is asked', async () => {
    const issuer = await startIssuer()
    const { verifier } = await following(issuer)

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('active by feed')
    expect(issuer.asked(INTROSPECT)).toBe(0)
  })

  it('a session that ends takes its tokens along, and no others', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    const [ended, other] = [await issuer.mint(), await issuer.mint({ sid: 'another' })]
    issuer.tell('session', { sid: 'session-of-ada' })

    await until(async () => (await outcome(watched.verifier.verify(ended))) === '401 ended')
    expect(await outcome(watched.verifier.verify(other))).toBe('active by feed')
    expect(issuer.asked(INTROSPECT)).toBe(0)
  })

  it('a token that is revoked is over alone', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    const [revoked, other] = [await issuer.mint({ jti: 'revoked' }), await issuer.mint()]
    issuer.tell('token', { jti: 'revoked' })

    await until(async () => (await outcome(watched.verifier.verify(revoked))) === '401 ended')
    expect(await outcome(watched.verifier.verify(other))).toBe('active by feed')
  })

  it('an end that is told after the issuer was asked beats its answer', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.now() + 3_600_000 })
    const watched = await following(issuer)
    const token = await issuer.mint()
    const before = await outcome(watched.verifier.verify(token))
    issuer.tell('session', { sid: 'session-of-ada' })

    expect(before).toBe('active by introspection')
    await until(async () => (await outcome(watched.verifier.verify(token))) === '401 ended')
  })

  it('an end that arrives while the issuer is being asked beats the answer that is on its way', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.now() + 3_600_000 })
    const watched = verifierOf(issuer, {
      client: CLIENT,
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        if (String(input).endsWith(INTROSPECT)) {
          issuer.tell('session', { sid: 'session-of-ada' })
          await until(() => watched.verifier.status().measured.last !== undefined)
        }
        return answer
      },
    })
    await until(() => watched.verifier.status().feed === 'live')

    expect(await outcome(watched.verifier.verify(await issuer.mint()))).toBe('401 ended')
  })

  it('what had ended before it was followed is known', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { ended: ['session-of-ada'] })
    const { verifier } = await following(issuer)

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('401 ended')
  })

  it('a token from before its coverage is asked about once, and then covered', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.clock() })
    const { verifier } = await following(issuer)
    const token = await issuer.mint({ iat: issuer.clock() / 1000 - 1 })

    const outcomes = [await outcome(verifier.verify(token)), await outcome(verifier.verify(token))]

    expect(outcomes).toEqual(['active by introspection', 'active by feed'])
    expect(issuer.asked(INTROSPECT)).toBe(1)
  })

  it('after a gap, older tokens are asked about, also those that were covered by an answer', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    const token = await issuer.mint()
    const before = await outcome(watched.verifier.verify(token))
    issuer.tell('gap', { since: issuer.now() + 1000 })
    await until(() => watched.events.some(({ type }) => type === 'feed.gapped'))

    expect([before, await outcome(watched.verifier.verify(token))]).toEqual(['active by feed', 'active by introspection'])
  })
})

describe('doubt', () => {
  it.each([
    ['a subject', () => ['subject', { sub: subjectKeyOf('ada') }] as const],
    ['a session', () => ['doubt', { sid: 'session-of-ada' }] as const],
  ])('of %s is settled by the issuer: a spared session lives, the others do not', async (_, doubt) => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    const [spared, ended, stranger] = [
      await issuer.mint({ jti: 'spared' }),
      await issuer.mint({ jti: 'ended' }),
      await issuer.mint({ sub: 'bob', sid: 'session-of-bob' }),
    ]
    issuer.introspect = (token) => ({ active: token === spared })
    const [event, data] = doubt()
    issuer.tell(event, data)
    await heard(issuer, watched)

    expect([
      await outcome(watched.verifier.verify(spared)),
      await outcome(watched.verifier.verify(spared)),
      await outcome(watched.verifier.verify(ended)),
      await outcome(watched.verifier.verify(stranger)),
    ]).toEqual(['active by introspection', 'active by feed', '401 ended', 'active by feed'])
    expect(issuer.asked(INTROSPECT)).toBe(2)
  })

  it('does not touch what was minted since', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    issuer.tell('subject', { sub: subjectKeyOf('ada'), at: issuer.clock() - 1 })
    await heard(issuer, watched)

    expect(await outcome(watched.verifier.verify(await issuer.mint()))).toBe('active by feed')
    expect(issuer.asked(INTROSPECT)).toBe(0)
  })

  it('makes an answer of before it worthless, however young', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.now() + 3_600_000 })
    const watched = await following(issuer, { revokedWithin: seconds(60) })
    const token = await issuer.mint()
    await watched.verifier.verify(token)
    issuer.introspect = () => ({ active: false })
    issuer.tell('doubt', { sid: 'session-of-ada' })
    await heard(issuer, watched)

    expect(await outcome(watched.verifier.verify(token))).toBe('401 ended')
  })

  it('that comes while the issuer is being asked is settled by a question of its own', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.now() + 3_600_000 })
    const held: { answer: () => void }[] = []
    const watched = verifierOf(issuer, {
      client: CLIENT,
      fetch: async (input, init) => {
        const answer = await fetch(input, init)
        if (String(input).endsWith(INTROSPECT) && held.length === 0)
          await new Promise<void>((resolve) => void held.push({ answer: resolve }))
        return answer
      },
    })
    await until(() => watched.verifier.status().feed === 'live')
    const token = await issuer.mint()
    const early = outcome(watched.verifier.verify(token))
    await until(() => held.length === 1)
    issuer.introspect = () => ({ active: false })
    issuer.tell('doubt', { sid: 'session-of-ada' })
    await heard(issuer, watched)
    const late = outcome(watched.verifier.verify(token))
    held[0]!.answer()

    expect([await early, await late]).toEqual(['401 ended', '401 ended'])
  })

  it('without introspection nobody can settle, and nobody is let in', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer, { introspection: false })
    const token = await issuer.mint()
    const before = await outcome(watched.verifier.verify(token))
    issuer.tell('doubt', { sid: 'session-of-ada' })
    await heard(issuer, watched)

    expect([before, await outcome(watched.verifier.verify(token))]).toEqual(['active by feed', '503 unavailable'])
  })
})

describe('when the feed is cut', () => {
  it.each(['stall', 'cut'] as const)('by %s, the issuer is asked within the budget, and the end is seen', async (kind) => {
    const issuer = await startIssuer()
    const proxy = await tcpProxy({ port: issuer.port })
    onTestFinished(() => proxy.close())
    const watched = await following(issuer, { feed: `http://127.0.0.1:${proxy.port}/oauth/feed`, revokedWithin: 1000 })
    const token = await issuer.mint()
    const before = await outcome(watched.verifier.verify(token))
    proxy.setMode({ kind })
    issuer.introspect = () => ({ active: false })
    const endedAt = performance.now()

    await until(async () => (await outcome(watched.verifier.verify(token))) === '401 ended')
    // The rule is in the clock the verifier goes by; the rest is this machine, busy with other tests.
    expect(performance.now() - endedAt).toBeLessThan(1000 + 4000)
    expect(before).toBe('active by feed')
    await until(() => watched.verifier.status().feed === 'stale')
    proxy.setMode({ kind: 'pass' })
    await until(() => watched.verifier.status().feed === 'live')
  })

  it('and the issuer as well, nobody is let in and nobody signed out', async () => {
    const issuer = await startIssuer()
    const { verifier } = await following(issuer, { revokedWithin: 500 })
    const token = await issuer.mint()
    await verifier.verify(token)
    issuer.close()

    await until(async () => (await outcome(verifier.verify(token))) === '503 unavailable')
    const access = await verifier.verify(token)
    expect(access).toMatchObject({ status: 503, error: 'temporarily_unavailable', headers: { 'Retry-After': '1' } })
    expect((access as { headers: object }).headers).not.toHaveProperty('WWW-Authenticate')
  })

  it('what it said stays true', async () => {
    const issuer = await startIssuer()
    const { verifier } = await following(issuer, { revokedWithin: 500 })
    const token = await issuer.mint()
    await verifier.verify(token)
    issuer.tell('session', { sid: 'session-of-ada' })
    await until(async () => (await outcome(verifier.verify(token))) === '401 ended')
    issuer.close()
    await until(() => verifier.status().feed === 'stale')

    expect(await outcome(verifier.verify(token))).toBe('401 ended')
  })

  it('it goes on where it was, with the id it heard last', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    issuer.tell('session', { sid: 'x' }, 'process-7')
    await heard(issuer, watched)
    for (const stream of issuer.streams) stream.response.destroy()
    await until(() => issuer.lastEventIds.length > 1)

    expect(issuer.lastEventIds).toEqual([undefined, 'process-7'])
  })

  it('and another process answers that knows less, older tokens are asked about', async () => {
    const issuer = await startIssuer()
    const watched = await following(issuer)
    const token = await issuer.mint()
    const before = await outcome(watched.verifier.verify(token))
    issuer.onStream = (stream) => issuer.greet(stream, { since: issuer.now() + 10_000 })
    for (const stream of issuer.streams) stream.response.destroy()
    await until(() => issuer.asked('/oauth/feed') > 1 && watched.verifier.status().coveredSince! > issuer.now())

    expect([before, await outcome(watched.verifier.verify(token))]).toEqual(['active by feed', 'active by introspection'])
  })

  it('and another process answers that knows since before, nothing was missed', async () => {
    const issuer = await startIssuer()
    const since = issuer.clock() - 600_000
    const watched = await following(issuer)
    const restartedAt = issuer.now()
    await heard(issuer, watched)
    await sleep(500)
    issuer.onStream = (stream) => issuer.greet(stream, { since: restartedAt })
    const count = issuer.asked('/oauth/feed')
    for (const stream of issuer.streams) stream.response.destroy()
    await until(() => issuer.asked('/oauth/feed') > count)
    await until(() => watched.verifier.status().feed === 'live')

    expect(watched.verifier.status().coveredSince).toBe(since)
  })
})

describe('a feed that says too little', () => {
  const silent: readonly (readonly [string, (issuer: TestIssuer, stream: Stream) => void])[] = [
    ['nothing', () => {}],
    ['hello and no more', (issuer, stream) => stream.send('hello', { now: issuer.now(), since: 0, beat: 200 })],
    [
      'no ready',
      (issuer, stream) => {
        stream.send('hello', { now: issuer.now(), since: 0, beat: 200 })
        issuer.beat(stream)
      },
    ],
    [
      'no beat',
      (issuer, stream) => {
        stream.send('hello', { now: issuer.now(), since: 0, beat: 200 })
        stream.send('ready', {})
      },
    ],
    [
      'no hello',
      (issuer, stream) => {
        stream.send('ready', {})
        issuer.beat(stream)
      },
    ],
    [
      'beats that are old',
      (issuer, stream) => {
        const now = issuer.now()
        stream.send('hello', { now, since: 0, beat: 200 })
        stream.send('ready', {})
        const timer = setInterval(() => stream.send('beat', { now: now - 60_000 }), 200)
        stream.response.on('close', () => clearInterval(timer))
      },
    ],
    ['an answer that is no stream', (_, { response }) => void response.end('{}')],
    ['a line without end', (_, { response }) => void response.write(`data: ${'x'.repeat(100_000)}`)],
    ['an event without end', (_, { response }) => void response.write(`data: ${'x'.repeat(4000)}\n`.repeat(1000))],
    ['words for instants', (_, stream) => stream.send('hello', { now: 'now', since: 'ever', beat: 'often' })],
    ['no JSON', (_, { response }) => void response.write('event: hello\ndata: hello\n\n')],
  ]
  it.each(silent)('%s, decides nothing', async (_, say) => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => say(issuer, stream)
    const { verifier } = verifierOf(issuer, { client: CLIENT, revokedWithin: 500 })
    await until(() => issuer.asked('/oauth/feed') > 0)
    await sleep(300)

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('active by introspection')
    expect(verifier.status().feed).toBe('stale')
  })

  it('and is silent, is left for a new connection', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => {
      stream.send('hello', { now: issuer.now(), since: 0, beat: 200 })
      stream.send('ready', {})
    }
    const { events } = verifierOf(issuer, { client: CLIENT, revokedWithin: 500 })

    await until(() => issuer.asked('/oauth/feed') >= 2)
    expect(events).toContainEqual({ type: 'feed.lost', reason: 'silent' })
  })

  it('whose beats are held back on the way, is stale although they come', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => {
      stream.send('hello', { now: issuer.now(), since: 0, beat: 200 })
      stream.send('ready', {})
      // Something in between passes on what was said two seconds ago.
      const timer = setInterval(() => stream.send('beat', { now: issuer.now() - 2000 }), 50)
      stream.response.on('close', () => clearInterval(timer))
    }
    const { verifier, events } = verifierOf(issuer, { client: CLIENT, revokedWithin: 1000 })

    await until(() => events.some((event) => event.type === 'feed.lost' && event.reason === 'late'))
    expect(verifier.status().feed).toBe('stale')
  })

  it('that beats too seldom for the budget, says so', async () => {
    const issuer = await startIssuer()
    issuer.onStream = (stream) => issuer.greet(stream, { beat: 30_000 })
    const { events } = verifierOf(issuer, { client: CLIENT, revokedWithin: 500 })

    await until(() => events.some(({ type }) => type === 'feed.too-slow'))
  })
})

test('the feed is asked for with the client and the beat the budget needs, and never told to others', async () => {
  const [issuer, evil] = [await startIssuer(), await startIssuer()]
  let url = ''
  issuer.onStream = ({ request, response }) => {
    url = request.url!
    response.destroy()
  }
  verifierOf(issuer, { client: { id: 'a b', clientSecret: 'sécret:of 32 characters or more!' }, revokedWithin: 2000 })
  await until(() => url !== '')

  const [scheme, value] = issuer.authorizations[0]!.split(' ')
  expect([scheme, Buffer.from(value!, 'base64').toString()]).toEqual(['Basic', 'a+b:s%C3%A9cret%3Aof+32+characters+or+more%21'])
  expect(url).toBe('/oauth/feed?beat=500')
  expect(evil.authorizations).toEqual([])
})

test('a connection is reported once, also to who asks about every token', async () => {
  const issuer = await startIssuer()
  const { events } = verifierOf(issuer, { client: CLIENT, revokedWithin: 0 })
  await until(() => events.some(({ type }) => type === 'feed.connected'))
  await sleep(700)

  expect(events.map(({ type }) => type)).toEqual(['feed.connected'])
})

test('a closed verifier leaves the feed and comes back no more', async () => {
  const issuer = await startIssuer()
  const { verifier } = await following(issuer)
  verifier.close()
  verifier.close()
  await until(() => issuer.streams.length === 0)
  const count = issuer.asked('/oauth/feed')
  await sleep(500)

  expect(issuer.asked('/oauth/feed')).toBe(count)
})

test('the status tells the budget, the worst case and what was measured', async () => {
  const issuer = await startIssuer()
  const watched = await following(issuer, { revokedWithin: 2000 })
  await heard(issuer, watched)

  const { measured, ...status } = watched.verifier.status()

  expect(status).toEqual({
    revocation: 'feed-and-introspection',
    feed: 'live',
    coveredSince: issuer.clock() - 600_000,
    budget: 2000,
    worstCase: 2000,
    introspections: { asked: 0, failed: 0 },
    keys: { known: 0, fetches: 0 },
  })
  expect(measured.last).toBeLessThanOrEqual(measured.worst!)
  expect(verifierOf(issuer).verifier.status()).toMatchObject({ revocation: 'none', feed: 'none', worstCase: 3_630_000 })
})
