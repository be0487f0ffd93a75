// The verifier and the real issuer, which do not know each other's code: sessions that end, over HTTP.
import { tcpProxy } from 'sojourn/testing'
import { describe, expect, it, onTestFinished, test } from 'vitest'
import { realIssuer } from './issuer.ts'
import { outcome, until } from './support.ts'

/** Tokens of the first seconds are asked about, as long as the issuer's clocks may differ. Then the feed decides alone. */
async function decidedByFeed(
  issuer: Awaited<ReturnType<typeof realIssuer>>,
  verifier: ReturnType<typeof issuer.service>['verifier'],
) {
  const session = await issuer.signIn('fence')
  await until(async () => (await outcome(verifier.verify(await issuer.mint(session)))) === 'active by feed')
}

test.each(['ES256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65'] as const)(
  'a token of the issuer (%s) is good at the service',
  async (algorithm) => {
    const issuer = await realIssuer({ algorithm })
    const { verifier } = issuer.service()
    const session = await issuer.signIn()

    const access = await verifier.verify(await issuer.mint(session, { scope: ['read'] }))

    expect(access).toMatchObject({ state: 'active', subject: 'ada', sessionId: session.id, scopes: ['read'] })
  },
)

test('a person who signs out is out at the service within the budget, by the feed alone', async () => {
  const issuer = await realIssuer()
  const { verifier } = issuer.service({ introspection: false, revokedWithin: 5000 })
  await until(() => verifier.status().feed === 'live')
  await decidedByFeed(issuer, verifier)
  const session = await issuer.signIn()
  const token = await issuer.mint(session)
  await until(async () => (await outcome(verifier.verify(token))) === 'active by feed')

  await issuer.sessions.revoke(session.id!)
  await until(async () => (await outcome(verifier.verify(token))) === '401 ended')

  expect(verifier.status().measured.worst).toBeLessThan(5000)
})

test('signing out everywhere but here spares this session and no other', async () => {
  const issuer = await realIssuer()
  const { verifier } = issuer.service()
  await until(() => verifier.status().feed === 'live')
  await decidedByFeed(issuer, verifier)
  const [here, there] = [await issuer.signIn(), await issuer.signIn()]
  const [spared, ended] = [await issuer.mint(here), await issuer.mint(there)]
  await Promise.all([verifier.verify(spared), verifier.verify(ended)])

  await issuer.sessions.revokeSubject('ada', { except: here.id! })
  await until(async () => (await outcome(verifier.verify(ended))) === '401 ended')

  for (let i = 0; i < 5; i++) expect((await verifier.verify(spared)).state).toBe('active')
})

describe('a network that breaks between them', () => {
  it('hides no end longer than the budget, and the feed goes on when it is back', async () => {
    const issuer = await realIssuer()
    const proxy = await tcpProxy({ port: issuer.port })
    onTestFinished(() => proxy.close())
    const { verifier } = issuer.service({ feed: `http://127.0.0.1:${proxy.port}/oauth/feed`, revokedWithin: 1000 })
    await until(() => verifier.status().feed === 'live')
    await decidedByFeed(issuer, verifier)
    const [one, two] = [await issuer.signIn(), await issuer.signIn()]
    const [first, second] = [await issuer.mint(one), await issuer.mint(two)]
    await Promise.all([verifier.verify(first), verifier.verify(second)])

    proxy.setMode({ kind: 'stall' })
    await issuer.sessions.revoke(one.id!)
    await until(async () => (await outcome(verifier.verify(first))) === '401 ended')
    await issuer.sessions.revoke(two.id!)
    proxy.setMode({ kind: 'pass' })
    await until(() => verifier.status().feed === 'live')

    expect(await outcome(verifier.verify(second))).toBe('401 ended')
  })

  it('and takes everything along, leaves nobody in and signs nobody out', async () => {
    const issuer = await realIssuer()
    const { verifier } = issuer.service({ revokedWithin: 500 })
    const token = await issuer.mint(await issuer.signIn())
    const before = await outcome(verifier.verify(token))
    await issuer.close()

    expect(before).toMatch(/^active by/)
    await until(async () => (await outcome(verifier.verify(token))) === '503 unavailable')
  })
})

test('with no budget at all, an end is seen by the next request', async () => {
  const issuer = await realIssuer()
  const { verifier } = issuer.service({ revokedWithin: 0, feed: false })
  const session = await issuer.signIn()
  const token = await issuer.mint(session)
  const before = await outcome(verifier.verify(token))
  await issuer.sessions.revoke(session.id!)

  expect([before, await outcome(verifier.verify(token))]).toEqual(['active by introspection', '401 ended'])
})

test('a service nobody lists hears nothing, and lets nobody in', async () => {
  const issuer = await realIssuer()
  const { verifier, events } = issuer.service({ client: { id: 'stranger', clientSecret: 'x'.repeat(43) } })

  expect(await outcome(verifier.verify(await issuer.mint(await issuer.signIn())))).toBe('503 unavailable')
  expect(events).toContainEqual({ type: 'introspection.failed', reason: 'status-401' })
  await until(() => events.some((event) => event.type === 'feed.lost' && event.reason === 'status-401'))
})
