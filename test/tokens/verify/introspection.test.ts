import { setTimeout as sleep } from 'node:timers/promises'
import { seconds } from 'sojourn'
import { describe, expect, it, test } from 'vitest'
import { CLIENT, outcome, startIssuer, until, verifierOf } from './support.ts'

const INTROSPECT = '/oauth/introspect'
const asking = { client: CLIENT, feed: false } as const

test('without a feed, an answer counts for the budget and no longer', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { ...asking, revokedWithin: 1000 })
  const token = await issuer.mint()
  const outcomes = [await outcome(verifier.verify(token)), await outcome(verifier.verify(token))]
  issuer.introspect = () => ({ active: false })

  await until(async () => (await outcome(verifier.verify(token))) === '401 ended')
  expect(outcomes).toEqual(['active by introspection', 'active by introspection'])
  expect(issuer.asked(INTROSPECT)).toBe(2)
})

test('with a budget of nothing, every request asks', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { client: CLIENT, revokedWithin: 0 })
  await until(() => issuer.streams.length === 1)
  const token = await issuer.mint()
  for (let i = 0; i < 3; i++) await verifier.verify(token)
  issuer.introspect = () => ({ active: false })

  expect(await outcome(verifier.verify(token))).toBe('401 ended')
  expect(issuer.asked(INTROSPECT)).toBe(4)
})

test('INTRO-04: a positive answer is not used past exp, however young', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { ...asking, revokedWithin: seconds(60), clockTolerance: 0 })
  const token = await issuer.mint()
  const before = await outcome(verifier.verify(token))
  issuer.clock.advance(seconds(300))

  expect([before, await outcome(verifier.verify(token))]).toEqual(['active by introspection', '401 expired'])
})

test('a token that runs out while the issuer is being asked is over', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { ...asking, clockTolerance: 0 })
  issuer.introspect = () => {
    issuer.clock.advance(seconds(300))
    return { active: true }
  }

  expect(await outcome(verifier.verify(await issuer.mint()))).toBe('401 expired')
})

test('a token that was not good once is never asked about again', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, { client: CLIENT, feed: false, revokedWithin: 0 })
  issuer.introspect = () => ({ active: false })
  const token = await issuer.mint()
  await verifier.verify(token)
  issuer.introspect = () => ({ active: true })

  expect(await outcome(verifier.verify(token))).toBe('401 ended')
  expect(issuer.asked(INTROSPECT)).toBe(1)
})

test('a hundred requests with one token are one question', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, asking)
  const token = await issuer.mint()

  const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(verifier.verify(token))))

  expect(new Set(outcomes)).toEqual(new Set(['active by introspection']))
  expect(issuer.asked(INTROSPECT)).toBe(1)
})

test('many tokens are asked about, but no more than 32 at once', async () => {
  const issuer = await startIssuer()
  let [atOnce, most] = [0, 0]
  const { verifier } = verifierOf(issuer, {
    ...asking,
    fetch: async (input, init) => {
      const isQuestion = String(input).endsWith(INTROSPECT)
      if (isQuestion) most = Math.max(most, ++atOnce)
      await sleep(5)
      try {
        return await fetch(input, init)
      } finally {
        if (isQuestion) atOnce--
      }
    },
  })
  const tokens = await Promise.all(Array.from({ length: 200 }, () => issuer.mint()))

  const outcomes = await Promise.all(tokens.map((token) => outcome(verifier.verify(token))))

  expect(new Set(outcomes)).toEqual(new Set(['active by introspection']))
  expect(most).toBe(32)
})

describe('an answer that is none', () => {
  it.each([
    ['a fault', 500, { active: true }],
    ['nobody we know', 401, { active: true }],
    ['accepted for later', 202, { active: true }],
    ['a word for a boolean', 200, { active: 'true' }],
    ['a number for a boolean', 200, { active: 1 }],
    ['nothing', 200, {}],
    ['a list', 200, [{ active: true }]],
    ['null', 200, null],
    ['too much', 200, { active: true, filling: 'x'.repeat(100_000) }],
  ])('%s: nobody can say', async (_, status, body) => {
    const issuer = await startIssuer()
    issuer.introspectionStatus = status
    issuer.introspect = () => body
    const { verifier, events } = verifierOf(issuer, asking)

    expect(await outcome(verifier.verify(await issuer.mint()))).toBe('503 unavailable')
    expect(events.map(({ type }) => type)).toContain('introspection.failed')
  })

  it.each([{ sid: 'another' }, { sub: 'bob' }, { jti: 'x' }, { iss: 'https://evil.example' }])(
    'about another token (%j) is not one about this',
    async (other) => {
      const issuer = await startIssuer()
      issuer.introspect = () => ({ active: true, ...other })

      expect(await outcome(verifierOf(issuer, asking).verifier.verify(await issuer.mint()))).toBe('503 unavailable')
    },
  )
})

test('an issuer that is away is not waited for by every request', async () => {
  const issuer = await startIssuer()
  issuer.introspectionStatus = 500
  const { verifier } = verifierOf(issuer, { ...asking, revokedWithin: 0 })
  for (let i = 0; i < 50; i++) await verifier.verify(await issuer.mint())

  expect(issuer.asked(INTROSPECT)).toBeLessThan(10)
  issuer.introspectionStatus = 200
  await until(async () => (await outcome(verifier.verify(await issuer.mint()))) === 'active by introspection')
})

test('questions that hang are given up, also those that wait for their turn', async () => {
  const issuer = await startIssuer()
  const { verifier } = verifierOf(issuer, {
    ...asking,
    timeout: 200,
    fetch: (input, init) => {
      if (!String(input).endsWith(INTROSPECT)) return fetch(input, init)
      return new Promise((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))
    },
  })
  const tokens = await Promise.all(Array.from({ length: 150 }, () => issuer.mint()))
  const startedAt = performance.now()

  const outcomes = await Promise.all(tokens.map((token) => outcome(verifier.verify(token))))

  expect(new Set(outcomes)).toEqual(new Set(['503 unavailable']))
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

test('who waits for their turn as long as a call may take, is told that nobody can say', async () => {
  const issuer = await startIssuer()
  const { verifier, events } = verifierOf(issuer, {
    ...asking,
    timeout: 1000,
    fetch: async (input, init) => {
      if (String(input).endsWith(INTROSPECT)) await sleep(400)
      return fetch(input, init)
    },
  })
  const tokens = await Promise.all(Array.from({ length: 300 }, () => issuer.mint()))

  const outcomes = await Promise.all(tokens.map((token) => outcome(verifier.verify(token))))

  expect(outcomes).toContain('503 unavailable')
  expect(events).toContainEqual({ type: 'introspection.failed', reason: 'busy' })
})

test('with a budget of nothing, no answer counts that was asked for before the request came', async () => {
  const issuer = await startIssuer()
  const held: (() => void)[] = []
  const { verifier } = verifierOf(issuer, {
    ...asking,
    revokedWithin: 0,
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      if (String(input).endsWith(INTROSPECT) && held.length === 0) await new Promise<void>((resolve) => void held.push(resolve))
      return answer
    },
  })
  const token = await issuer.mint()
  const early = outcome(verifier.verify(token))
  await until(() => held.length === 1)
  issuer.introspect = () => ({ active: false })
  const late = outcome(verifier.verify(token))
  // Long enough for it to wait for the answer that is on its way, if it did.
  await sleep(200)
  held[0]!()

  expect([await early, await late]).toEqual(['active by introspection', '401 ended'])
})

test('the token goes to the issuer in a body, never in a URL', async () => {
  const issuer = await startIssuer()
  const { verifier, called } = verifierOf(issuer, asking)
  const token = await issuer.mint()
  await verifier.verify(token)

  expect(called.join()).not.toContain(token.slice(0, 20))
})

test('an answer that comes later than the budget after its question is none: what it says may be older than is allowed', async () => {
  const issuer = await startIssuer()
  const { verifier, events } = verifierOf(issuer, { ...asking, revokedWithin: 500, fetch: slowly })
  async function slowly(...[input, init]: Parameters<typeof fetch>) {
    const answer = await fetch(input, init)
    if (String(input).endsWith(INTROSPECT)) await sleep(700, undefined, { signal: init!.signal! })
    return answer
  }

  expect(await outcome(verifier.verify(await issuer.mint()))).toBe('503 unavailable')
  expect(events).toContainEqual({ type: 'introspection.failed', reason: 'timeout' })
})
