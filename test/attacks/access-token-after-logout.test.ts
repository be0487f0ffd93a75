// The attacker has: an access token stolen from somebody who then signs out, and power over the network between issuer and service.
// The attacker does: cuts the feed, stalls it, or holds it back, so that the service does not hear of it, and goes on using the token.
// The attacker must not get: a request that is served later than the budget; nor may the owner of another session be shut out by it.
import { tcpProxy } from 'sojourn/testing'
import { expect, it, onTestFinished } from 'vitest'
import { realIssuer } from '../tokens/verify/issuer.ts'
import { outcome, until } from '../tokens/verify/support.ts'

it.each(['cut', 'stall', 'latency'] as const)('by %s', async (kind) => {
  const issuer = await realIssuer()
  const proxy = await tcpProxy({ port: issuer.port })
  onTestFinished(() => proxy.close())
  const { verifier } = issuer.service({ feed: `http://127.0.0.1:${proxy.port}/oauth/feed`, revokedWithin: 1000 })
  await until(() => verifier.status().feed === 'live')
  const [victim, other] = [await issuer.signIn('victim'), await issuer.signIn('other')]
  const [stolen, good] = [await issuer.mint(victim), await issuer.mint(other)]
  await Promise.all([verifier.verify(stolen), verifier.verify(good)])

  proxy.setMode(kind === 'latency' ? { kind, milliseconds: 600_000 } : { kind })
  await issuer.sessions.revoke(victim.id!)
  const endedAt = performance.now()
  let lastServedAt = endedAt
  for (;;) {
    const sentAt = performance.now()
    if ((await outcome(verifier.verify(stolen))) === '401 ended') break
    lastServedAt = sentAt
    await new Promise((resolve) => setTimeout(resolve, 20))
  }

  expect(lastServedAt - endedAt).toBeLessThanOrEqual(1000)
  expect((await verifier.verify(good)).state).toBe('active')
})
